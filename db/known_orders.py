"""Which account has a row of an order? Asked by the worker before it takes one on a venue for nobody's.

This is no question of a person: two people may have added the same exchange account.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.causal import causal
from db.statements import table_of
from db.tables import OrderRow

ORDERS = table_of(OrderRow)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """`status`: as it is written, readable or not. `finished_at`: None while it is live."""

    account_id: int
    status: str
    finished_at: datetime | None


def known_orders(session: Session, client_order_ids: Collection[str]) -> dict[str, KnownOrder]:
    """By client order id, of whatever account and however long over; those without a row are left out.

    To be asked first in its transaction: another node may have committed a row and its worker sent the order
    while this node still applies it.
    """
    wanted = sorted(client_order_ids)
    columns = (ORDERS.c.client_order_id, ORDERS.c.account_id, ORDERS.c.status, ORDERS.c.finished_at)
    found: dict[str, KnownOrder] = {}
    with causal(session):
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            for row in session.execute(select(*columns).where(ORDERS.c.client_order_id.in_(some))):
                known = KnownOrder(row.account_id, row.status, row.finished_at)
                found[row.client_order_id] = known
    return found
