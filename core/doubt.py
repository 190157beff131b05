"""An order in quarantine, and a person who has looked on the exchange: may the word be believed?

The exchange is asked once more by every source before. What contradicts is said, and the order stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.cycle import Cycle
from core.market import Market, Side
from core.money import ZERO, plain
from core.orders import Order, OrderStatus
from core.words import price_words, quantity_words, time_words

FIRST_ANSWER_AFTER = timedelta(minutes=15)
"""A person is not asked about what may still be on its way, or missing from lists that lag."""


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """A trade of the account on the order's symbol since the order was written. `side`: None: not told."""

    trade_id: str
    venue_order_id: str
    at: datetime
    side: Side | None
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the exchange says when an order that it does not show is asked about by every source.

    strays: the account's trades that no order of ours explains; None: the exchange cannot be asked so.
    more, fewer: base coins that the account holds for certain beyond, or short of, what was there before the
    order was in doubt and what strategies bought and sold since, were orders in doubt as they are recorded.
    None: balances are not looked at, or, of `more`, nobody noted how many were there before.
    is_alone: no other order on the coin is in doubt. What one has bought could make up for what another sold.
    """

    strays: tuple[OwnTrade, ...] | None
    more: Decimal | None
    fewer: Decimal | None
    is_alone: bool = True


def too_early(order: Order, at: datetime) -> str | None:
    """Why nobody can be asked about the order now; None: its person may answer."""
    if order.status is not OrderStatus.QUARANTINED:
        return "Nobody is asked about this order any more: it is known what became of it."
    if at - order.created_at < FIRST_ANSWER_AFTER:
        return (
            "This order was sent a moment ago. It can be answered for from"
            f" {time_words(order.created_at + FIRST_ANSWER_AFTER)} on."
        )
    return None


def contradiction(order: Order, market: Market, evidence: Evidence) -> str | None:
    """Why it cannot be believed that the order is not there and did not fill any further."""
    return next(_contradictions(order, market, evidence), None)


def _contradictions(order: Order, market: Market, evidence: Evidence) -> Iterator[str]:
    if not order.is_settled:
        yield (
            f"The exchange said once that {quantity_words(market, order.reported_filled)} of it had filled,"
            f" and has shown the trades of {quantity_words(market, order.filled)} only."
        )
    for trade in evidence.strays or ():
        if may_be_of(order, trade):
            yield (
                f"The account traded {quantity_words(market, trade.quantity)} at"
                f" {price_words(market, trade.price)} at {time_words(trade.at)} (trade {trade.trade_id}), and"
                " no order known here explains that: it may be this one's."
            )
    least = market.lot_size or ZERO
    bought, sold = order.side is Side.BUY, order.side is Side.SELL
    if (bought or not evidence.is_alone) and evidence.more and evidence.more >= least:
        yield (
            f"The account holds {plain(evidence.more, 18)} {market.base} more than before the order: it, or"
            " another in doubt, may have bought them. If they are your own, or you do not want them, take"
            " them off the account or sell them there by hand, and say it again."
        )
    if (sold or not evidence.is_alone) and evidence.fewer and evidence.fewer >= least:
        yield (
            f"The account holds {plain(evidence.fewer, 18)} {market.base} fewer than if the order had sold"
            " nothing further: it, or another in doubt, may have sold them. Bring as many back, and say it"
            " again."
        )


def unexplained(cycle: Cycle, order: Order, trades: Iterable[OwnTrade]) -> Iterator[OwnTrade]:
    """Trades that no other order of its cycle explains. Nobody but its strategy trades the symbol on the
    account, and its cycle has not ended since the order was written."""
    known = {fill.trade_id for each in cycle.orders for fill in each.fills}
    others = {
        each.venue_order_id
        for each in cycle.orders
        if each.client_order_id != order.client_order_id
    }
    for trade in trades:
        if trade.trade_id not in known and trade.venue_order_id not in others:
            yield trade


def may_be_of(order: Order, trade: OwnTrade) -> bool:
    """As far as the trade itself tells: an order whose number there is known has its own trades."""
    if order.venue_order_id is not None:
        return trade.venue_order_id == order.venue_order_id
    if trade.side not in (None, order.side) or trade.quantity > order.quantity - order.filled:
        return False
    if order.price is None:
        return True
    return trade.price <= order.price if order.side is Side.BUY else trade.price >= order.price


def evidence_words(order: Order, market: Market, evidence: Evidence) -> str:
    """For the person, before they answer: what trades and balances say."""
    against = contradiction(order, market, evidence)
    if against is not None:
        return against
    if evidence.strays is None:
        trades = "The exchange cannot be asked for all trades."
    else:
        trades = "No trade of the account is without an order that is known here."
    if evidence.fewer is None:
        return trades
    if order.side is Side.SELL:
        return f"{trades} The {market.base} that it would have sold are there."
    if evidence.more is None:
        return f"{trades} How many {market.base} were on the account before is not known."
    return f"{trades} The account holds no more {market.base} than before the order."
