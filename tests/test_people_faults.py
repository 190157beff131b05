"""Of what people type and what attackers try (tests/faults.py): what has no test yet stands here by name.

The list only shrinks: a test that carries an id takes the id out of it.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.faults import CATALOGUE, PEOPLE

TESTS = Path(__file__).resolve().parent

NOT_PRODUCIBLE: dict[str, str] = {
    "S20": "no header says who somebody is: sessions come from the cookie alone",
    "S21": "bcrypt works in 4 KB, not in megabytes, and tries are refused before anything is hashed",
}

WITHOUT_A_TEST: dict[str, str] = {
    "S22": "one person who uses up the requests that all share",
}

# Those that have tests, of which this part is still to be shown.
OWED: dict[str, str] = {
    "I9": "a version that is applied to the running cycle on request",
    "I4": "200 payloads in every field of text",
    "I5": "200 payloads in every field of text, and markup in what an exchange says",
    "I7": "200 payloads in every field of text",
    "I12": "coins that hardly anybody trades, and leveraged tokens",
    "S1": "every page, as every function of db is already",
    "S5": "10,000 guesses in simulated time",
    "S6": "the time that an answer takes",
    "S8": "rights in the database: a dashboard that writes roles by itself",
    "S9": "a WebSocket from another site, and one that names no origin",
    "S12": "a whole dump, and a login with what is in it",
}


def marked() -> set[str]:
    """Every id that a decorator of a test carries, read without running anything."""
    found = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "fault":
                    found |= {
                        str(each.value) for each in mark.args if isinstance(each, ast.Constant)
                    }
    return found


def test_every_fault_of_people_has_a_test_or_stands_in_the_list():
    assert PEOPLE.keys() - marked() - NOT_PRODUCIBLE.keys() == WITHOUT_A_TEST.keys()


def test_nothing_stands_in_two_places():
    assert not PEOPLE.keys() & CATALOGUE.keys()
    assert PEOPLE.keys() >= OWED.keys()
    assert not OWED.keys() & (NOT_PRODUCIBLE.keys() | WITHOUT_A_TEST.keys())
    assert not NOT_PRODUCIBLE.keys() & WITHOUT_A_TEST.keys()
    assert NOT_PRODUCIBLE.keys() | WITHOUT_A_TEST.keys() <= PEOPLE.keys()
    assert not marked() & NOT_PRODUCIBLE.keys()
