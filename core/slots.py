"""May a slot have its next order now? Refusals, cancels by hand and back-off, derived from its attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT, Cycle
from core.market import Side
from core.orders import VANISHED, Kind, Order, OrderStatus, Slot
from core.words import quantity_words

FIRST_BACKOFF = timedelta(seconds=5)
LONGEST_BACKOFF = timedelta(minutes=5)
EXPIRED_EXIT_PAUSE = timedelta(seconds=1)
FUNDS = "funds"
"""The reason of an order for which not enough was free."""
FILTERS = "filters"
"""How the reason of an order that broke a trading rule begins."""


@dataclass(frozen=True, slots=True)
class Attention:
    """A slot that only the person can free. `code` is short; `sentence` is for them."""

    slot: Slot
    code: str
    sentence: str


def not_before(attempts: Sequence[Order]) -> datetime | None:
    """The time before which the next attempt after these of one slot must not be made; None: at once."""
    if not attempts:
        return None
    last = attempts[-1]
    if last.finished_at is None:
        return None
    if last.status is OrderStatus.NOT_PLACED:
        return last.finished_at + _pause(attempts, FIRST_BACKOFF, _was_not_placed)
    if _ended_empty(last):
        if last.side is Side.SELL and last.kind is Kind.MARKET:
            return last.finished_at + EXPIRED_EXIT_PAUSE
        return last.finished_at + _pause(attempts, EXPIRED_EXIT_PAUSE, _ended_empty)
    return None


def _pause(
    attempts: Sequence[Order], first: timedelta, failed: Callable[[Order], bool]
) -> timedelta:
    """Twice as long with each failure in a row."""
    in_row = 0
    for order in reversed(attempts):
        if not failed(order):
            break
        in_row += 1
    pause: timedelta = first * (1 << min(in_row - 1, 10))
    return min(pause, LONGEST_BACKOFF)


def _was_not_placed(order: Order) -> bool:
    return order.status is OrderStatus.NOT_PLACED


def _asks_less(last: Order, quantity: Decimal) -> bool:
    """The coins were not there, and now fewer are to be sold: another question. As each is smaller than the
    last, they come to an end."""
    return _was_not_placed(last) and last.reason == FUNDS and quantity < last.quantity


def _ended_empty(order: Order) -> bool:
    """The venue ended it by itself without a trade: rejected after all, or nobody was there."""
    return order.expired and not order.fills


def attention(cycle: Cycle) -> Attention | None:
    """The first slot that needs the person: no buys meanwhile, exits go on."""
    if cycle.missing and cycle.lacks_coins:
        return Attention(TAKE_PROFIT, "coins_missing", _missing_words(cycle))
    for order in cycle.orders:
        found = _attention(cycle, order)
        if found is not None:
            return found
    return None


def is_blocked(
    cycle: Cycle, attempts: Sequence[Order], at: datetime, selling: Decimal | None = None
) -> bool:
    """Whether the slot must not have another order now. `selling`: how much it would sell; None: it buys."""
    if attempts and _attention(cycle, attempts[-1]) is not None:
        return True
    if attempts and selling is not None and _asks_less(attempts[-1], selling):
        return False
    earliest = not_before(attempts)
    return earliest is not None and at < earliest


def _attention(cycle: Cycle, order: Order) -> Attention | None:
    if order.status is OrderStatus.QUARANTINED and order.reason == VANISHED:
        return Attention(
            order.slot,
            "vanished",
            f"The exchange had the {slot_name(order.slot)} order and does not show it any more, neither"
            " open nor ended. It is counted as if it were still there. Look at the exchange: this goes"
            " on by itself as soon as the order or its trades turn up. If it is not there and did not fill,"
            " say so below.",
        )
    if order.status is OrderStatus.QUARANTINED:
        return Attention(
            order.slot,
            "quarantined",
            f"Nobody can say whether the {slot_name(order.slot)} order exists on the exchange."
            " It is counted as if it did; look at the exchange. If it is not there and did not fill, say so"
            " below.",
        )
    if order.finished_at is None:
        return None
    if cycle.forgiven_at is not None and order.finished_at <= cycle.forgiven_at:
        return None
    if _is_worth_another_try(cycle, order):
        return None
    if order.status is OrderStatus.REFUSED and not _was_dust(cycle, order):
        why = f" ({order.reason})" if order.reason else ""
        return Attention(
            order.slot,
            "refused",
            f"The exchange refused the {slot_name(order.slot)} order{why}. Nothing was bought or"
            " sold by it. No new buys until you press Try again.",
        )
    if order.cancelled_by_hand:
        return Attention(
            order.slot,
            "cancelled_by_you",
            f"The {slot_name(order.slot)} order was cancelled by you on the exchange. It is not"
            " placed again until you press Try again.",
        )
    return None


def _missing_words(cycle: Cycle) -> str:
    held, market = position(cycle).quantity, cycle.market
    return (
        f"Of the {quantity_words(market, held)} that this strategy holds,"
        f" {quantity_words(market, cycle.missing)} are not on the account any more: sold, withdrawn or"
        " used for fees outside of it. Nothing is bought; what is there can still be sold. Bring them"
        " back, or stop and let the coins go, or close."
    )


def _is_worth_another_try(cycle: Cycle, order: Order) -> bool:
    """Refused under trading rules that are not in force any more: tried once under the new ones."""
    return (
        order.status is OrderStatus.REFUSED
        and (order.reason or "").startswith(FILTERS)
        and cycle.rules_changed_at is not None
        and order.finished_at is not None
        and order.finished_at <= cycle.rules_changed_at
    )


def _was_dust(cycle: Cycle, order: Order) -> bool:
    """A rest too small for the venue's minima at its price: the refusal ends it, nothing has failed."""
    exits = order.side is Side.SELL and order.kind is Kind.MARKET
    rest_of_base = order.slot == BASE and cycle.has_fills()
    return (exits or rest_of_base) and not cycle.market.is_tradable(
        order.quantity, order.planned_price
    )


def slot_name(slot: Slot) -> str:
    """For sentences: "base", "safety 3", "take profit"."""
    name = str(slot.role).replace("_", " ")
    return f"{name} {slot.level}" if slot.role.value == "safety" else name
