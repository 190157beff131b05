"""Which strategy does a live order belong to, and which cancels are not proven yet?"""

from __future__ import annotations

from core.cycle import Cycle
from core.market import Side
from core.orders import Order, OrderStatus, OrderUpdate


class LiveOrders:
    """An index over the cycles in memory, kept with every change of one."""

    def __init__(self) -> None:
        self.owners: dict[str, int] = {}
        self.cancelling: set[str] = set()

    def owner(self, client_order_id: str) -> int | None:
        return self.owners.get(client_order_id)

    def know(self, strategy_id: int, cycle: Cycle) -> None:
        for order in cycle.live():
            self.owners[order.client_order_id] = strategy_id
            if order.status is OrderStatus.CANCELLING:
                self.cancelling.add(order.client_order_id)

    def forget(self, cycle: Cycle) -> None:
        for order in cycle.orders:
            self.owners.pop(order.client_order_id, None)
            self.cancelling.discard(order.client_order_id)


def may_buy(cycle: Cycle) -> bool:
    """A buy of it is live on the exchange, or may be."""
    return any(order.side is Side.BUY for order in cycle.live())


def says_nothing_new(order: Order, update: OrderUpdate) -> bool:
    """The snapshot holds nothing that the order does not."""
    known_fills = {fill.trade_id for fill in order.fills}
    return (
        (
            update.status is order.status
            or (order.status is OrderStatus.CANCELLING and update.status is OrderStatus.OPEN)
        )
        and update.filled == order.reported_filled
        and all(fill.trade_id in known_fills for fill in update.fills)
    )
