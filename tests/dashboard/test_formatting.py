"""Rounding for people: half-up, a unit on everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard import formatting as f
from tests.faults import fault

NBSP = "\u202f"
AT = datetime(2026, 11, 22, 17, 18, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1234.505", "1,234.51"),
        ("-1234.505", "−1,234.51"),
        ("0", "0.00"),
        ("0.0031", "0.0031"),
        ("-0.0000001", "−0.00000010"),
        ("1000000", "1,000,000.00"),
    ],
)
def test_money_is_half_up_with_its_coin(value, shown):
    assert f.money(Decimal(value), "USDT") == f"{shown}{NBSP}USDT"


def test_money_of_a_coin_has_more_places():
    assert f.money(Decimal("0.12345678"), "BTC") == f"0.123457{NBSP}BTC"


def test_a_sign_is_shown_when_asked_for_and_never_on_zero():
    assert f.money(Decimal(3), "USDT", signed=True).startswith("+3.00")
    assert f.money(Decimal(-3), "USDT", signed=True).startswith("−3.00")
    assert f.money(Decimal(0), "USDT", signed=True).startswith("0.00")


def test_what_is_not_known_is_a_dash_and_not_a_zero():
    assert f.money(None, "USDT") == f.price(None) == f.percent(None) == f.quantity(None, "X") == "–"


def test_a_quantity_shows_the_places_it_has():
    assert f.quantity(Decimal("0.51200000"), "BTC") == f"0.512{NBSP}BTC"
    assert f.quantity(Decimal(3), "BTC") == f"3{NBSP}BTC"


@pytest.mark.parametrize(
    ("value", "tick", "shown"),
    [
        ("98.8100", "0.001", "98.810"),
        ("30123.456", None, "30,123.46"),
        ("0.00001234", None, "0.00001234"),
        ("5", None, "5.0000"),
        ("100", "1", "100"),
    ],
)
def test_a_price_has_the_places_of_its_tick(value, tick, shown):
    assert f.price(Decimal(value), Decimal(tick) if tick else None) == shown


@pytest.mark.parametrize(
    ("fraction", "places", "shown"),
    [("0.015", 2, "1.50"), ("0.08125", 2, "8.13"), ("-0.2", 0, "−20"), ("0.4926", 1, "49.3")],
)
def test_fractions_are_shown_as_percent(fraction, places, shown):
    assert f.percent(Decimal(fraction), places) == f"{shown}{NBSP}%"


def test_durations_have_two_units():
    assert f.duration(200) == "3 min 20 s"
    assert f.duration(86_400) == "1 day"
    assert f.duration(2 * 86_400 + 3_600) == "2 days 1 h"
    assert f.duration(0) == "0 s"


def test_times_are_those_of_the_persons_zone_and_name_it():
    assert f.when(AT, "Europe/Berlin") == "22 Nov 2026, 18:18:03 CET"
    assert f.short_when(AT, "no such place") == "22 Nov, 17:18:03"
    assert f.ago(AT - timedelta(seconds=65), AT) == "1 min 5 s ago"


@fault("I5", "S10")
@pytest.mark.parametrize(
    "text", ["*a*", "[x](http://y)", "$1$", ":red[x]", "<b>", "# h", "| a |", "`c`", "a\nb"]
)
def test_what_people_type_cannot_become_markdown(text):
    escaped = f.escape(text)
    assert "\n" not in escaped
    for character in "*[]()$:<>#|`":
        assert escaped.count(character) == escaped.count("\\" + character)
