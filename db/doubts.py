"""Orders in quarantine: what the exchange said when it was asked by every source, and what the person says.

A person writes an answer, the worker that holds the account deals with it: the order ends, or the inquiry
says why the answer could not be believed, and the person may answer again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.doubt import FIRST_ANSWER_AFTER
from core.orders import OrderStatus
from core.words import time_words
from db import audit, clicks
from db.errors import Conflict, NotFound
from db.statements import table_of, upsert_rows
from db.tables import OrderAnswerRow, OrderInquiryRow, OrderRow, Strategy

ORDERS = table_of(OrderRow)
ANSWERS, INQUIRIES = table_of(OrderAnswerRow), table_of(OrderInquiryRow)
CHANGING = ("asked_at", "sentence", "contradicts", "coins_before", "answered_rev")


@dataclass(frozen=True, slots=True)
class Answer:
    """The person says that the order is not on the exchange and did not fill any further."""

    client_order_id: str
    account_id: int
    user_id: int
    rev: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the exchange said. Fields as in `OrderInquiryRow`."""

    client_order_id: str
    account_id: int
    asked_at: datetime
    sentence: str
    contradicts: bool
    coins_before: Decimal | None
    answered_rev: int = 0


@dataclass(frozen=True, slots=True)
class TakenForGone:
    """An order that ends on its person's word; `filled`: what it had filled before, as text."""

    client_order_id: str
    strategy_id: int
    user_id: int
    filled: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """For the strategy's page. `inquiry`: None: not asked yet. `answer`: the person's last; `is_answered`: a
    worker is to deal with it."""

    inquiry: Inquiry | None
    answer: Answer | None

    @property
    def is_answered(self) -> bool:
        done = 0 if self.inquiry is None else self.inquiry.answered_rev
        return self.answer is not None and self.answer.rev > done


def say_gone(
    session: Session, user_id: int, client_order_id: str, *, at: datetime, key: str | None = None
) -> int:
    """The person has looked: it is not there and did not fill. Returns how often they have said so.

    Raises `NotFound` for an order of nobody's or somebody else's, `Conflict` where it is not in doubt, or
    was sent a moment ago. Said again before a worker has dealt with it, it is the same answer.
    """

    def say() -> int:
        row = session.execute(
            select(ORDERS.c.status, ORDERS.c.created_at, ORDERS.c.account_id, ORDERS.c.strategy_id)
            .join(Strategy, Strategy.id == ORDERS.c.strategy_id)
            .where(ORDERS.c.client_order_id == client_order_id, Strategy.user_id == user_id)
        ).first()
        if row is None:
            raise NotFound("There is no such order.")
        if row.status != OrderStatus.QUARANTINED:
            raise Conflict("It is known by now what became of this order. Look at what is shown.")
        if at - row.created_at < FIRST_ANSWER_AFTER:
            first = time_words(row.created_at + FIRST_ANSWER_AFTER)
            raise Conflict(f"This order was sent a moment ago. You can answer from {first} on.")
        known = _doubts(session, [client_order_id])[client_order_id]
        if known.answer is not None and known.is_answered:
            return known.answer.rev
        rev = 1 if known.answer is None else known.answer.rev + 1
        answer = Answer(client_order_id, row.account_id, user_id, rev, at)
        upsert_rows(session, OrderAnswerRow, [asdict(answer)], ("user_id", "at", "rev"))
        details = {"strategy": row.strategy_id, "order": client_order_id, "answer": rev}
        audit.append(
            session, actor_id=user_id, subject_id=user_id, action="order said gone",
            details=details, at=at,
        )  # fmt: skip
        return rev

    return clicks.once(session, user_id, key, f"order {client_order_id} gone", say, at=at)


def doubts_of(session: Session, user_id: int, strategy_id: int) -> dict[str, Doubt]:
    """By client order id: what is known of the strategy's orders in quarantine; {} for somebody else's."""
    mine = (
        select(ORDERS.c.client_order_id)
        .join(Strategy, Strategy.id == ORDERS.c.strategy_id)
        .where(
            Strategy.user_id == user_id,
            ORDERS.c.strategy_id == strategy_id,
            ORDERS.c.live == 1,
            ORDERS.c.status == OrderStatus.QUARANTINED,
        )
    )
    names = list(session.scalars(mine))
    return _doubts(session, names) if names else {}


def waiting(session: Session, account_ids: Collection[int]) -> list[Answer]:
    """For the worker: answers that nobody has dealt with, of these accounts. Few orders are ever in doubt."""
    statement = (
        select(ANSWERS)
        .join(ORDERS, ORDERS.c.client_order_id == ANSWERS.c.client_order_id)
        .outerjoin(INQUIRIES, INQUIRIES.c.client_order_id == ANSWERS.c.client_order_id)
        .where(
            ORDERS.c.status == OrderStatus.QUARANTINED,
            or_(INQUIRIES.c.answered_rev.is_(None), INQUIRIES.c.answered_rev < ANSWERS.c.rev),
        )
        .order_by(ANSWERS.c.client_order_id)
    )
    wanted = set(account_ids)
    found = (Answer(**row) for row in session.execute(statement).mappings())
    return [answer for answer in found if answer.account_id in wanted]


def inquiries(session: Session, account_ids: Collection[int]) -> list[Inquiry]:
    """For the worker that takes accounts over: what was noted of their orders in quarantine."""
    statement = (
        select(INQUIRIES)
        .join(ORDERS, ORDERS.c.client_order_id == INQUIRIES.c.client_order_id)
        .where(ORDERS.c.status == OrderStatus.QUARANTINED)
    )
    wanted = set(account_ids)
    found = (Inquiry(**row) for row in session.execute(statement).mappings())
    return [one for one in found if one.account_id in wanted]


def save_inquiries(session: Session, found: Sequence[Inquiry]) -> None:
    """After `leases.fence` in the same transaction."""
    upsert_rows(session, OrderInquiryRow, [asdict(one) for one in found], CHANGING)


def note_taken(session: Session, taken: Sequence[TakenForGone]) -> None:
    """The audit knows both: who said it, and that it was believed."""
    for one in taken:
        details = {"strategy": one.strategy_id, "order": one.client_order_id, "filled": one.filled}
        audit.append(
            session, actor_id=None, subject_id=one.user_id, action="order taken for gone",
            details=details, at=one.at,
        )  # fmt: skip


def _doubts(session: Session, names: Sequence[str]) -> dict[str, Doubt]:
    answers = session.execute(select(ANSWERS).where(ANSWERS.c.client_order_id.in_(names)))
    asked = session.execute(select(INQUIRIES).where(INQUIRIES.c.client_order_id.in_(names)))
    said = {row["client_order_id"]: Answer(**row) for row in answers.mappings()}
    known = {row["client_order_id"]: Inquiry(**row) for row in asked.mappings()}
    return {name: Doubt(known.get(name), said.get(name)) for name in names}
