"""Whatever somebody pastes: found out what it is, and read as that."""

from __future__ import annotations

from collections.abc import Mapping

from core.imports import okx, own, three_commas
from core.imports.given import folded
from core.imports.imported import Imported
from core.imports.texts import read_text, refuse

KNOWN = "a DCA bot of 3Commas, a Spot DCA bot of OKX or a file of Stepladder"


def read_import(text: str | bytes) -> Imported:
    """Parameters with every sentence that belongs to them. Raises `InvalidInput` with one sentence."""
    source = _one(read_text(text))
    if "format" in source or "parameters" in source:
        return own.read_export(source)
    theirs = _has_any(source, three_commas.NAMES, three_commas.DECIDING)
    okxs = _has_any(source, okx.NAMES, okx.DECIDING)
    if theirs and okxs:
        raise refuse("mixes names of 3Commas and of OKX; paste one parameter set.")
    if theirs:
        return three_commas.from_three_commas(source)
    if okxs:
        return okx.from_okx(source)
    raise refuse(f"is none of these: {KNOWN}. Its names are known for none of them.")


def _has_any(
    source: Mapping[str, object], names: Mapping[str, str], deciding: tuple[str, ...]
) -> bool:
    return any(names.get(folded(written)) in deciding for written in source)


def _one(content: object) -> Mapping[str, object]:
    """The one parameter set in a list, or in the answer of an API ({"code": "0", "data": [...]})."""
    if isinstance(content, Mapping) and isinstance(content.get("data"), list):
        content = content["data"]
    if isinstance(content, list):
        if len(content) != 1:
            raise refuse(f"holds {len(content)} parameter sets; paste one of them.")
        content = content[0]
    if not isinstance(content, Mapping):
        raise refuse(f"is not a parameter set; paste {KNOWN}.")
    return content
