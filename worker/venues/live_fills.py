"""From trades as an exchange tells them to fills: fees in a third coin are valued in quote."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal

from core.errors import InvalidInput
from core.money import ONE, ZERO, stored
from core.orders import Fill
from worker.clock import monotonic
from worker.errors import VenueUnavailable
from worker.exchanges.answers import HIGHEST_FEE, SeenTrade
from worker.prices.source import PriceSource

log = logging.getLogger(__name__)
PRICE_LASTS = 60.0
BRIDGES = ("USDT", "USDC", "BTC")
NOTHING: Mapping[str, str] = {}


class Fees:
    """What a coin is worth in another now, from the exchange's own prices, kept for a minute. `worth`: what
    has no market there, and the coin that it counts as."""

    def __init__(self, source: PriceSource, worth: Mapping[str, str] = NOTHING) -> None:
        self.source, self.worth = source, worth
        self._known: dict[tuple[str, str], tuple[Decimal, float]] = {}

    async def fills(self, symbol: str, trades: Sequence[SeenTrade]) -> list[Fill]:
        """Those whose fee can be valued; the others count as not arrived yet, never as free of fees."""
        found = []
        for trade in trades:
            try:
                found.append(await self._fill(symbol, trade))
            except VenueUnavailable as error:
                log.warning("trade %s on %s waits: %s", trade.trade_id, symbol, error)
        return found

    async def _fill(self, symbol: str, trade: SeenTrade) -> Fill:
        base, _, quote = symbol.partition("/")
        fees = [(asset, amount) for asset, amount in trade.fees if amount]
        values = [await self._value(a, amount, base, quote, trade.price) for a, amount in fees]
        value = sum(values, ZERO)
        if abs(value) > trade.price * trade.quantity * HIGHEST_FEE:
            raise VenueUnavailable("fee absurd")
        if len(fees) == 1:
            asset, fee = fees[0]
        else:
            # Several at once: what was taken of the coins themselves must be known, the rest is money.
            in_base = sum((amount for asset, amount in fees if asset == base), ZERO)
            asset, fee = (base, in_base) if in_base else (quote, value)
        return Fill(
            trade.trade_id, trade.at, trade.price, trade.quantity, stored(fee), asset, stored(value)
        )

    async def _value(
        self, asset: str, amount: Decimal, base: str, quote: str, price: Decimal
    ) -> Decimal:
        if asset == quote:
            return amount
        return amount * (price if asset == base else await self.price(asset, quote))

    async def price(self, asset: str, quote: str) -> Decimal:
        """Raises `VenueUnavailable` when no price can be had."""
        known = self._known.get((asset, quote))
        if known is not None and monotonic() - known[1] < PRICE_LASTS:
            return known[0]
        found = await self._ask(asset, quote)
        self._known[asset, quote] = (found, monotonic())
        return found

    async def _ask(self, asset: str, quote: str) -> Decimal:
        asset = self.worth.get(asset, asset)
        if asset == quote:
            return ONE
        direct = await self._pair(asset, quote)
        if direct is not None:
            return direct
        for bridge in BRIDGES:
            if bridge in (asset, quote):
                continue
            first = await self._pair(asset, bridge)
            second = None if first is None else await self._pair(bridge, quote)
            if first is not None and second is not None:
                return first * second
        raise VenueUnavailable(f"no price of {asset} in {quote}")

    async def _pair(self, asset: str, quote: str) -> Decimal | None:
        """The middle of the book, whichever way round the pair is traded."""
        for pair, turn in ((f"{asset}/{quote}", _same), (f"{quote}/{asset}", _inverse)):
            try:
                seen = (await self.source.quotes([pair])).get(pair)
            except InvalidInput:
                continue
            if seen is not None:
                return turn((seen.quote.bid + seen.quote.ask) / 2)
        return None


def _same(price: Decimal) -> Decimal:
    return price


def _inverse(price: Decimal) -> Decimal:
    return 1 / price
