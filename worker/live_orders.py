"""Which strategy does a live order belong to, and which cancels are not proven yet?"""

from __future__ import annotations

from core.cycle import Cycle
from core.orders import OrderStatus


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
