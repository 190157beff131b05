"""What has happened: orders, fills, cycles, and the journal with its reasons."""

from __future__ import annotations

import streamlit as st

from core.orders import Role
from dashboard import access
from dashboard.database import read
from dashboard.formatting import escape, money, price, quantity, short_when, utc_now
from dashboard.page_parts import empty
from dashboard.tables import sentences, table
from dashboard.words import ENDED_WORDS, ORDER_WORDS, role_words
from db import reports
from db.reports import StrategyCard
from db.sessions import Principal

MOST, MORE = 20, 200
MORE_KEY = "more_of_the_journal"


@access.guarded(run_every=5)
def journal(person: Principal, strategy_id: int) -> None:
    most = MORE if st.session_state.get(MORE_KEY) else MOST
    rows = read(
        lambda session: reports.strategy_journal(session, person.user_id, strategy_id, limit=most)
    )
    if not rows:
        empty(
            "Nothing has happened yet. Every action of the worker will stand here with its reason."
        )
        return
    sentences([(row.at, row.level, row.sentence) for row in rows], person.time_zone)
    st.caption(escape(f"Newest first. Time in {person.time_zone}."))
    if len(rows) >= MOST:
        st.toggle(f"Show the last {MORE}", key=MORE_KEY)


@access.guarded(run_every=5)
def orders(person: Principal, strategy_id: int) -> None:
    card = _card(person, strategy_id)
    if card.cycle is None or not card.cycle.orders:
        empty("No orders in the present cycle.")
        return
    base = card.symbol.partition("/")[0]
    tick = card.cycle.market.tick_size
    live_first = sorted(
        card.cycle.orders, key=lambda order: (not order.is_live, -order.created_at.timestamp())
    )
    table(
        [
            {
                "Order": role_words(order.slot.role, order.slot.level),
                "State": ORDER_WORDS[order.status],
                "Price": "market" if order.price is None else price(order.price, tick),
                "Quantity": quantity(order.quantity, base),
                "Filled": quantity(order.filled, base),
                "Written": short_when(order.created_at, person.time_zone),
                "Number": order.client_order_id,
            }
            for order in live_first
        ]
    )
    st.caption(f"Orders of cycle {card.cycle.number}. Prices in {card.quote}.")


@access.guarded(run_every=5)
def fills(person: Principal, strategy_id: int) -> None:
    card = _card(person, strategy_id)
    rows = read(
        lambda session: reports.strategy_fills(session, person.user_id, strategy_id, limit=500)
    )
    if not rows:
        empty("Nothing bought or sold yet.")
        return
    base, quote = card.symbol.split("/")
    tick = None if card.cycle is None else card.cycle.market.tick_size
    table(
        [
            {
                "Time": short_when(row.at, person.time_zone),
                "Cycle": str(row.cycle_number),
                "What": role_words(Role(row.role), row.level),
                "Price": price(row.price, tick),
                "Quantity": quantity(row.quantity, base),
                f"Value ({quote})": money(row.price * row.quantity, quote),
                "Fee": money(row.fee_value, quote),
            }
            for row in reversed(rows)
        ]
    )
    st.caption(f"Newest first. Prices in {quote}, time in {person.time_zone}.")


@access.guarded(run_every=5)
def cycles(person: Principal, strategy_id: int) -> None:
    card = _card(person, strategy_id)
    rows = read(
        lambda session: reports.closed_cycles(session, person.user_id, strategy_id, limit=500)
    )
    if not rows:
        empty("No cycle has ended yet.")
        return
    table(
        [
            {
                "Cycle": str(row.number),
                "Ended": short_when(row.closed_at, person.time_zone),
                "By": ENDED_WORDS.get(row.ended_by, row.ended_by),
                "Extra buys": str(row.levels_filled),
                "Spent": money(row.bought_cost, card.quote),
                "Realized PnL": money(row.realized_pnl, card.quote, signed=True),
                "Fees": money(row.fees, card.quote),
            }
            for row in rows
        ]
    )
    if card.unrealized_pnl is not None and card.unrealized_pnl < 0:
        st.caption(
            f"Beside these stands an open loss of {money(-card.unrealized_pnl, card.quote)} in the"
            " present cycle."
        )


def _card(person: Principal, strategy_id: int) -> StrategyCard:
    return read(
        lambda session: reports.strategy_detail(session, person.user_id, strategy_id, at=utc_now())
    ).card
