"""The order by which a live account is tried out: the smallest that is allowed, far below the market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from core.errors import InvalidInput
from core.market import Market, Side
from core.money import ceil_to, plain
from core.orders import Kind, Order, OrderStatus, Role, Slot

FAR_BELOW = Decimal("0.70")
NEAREST = Decimal("0.95")
"""Where the exchange takes no buy 30 % below the market, at least this far."""
ABOVE_THE_LOWEST = Decimal("1.02")
ROOM = Decimal("1.02")
"""The exchange may reckon the minimum with a price that is a little older than ours."""
FIRST = ("BTC", "ETH", "SOL", "XRP", "LTC")
"""Coins whose markets are never thin."""


def candidates(markets: Iterable[Market], caps: Mapping[str, Decimal]) -> list[Market]:
    """Markets that the account's caps allow, those of large coins first."""
    quotes = list(caps)

    def rank(market: Market) -> tuple[int, int, str]:
        place = FIRST.index(market.base) if market.base in FIRST else len(FIRST)
        return place, quotes.index(market.quote), market.symbol

    return sorted((market for market in markets if market.quote in caps), key=rank)


def smallest_order(
    market: Market,
    client_order_id: str,
    *,
    last: Decimal,
    lowest_buy: Decimal | None,
    cap: Decimal,
    at: datetime,
) -> Order:
    """`last`: the market's price. `lowest_buy`: the lowest limit for a buy that the exchange takes, as a
    fraction of it. `at`: the exchange's time. Raises InvalidInput with what stands in the way."""
    factor = FAR_BELOW
    if lowest_buy is not None:
        factor = max(factor, lowest_buy * ABOVE_THE_LOWEST)
    if factor > NEAREST:
        raise InvalidInput("self-test", f"{market.symbol} takes no order far below its price.")
    price = market.round_price(Side.BUY, last * factor)
    if price <= 0 or price > last * NEAREST:
        raise InvalidInput("self-test", f"{market.symbol} has no price for a test order.")
    least = max(market.min_quantity, market.min_notional * ROOM / price)
    quantity = ceil_to(least, market.lot_size)
    if quantity <= 0:
        raise InvalidInput("self-test", f"{market.symbol} does not say how small an order may be.")
    if quantity * price > cap:
        raise InvalidInput(
            "self-test",
            f"the smallest order on {market.symbol} costs {plain(quantity * price)} {market.quote}, more than"
            " the account's cap; raise the cap.",
        )
    return Order(
        client_order_id=client_order_id,
        slot=Slot(Role.BASE),
        attempt=1,
        side=Side.BUY,
        kind=Kind.LIMIT,
        price=price,
        planned_price=price,
        quantity=quantity,
        status=OrderStatus.SENDING,
        created_at=at,
    )
