"""Text from outside to names with values: strict JSON, or lines such as "name: value"."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import NoReturn

from core.errors import InvalidInput
from core.money import LARGEST, PLACES

MOST_LETTERS = 100_000
DEEPEST = 8
MOST_LINES = 300
LONGEST_NUMBER = 60
LONGEST_NAME = 80
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
DIVIDER = re.compile(r"[:=\t]")
AROUND = " \t,;\"'"
FLAG = re.compile(r"--([A-Za-z][A-Za-z0-9_-]{1,40})(?:\s+|=)([^\s\\]+)")


def refuse(sentence: str) -> InvalidInput:
    return InvalidInput("text", sentence)


def read_text(text: str | bytes) -> object:
    """JSON values with numbers as `Decimal` or int, or {name: text} of lines. Raises `InvalidInput`."""
    if len(text) > MOST_LETTERS:
        raise refuse(f"is longer than {MOST_LETTERS:,} letters; paste one parameter set.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise refuse("is not text in UTF-8; save it as plain text or JSON.") from None
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise refuse("is empty; paste a parameter set.")
    return read_json(text) if text[0] in "{[" else read_lines(text)


def read_json(text: str) -> object:
    """Strict: no name twice, no NaN, no number of absurd length, no deep nesting."""
    if _depth(text) > DEEPEST:
        raise refuse(f"is nested deeper than {DEEPEST} levels; paste the parameter set itself.")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as problem:
        raise refuse(
            f"is not JSON: line {problem.lineno}, column {problem.colno} cannot be read. Copy it whole."
        ) from None


def _depth(text: str) -> int:
    """The deepest nesting outside of strings; what the parser would need a call for each."""
    deepest = depth = 0
    for mark in STRING_OR_BRACKET.findall(text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise refuse(f"names {shown(name)} twice; keep one of them.")
        found[name] = value
    return found


def _number(digits: str) -> int | Decimal:
    """Within what the database can hold; an exponent is read, an absurd one refused."""
    number = Decimal(digits) if len(digits) <= LONGEST_NUMBER else LARGEST
    if abs(number) >= LARGEST or (number and number.adjusted() < -PLACES):
        raise refuse(f"holds the number {shown(digits)}, which is out of range.")
    return int(number) if digits.removeprefix("-").isdecimal() else number


def _constant(name: str) -> NoReturn:
    raise refuse(f"holds {name}, which is not a number.")


def read_lines(text: str) -> dict[str, object]:
    """ "name: value", "name = value", one to a line; also options of a command line, "--name value"."""
    found: dict[str, object] = {}
    pairs = FLAG.findall(text)
    if not pairs:
        lines = [line for line in text.splitlines() if line.strip(AROUND)]
        if len(lines) > MOST_LINES:
            raise refuse(f"has more than {MOST_LINES} lines; paste one parameter set.")
        pairs = [_pair(line) for line in lines]
    for name, value in pairs:
        if name in found:
            raise refuse(f"names {shown(name)} twice; keep one of them.")
        found[name] = value
    return found


def _pair(line: str) -> tuple[str, str]:
    name, *rest = DIVIDER.split(line, maxsplit=1)
    name = name.strip(AROUND)
    if not rest or not name or len(name) > LONGEST_NAME:
        raise refuse(f"has a line without name and value: {shown(line.strip())}.")
    return name, rest[0].strip(AROUND)


def shown(text: object) -> str:
    """What somebody wrote, short enough and plain enough for a sentence."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in str(text))
    return f'"{plain[:40]}…"' if len(plain) > 40 else f'"{plain}"'
