"""Whatever a screen can show has its words."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from core import state_words
from core.actual_state import ActualState
from core.cycle import DesiredState, ExitReason, PassedLevels
from core.entry import Waiting
from core.orders import OrderStatus
from dashboard import badge_words, words
from dashboard.planned_real import LevelState
from dashboard.planned_why import WhyNot
from db import status
from db.accounts import AccountKind
from tests.test_architecture import files_under, tree
from worker import freeze, holds, taken_back

ENUMS = [
    (ActualState, state_words.ACTUAL_STATES),
    (DesiredState, state_words.DESIRED_STATES),
    (OrderStatus, state_words.ORDER_STATES),
    (Waiting, state_words.WAITS),
    (ExitReason, state_words.EXITS),
    (PassedLevels, state_words.PASSED_LEVELS),
    (LevelState, badge_words.LEVEL_STATES),
    (WhyNot, badge_words.WHY_NOT),
    (AccountKind, badge_words.KINDS),
]


@pytest.mark.parametrize(
    ("members", "table"), ENUMS, ids=lambda each: getattr(each, "__name__", "")
)
def test_every_member_has_words(members, table):
    assert set(table) == set(members)


def test_the_states_of_the_database_are_those_of_core():
    assert {each.value for each in status.ActualState} == {each.value for each in ActualState}


def first_texts(folder: str, *functions: str) -> Iterator[str]:
    """The first argument of every call of those functions, where it is a text."""
    for file in files_under(folder):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "attr", getattr(node.func, "id", None))
                yield from _texts(node.args[0]) if name in functions else ()


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value.strip()
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def test_every_hold_of_the_worker_has_words():
    found = set(first_texts("worker/", "hold", "begin", "Hold"))
    assert {"clock", "peg", "symbol"} <= found  # the search finds what there is
    known = found | holds.NEED_THE_PERSON | holds.HOLDS_EXITS_TOO | {freeze.CODE, taken_back.CODE}
    assert known <= set(state_words.HOLDS)


def test_a_hold_that_only_the_person_can_end_says_what_to_do():
    for code, meaning in state_words.HOLDS.items():
        assert bool(meaning.todo) == (code in holds.NEED_THE_PERSON), code


def test_every_reason_for_attention_has_words():
    codes = set()
    for node in ast.walk(tree("core/slots.py")):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Attention":
            codes |= set(_texts(node.args[1]))
    assert codes == set(state_words.ATTENTION)


def test_every_badge_of_an_account_has_words():
    found = set(first_texts("dashboard/", "Said"))
    assert "matches" in found
    assert found == set(badge_words.ACCOUNTS)


def test_the_screens_take_their_words_from_the_tables():
    assert words.STATE_WORDS["needs_attention"] == "Needs you"
    assert set(words.STATE_COLOURS) == set(words.STATE_WORDS)
    assert words.ORDER_WORDS[OrderStatus.NOT_PLACED] == "not placed, tried again later"


@pytest.mark.parametrize(("title", "rows"), badge_words.TABLES, ids=lambda each: str(each)[:30])
def test_help_can_print_every_table(title, rows):
    """Words that differ, and whole sentences."""
    assert title[0].isupper()
    assert len({row.word for row in rows}) == len(rows)
    for row in rows:
        assert row.word
        assert row.means[0].isupper()
        assert row.means.endswith(".")
        assert row.todo == "" or (row.todo[0].isupper() and row.todo.endswith("."))
