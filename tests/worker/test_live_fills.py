"""What a fee in a third coin is worth, and when that cannot be believed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.events import last_price
from tests.faults import fault
from tests.worker.fakes import NOON, FakeClock
from tests.worker.prices import FakePrices
from worker.exchanges.adapters.gate import GATE
from worker.exchanges.answers import SeenTrade
from worker.venues.live_fills import Fees
from worker.venues.protocol import TimedQuote


@pytest.fixture
def fees(clock: FakeClock) -> Fees:
    prices = FakePrices(clock)
    prices.current["BNB/USDT"] = TimedQuote(NOON, last_price(Decimal(600)), 0.0)
    return Fees(prices)


def a_trade(fee: str) -> SeenTrade:
    """2 ABC at 50 USDT, so 100 USDT."""
    return SeenTrade("1", "9", NOON, Decimal(50), Decimal(2), (("BNB", Decimal(fee)),))


async def test_a_fee_in_a_third_coin_is_valued_in_quote(fees: Fees):
    (fill,) = await fees.fills("ABC/USDT", [a_trade("0.0001")])
    assert (fill.fee, fill.fee_asset, fill.fee_value) == (Decimal("0.0001"), "BNB", Decimal("0.06"))


@fault("E19")
async def test_a_fee_in_a_third_coin_of_a_good_part_of_the_trade_is_not_believed(fees: Fees):
    assert await fees.fills("ABC/USDT", [a_trade("0.0084")]) == []


async def test_a_fee_in_points_counts_as_the_coin_that_they_stand_for(clock: FakeClock):
    """Gate takes fees in points, which have no market."""
    points = replace(a_trade("0"), fees=(("GATEPOINT", Decimal("0.05")),))
    assert await Fees(FakePrices(clock)).fills("ABC/USDT", [points]) == []

    (fill,) = await Fees(FakePrices(clock), GATE.worth).fills("ABC/USDT", [points])

    assert (fill.fee_asset, fill.fee_value) == ("GATEPOINT", Decimal("0.05"))
