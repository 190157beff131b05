"""What has happened: orders, fills, cycles, and the journal with its reasons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from core.money import ZERO
from core.orders import Role
from dashboard import access
from dashboard.charts.profit import profit_figure
from dashboard.database import read
from dashboard.formatting import escape, money, price, quantity, short_when, utc_now
from dashboard.page_parts import empty
from dashboard.words import ENDED_WORDS, ORDER_WORDS, role_words
from db import reports
from db.reports import ClosedCycle, StrategyCard
from db.sessions import Principal

MOST = 60
MARKS = {"info": "", "warning": "⚠️", "alarm": "🚨"}


@access.guarded(run_every=5)
def journal(person: Principal, strategy_id: int) -> None:
    rows = read(
        lambda session: reports.strategy_journal(session, person.user_id, strategy_id, limit=MOST)
    )
    if not rows:
        empty(
            "Nothing has happened yet. Every action of the worker will stand here with its reason."
        )
        return
    sentences([(row.at, row.level, row.sentence) for row in rows], person.time_zone)
    st.caption(f"Newest first. Time in {person.time_zone}.")


@access.guarded(run_every=5)
def orders(person: Principal, strategy_id: int) -> None:
    card = _card(person, strategy_id)
    if card.cycle is None or not card.cycle.orders:
        empty("No orders in the present cycle.")
        return
    base = card.symbol.partition("/")[0]
    live_first = sorted(
        card.cycle.orders, key=lambda order: (not order.is_live, -order.created_at.timestamp())
    )
    table(
        [
            {
                "Order": role_words(order.slot.role, order.slot.level),
                "State": ORDER_WORDS[order.status],
                "Price": price(order.price) if order.price is not None else "market",
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
    table(
        [
            {
                "Time": short_when(row.at, person.time_zone),
                "Cycle": str(row.cycle_number),
                "What": role_words(Role(row.role), row.level),
                "Price": price(row.price),
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
    st.plotly_chart(
        profit_figure(_realized(rows), [], card.quote), width="stretch", key="profit",
        config={"displayModeBar": False},
    )  # fmt: skip
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


def _realized(rows: tuple[ClosedCycle, ...]) -> list[tuple[Any, Decimal]]:
    total, found = ZERO, []
    for row in reversed(rows):
        total += row.realized_pnl
        found.append((row.closed_at, total))
    return found


def _card(person: Principal, strategy_id: int) -> StrategyCard:
    return read(
        lambda session: reports.strategy_detail(session, person.user_id, strategy_id, at=utc_now())
    ).card


def sentences(rows: Iterable[tuple[datetime, str, str]], time_zone: str) -> None:
    """(time, level, sentence) as rows whose text wraps instead of being cut."""
    st.table(
        pd.DataFrame(
            [
                {
                    "Time": escape(short_when(at, time_zone)),
                    "What and why": f"{MARKS.get(level, '')} {escape(sentence)}".strip(),
                }
                for at, level, sentence in rows
            ]
        ),
        border="horizontal",
        hide_index=True,
    )


def table(rows: list[dict[str, str]], wide: str | None = None) -> None:
    """Text cells, so that nothing rounds or sorts them into something else."""
    config: dict[str, Any] = {}
    if wide:
        config[wide] = st.column_config.TextColumn(width="large")
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", column_config=config,
        height="auto" if len(rows) < 12 else 420,
    )  # fmt: skip
