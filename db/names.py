"""Names that people type: what is allowed in them, so that no screen, log or export has to fear them."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo

from core.errors import InvalidInput

USERNAME = re.compile(r"[a-z0-9_.-]{3,32}", re.ASCII)
LONGEST_NAME = 60
# Letters and digits of any script are fine; of everything else only what names need. Nothing here means
# something to HTML, Markdown or a spreadsheet's formulas at the start of a cell.
EXTRA = frozenset(" .,'&()/%+#:-")
FORMULA_STARTS = frozenset("+-'%#:/&.,)")


def clean_username(username: str) -> str:
    """The name as it is stored; raises InvalidInput."""
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise InvalidInput(
            "username",
            "must have 3 to 32 characters: letters a to z, digits, point, dash and underscore.",
        )
    return name


def clean_name(field: str, name: str) -> str:
    """A display name, the name of a strategy or of an account."""
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    if not text:
        raise InvalidInput(field, "is empty; give it a name.")
    if len(text) > LONGEST_NAME:
        raise InvalidInput(field, f"is too long; use at most {LONGEST_NAME} characters.")
    for character in text:
        if not (character in EXTRA or unicodedata.category(character)[0] in "LNM"):
            raise InvalidInput(
                field,
                f"holds {character!r}; use letters, digits, spaces and . , ' & ( ) / % + # : -",
            )
    if text[0] in FORMULA_STARTS:
        raise InvalidInput(field, "must start with a letter or a digit.")
    return text


def clean_sentence(field: str, text: str, longest: int = 200) -> str:
    """One line of free text, such as a reason; screens escape it."""
    line = " ".join(unicodedata.normalize("NFKC", text).split())
    line = "".join(c for c in line if unicodedata.category(c)[0] != "C")
    if len(line) > longest:
        raise InvalidInput(field, f"is too long; use at most {longest} characters.")
    return line


def clean_time_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise InvalidInput("time_zone", "is not known; choose one such as Europe/Berlin.")
    return name
