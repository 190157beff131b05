"""V10 and V8, which one snapshot cannot show: between two looks nothing went backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.orders import LIVE, OrderStatus
from db.verify.books import Books
from db.verify.broken import Broken

FILLED_AFTER_ALL = (OrderStatus.CANCELLED, OrderStatus.FILLED)  # a fill that crossed our cancel


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of an account: per order its cycle, status and how much had filled."""

    token: int
    orders: dict[str, tuple[int, int, OrderStatus, Decimal]]


def seen_of(books: Books) -> Seen:
    return Seen(
        books.token,
        {
            name: (
                row["strategy_id"],
                row["cycle_number"],
                OrderStatus(row["status"]),
                row["reported_filled"],
            )
            for name, row in books.orders.items()
        },
    )


def check_progress(before: Seen, books: Books) -> Iterator[Broken]:
    now = seen_of(books)
    if now.token < before.token:
        sentence = f"The lease was at {before.token} and is at {now.token}."
        yield Broken("token went back", books.account_id, "the lease", sentence)
    loaded = {(stored.row["strategy_id"], stored.row["number"]) for stored in books.cycles}
    for name, (strategy_id, number, status, filled) in before.orders.items():
        found = now.orders.get(name)
        if found is None:
            if (strategy_id, number) in loaded:
                yield _broken(books, "ended stays ended", name, "Its row is gone.", strategy_id)
            continue
        changed = found[2] is not status and (status, found[2]) != FILLED_AFTER_ALL
        if status not in LIVE and changed:
            sentence = f"It was {status} and is {found[2]}."
            yield _broken(books, "ended stays ended", name, sentence, strategy_id)
        if found[3] < filled:
            sentence = f"{filled} of it had filled, now {found[3]}."
            yield _broken(books, "fills never shrink", name, sentence, strategy_id)


def _broken(books: Books, check: str, name: str, sentence: str, strategy_id: int) -> Broken:
    return Broken(check, books.account_id, name, sentence, strategy_id)
