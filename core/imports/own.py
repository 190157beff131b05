"""Our own parameters as a file: written by one Stepladder, read by another, or by the same one later."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.errors import InvalidInput
from core.imports.imported import Imported
from core.imports.texts import refuse, shown
from core.parameter_reading import read_parameters, write_parameters
from core.parameters import Parameters

FORMAT = "stepladder-parameters"
VERSION = 1
FIELDS = ("format", "version", "exchange", "symbol", "parameters")


def write_export(
    parameters: Parameters, *, symbol: str | None = None, exchange: str | None = None
) -> str:
    """JSON that `read_export` reads back equal; numbers are text, so that no program rounds them."""
    place = {"exchange": exchange, "symbol": symbol}
    content = {
        "format": FORMAT,
        "version": VERSION,
        **{name: value for name, value in place.items() if value is not None},
        "parameters": write_parameters(parameters),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_export(source: Mapping[str, object]) -> Imported:
    """Raises `InvalidInput`: for fields too that this version does not know, as they may matter."""
    if source.get("format") != FORMAT:
        raise refuse(f'is not a file of Stepladder: its "format" must be "{FORMAT}".')
    version = source.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidInput("version", "is missing or no whole number; export the strategy again.")
    if version > VERSION:
        raise InvalidInput(
            "version", "is of a newer Stepladder; upgrade this one, or export from one like it."
        )
    for name in source:
        if name not in FIELDS:
            raise refuse(f"has the field {shown(name)}, which is not known here; remove it.")
    return Imported(
        "Stepladder",
        read_parameters(source.get("parameters")),
        _name("symbol", source.get("symbol"), slashes=1),
        _name("exchange", source.get("exchange"), slashes=0),
    )


def _name(field: str, value: object, *, slashes: int) -> str | None:
    """Letters and digits of any script with . - _ between, so that it is harmless wherever it is shown."""
    if value is None:
        return None
    parts = value.split("/") if isinstance(value, str) and len(value) <= 60 else []
    if len(parts) != slashes + 1 or not all(_is_plain(part) for part in parts):
        example = "BTC/USDT" if slashes else "binance"
        raise InvalidInput(
            field, f"is not the name of one; write it as in {example}, or leave it out."
        )
    return str(value)


def _is_plain(part: str) -> bool:
    return part[:1].isalnum() and all(each.isalnum() or each in ".-_" for each in part)
