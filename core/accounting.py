"""What a cycle's fills add up to: position, averages, breakeven, profit. Derived, never stored.

Conservation is exact: every division is followed by a subtraction that takes the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.cycle import Cycle, Holding
from core.market import FeeCurrency, Side
from core.money import ONE, ZERO, exact, stored
from core.orders import Fill, fill_order


@dataclass(frozen=True, slots=True)
class Position:
    """quantity, cost: coins held, carried dust included, and what they cost with their buy fees.

    bought, bought_cost: base bought and quote paid for it, before any fee. kept: bought less base fees.
    paid: bought_cost plus the buy fees taken in quote or a third coin, in quote. sold: base sold.
    realized: net PnL booked so far, in quote. fees: all fees so far, valued in quote.
    """

    quantity: Decimal
    cost: Decimal
    bought: Decimal
    bought_cost: Decimal
    kept: Decimal
    paid: Decimal
    sold: Decimal
    sold_proceeds: Decimal
    realized: Decimal
    fees: Decimal

    @property
    def average_entry_price(self) -> Decimal | None:
        """Quote paid / base bought over all buys, without fees; sales never change it."""
        return self.bought_cost / self.bought if self.bought else None

    def breakeven_price(self, sell_fee: Decimal) -> Decimal | None:
        """The sell price at which buys, their fees and the sell fee come out even (DESIGN 2.1)."""
        return self.paid / (self.kept * (ONE - sell_fee)) if self.kept > 0 else None

    def unrealized(self, price: Decimal, sell_fee: Decimal) -> Decimal:
        """Net PnL of what is held if it were sold at `price`, the sell fee included."""
        return self.quantity * price * (ONE - sell_fee) - self.cost


@exact
def position(cycle: Cycle) -> Position:
    """The position of `cycle`, pooled with the dust carried into it."""
    book = Book(cycle.carried, cycle.market.base, cycle.market.fee_currency)
    sides = [(fill, order.side) for order in cycle.orders for fill in order.fills]
    if len(sides) > 1:
        sides.sort(key=_happened)
    for fill, side in sides:
        book.buy(fill) if side is Side.BUY else book.sell(fill)
    if cycle.released_at_price is not None:
        book.release(cycle.released_at_price)
    return book.result()


def _happened(pair: tuple[Fill, Side]) -> tuple[datetime, bool, int, str]:
    """At equal times buys come first: nobody sells what was not bought, and not every venue's trade ids
    count upwards."""
    fill, side = pair
    at, length, trade_id = fill_order(fill)
    return at, side is Side.SELL, length, trade_id


def booked_cost(cost: Decimal, held: Decimal, sold: Decimal) -> tuple[Decimal, Decimal]:
    """(cost that leaves with `sold`, cost that stays): cost x sold / held; the last sale takes the rest.

    What stays is kept at 18 places, so that it is stored exactly; what leaves takes the difference.
    """
    if sold >= held:
        return cost, ZERO
    stays = stored(cost * (held - sold) / held)
    return cost - stays, stays


def fee_of_own(sale: Fill, held: Decimal, base: str) -> Decimal:
    """How much of a sale's fee was paid with coins that were held. A fee in the coin that is sold (BNB on
    BNB/USDT) is never taken from what is being sold: beyond the rest of what is held it was paid with coins
    of the person, and counts at its value as any fee in another coin."""
    if sale.fee_asset != base:
        return ZERO
    return min(sale.fee, max(held - sale.quantity, ZERO))


class Book:
    """Accumulates fills in the order in which they happened."""

    def __init__(self, carried: Holding, base: str, fee_currency: FeeCurrency) -> None:
        self.quantity, self.cost = carried.quantity, carried.cost
        self.bought = self.bought_cost = self.kept = self.paid = ZERO
        self.sold = self.sold_proceeds = self.realized = self.fees = ZERO
        self.base = base

    def buy(self, fill: Fill) -> None:
        in_base = fill.fee_asset == self.base
        kept = fill.quantity - fill.fee if in_base else fill.quantity
        paid = fill.cost if in_base else fill.cost + fill.fee_value
        self.bought += fill.quantity
        self.bought_cost += fill.cost
        self.kept += kept
        self.paid += paid
        self.quantity += kept
        self.cost += paid
        self.fees += fill.fee_value

    def sell(self, fill: Fill) -> None:
        own = fee_of_own(fill, self.quantity, self.base)
        gone = fill.quantity + own
        fee = fill.fee_value
        if own:
            fee = stored(fee * (fill.fee - own) / fill.fee)
        leaves, self.cost = booked_cost(self.cost, self.quantity, gone)
        self.quantity -= gone
        self.realized += fill.cost - fee - leaves
        self.sold += fill.quantity
        self.sold_proceeds += fill.cost
        self.fees += fill.fee_value

    def release(self, price: Decimal) -> None:
        self.realized += self.quantity * price - self.cost
        self.quantity = self.cost = ZERO

    def result(self) -> Position:
        return Position(
            quantity=self.quantity,
            cost=self.cost,
            bought=self.bought,
            bought_cost=self.bought_cost,
            kept=self.kept,
            paid=self.paid,
            sold=self.sold,
            sold_proceeds=self.sold_proceeds,
            realized=self.realized,
            fees=self.fees,
        )
