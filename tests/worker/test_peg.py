"""A dollar coin that is no dollar any more."""

from __future__ import annotations

from decimal import Decimal

from core.events import Quote
from tests.worker.fakes import NOON
from worker.peg import FRESH, Peg
from worker.venues.protocol import TimedQuote

D = Decimal
MARKETS = {
    pair: {"spot": True, "active": True}
    for pair in ("USDC/USDT", "FDUSD/USDT", "DAI/USDT", "USDT/USD", "BTC/USDT")
} | {"TUSD/USDT": {"spot": True, "active": False}}


class World:
    def __init__(self) -> None:
        self.at = 0.0
        self.peg = Peg(lambda: MARKETS, lambda: self.at)

    def show(self, **prices: str) -> None:
        quotes = {
            name.replace("_", "/"): TimedQuote(NOON, Quote(D(p), D(p), D(p), D(p)), self.at)
            for name, p in prices.items()
        }
        self.peg.take(quotes)


def test_only_pairs_of_dollars_that_are_traded_are_asked_for():
    assert set(World().peg.symbols()) == {"USDC/USDT", "FDUSD/USDT", "DAI/USDT", "USDT/USD"}


def test_a_coin_that_fell_is_named_and_those_that_did_not_are_not():
    world = World()
    world.show(USDC_USDT="0.9", FDUSD_USDT="1.001", DAI_USDT="0.999", USDT_USD="1")
    sentence = world.peg.problem("USDC")
    assert sentence is not None
    assert sentence.startswith("USDC is worth 0.900 dollars")
    assert [world.peg.problem(coin) for coin in ("USDT", "FDUSD", "DAI")] == [None, None, None]


def test_two_percent_are_tolerated_and_more_are_not():
    world = World()
    world.show(USDC_USDT="0.98")
    assert world.peg.problem("USDC") is None
    world.show(USDC_USDT="0.9799")
    assert world.peg.problem("USDC") is not None


def test_without_a_fresh_reference_nothing_is_said():
    world = World()
    assert world.peg.problem("USDT") is None
    world.show(USDC_USDT="0.5")
    world.at += FRESH + 1
    assert world.peg.problem("USDC") is None
    assert world.peg.problem("BTC") is None
