"""Orders that nobody can prove: what is known of each, and the one answer that its person can give."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.doubt import too_early
from core.errors import StepladderError
from core.market import Side
from core.orders import VANISHED, Order, OrderStatus
from core.words import order_words, price_words, quantity_words
from dashboard import access
from dashboard.database import read, write
from dashboard.formatting import ago, escape, utc_now, when
from db import doubts, reports
from db.doubts import Doubt
from db.reports import StrategyCard
from db.sessions import Principal

LABEL = "I looked on the exchange: it is not there and did not fill"
UNSEEN = "It was sent, and no answer ever said whether the exchange took it."
SEEN = "The exchange had it and does not show it any more, neither open nor ended."


@access.guarded(run_every=5)
def draw(person: Principal, strategy_id: int) -> None:
    """Nothing where no order of the strategy is in quarantine."""
    known = read(lambda session: doubts.doubts_of(session, person.user_id, strategy_id))
    if not known:
        return
    now = utc_now()
    card = read(
        lambda session: reports.strategy_detail(session, person.user_id, strategy_id, at=now)
    ).card
    if card.cycle is None:
        return
    for order in card.cycle.orders:
        if order.status is OrderStatus.QUARANTINED and order.client_order_id in known:
            with st.container(border=True, key=f"doubt_{order.client_order_id}"):
                _one(person, card, order, known[order.client_order_id], now)


def facts(
    card: StrategyCard, order: Order, doubt: Doubt, time_zone: str, now: datetime
) -> list[str]:
    """Plain sentences (not Markdown): what somebody needs to find it on the exchange."""
    assert card.cycle is not None
    market = card.cycle.market
    does = "buys" if order.side is Side.BUY else "sells"
    at = "at the market price" if order.price is None else f"at {price_words(market, order.price)}"
    unit = "" if order.price is None else f" {market.quote}"
    found = [
        SEEN if order.reason == VANISHED else UNSEEN,
        f"It {does} {quantity_words(market, order.quantity)} {at}{unit}, of which"
        f" {quantity_words(market, order.filled)} are filled as far as is known.",
        f"Sent {when(order.created_at, time_zone)}. Look for its own id (client order id)"
        f" {order.client_order_id}"
        + (f" or the exchange's number {order.venue_order_id}." if order.venue_order_id else "."),
    ]
    if doubt.inquiry is None:
        return [*found, "The exchange has not been asked by every source yet."]
    asked = f"{when(doubt.inquiry.asked_at, time_zone)} ({ago(doubt.inquiry.asked_at, now)})"
    return [
        *found,
        f"The exchange was last asked by every source {asked}: it shows no such order.",
        doubt.inquiry.sentence,
    ]


def _one(person: Principal, card: StrategyCard, order: Order, doubt: Doubt, now: datetime) -> None:
    st.markdown(f"**Where is the {escape(order_words(order.slot))}?**")
    for sentence in facts(card, order, doubt, person.time_zone, now):
        st.markdown(f"- {escape(sentence)}")
    if doubt.is_answered:
        st.info(
            "You have answered. The worker asks the exchange once more and then says here what it did."
        )
        return
    if doubt.inquiry is not None and doubt.answer is not None and doubt.inquiry.contradicts:
        st.warning("Your answer was not believed, for the reason above. The order stays as it is.")
    early = too_early(order, now)
    if early is not None:
        st.caption(escape(early))
        return
    _answer(person, order, doubt)


def _answer(person: Principal, order: Order, doubt: Doubt) -> None:
    name = order.client_order_id
    st.markdown(
        "Your answer does this: the exchange is asked once more; if nothing contradicts you, the order counts"
        " as over with what had filled before, its place is free and the strategy goes on, so that **the"
        " same may be bought or sold again**. If it does exist, you then have two. Should it turn up later,"
        " it is cancelled, what it traded is booked, and you are told."
    )
    agreed = st.checkbox(
        f"I have looked for {name} among the open and the ended orders and the trades on the exchange",
        key=f"looked_{name}",
    )
    if not st.button(LABEL, key=f"gone_{name}", disabled=not agreed):
        return
    rev = 1 if doubt.answer is None else doubt.answer.rev + 1
    try:
        write(
            lambda session: doubts.say_gone(
                session, person.user_id, name, at=utc_now(), key=f"{name}gone{rev}"
            )
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[access.NOTICE] = "Noted. The worker asks the exchange once more."
    st.rerun()
