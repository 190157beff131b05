"""What a live account holds on its exchange, as the worker read it when it compared the two."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import streamlit as st

from core.money import exact
from dashboard.formatting import NARROW, TWO_PLACES, escape, money, quantity, when
from dashboard.tables import table
from db.reports import LiveAccount

NOT_READ = (
    "Not read yet. The worker reads them each time it compares this account with the exchange."
)


def draw(live: LiveAccount, time_zone: str) -> None:
    """`time_zone`: of the person who looks."""
    st.markdown("**What is on the exchange**")
    status = live.status
    if status is None or status.balances is None or status.reconciled_at is None:
        st.caption(NOT_READ)
        return
    read_at = escape(f"Read on {when(status.reconciled_at, time_zone)}.")
    if not status.balances:
        st.caption(f"Nothing: the exchange says that this account holds no coins. {read_at}")
        return
    table(rows(status.balances, live.account.caps or {}), pinned="Coin")
    st.caption(f"All coins of the account, those included that no strategy bought. {read_at}")


@exact
def rows(balances: dict[str, dict[str, str]], capped: Collection[str]) -> list[dict[str, str]]:
    """Quote coins first: those with a cap, then other usual ones; then by name."""
    found = []
    for coin in sorted(
        balances, key=lambda each: (each not in capped, each not in TWO_PLACES, each)
    ):
        free, locked = (Decimal(balances[coin][part]) for part in ("free", "locked"))
        is_money = coin in capped or coin in TWO_PLACES
        found.append(
            {
                "Coin": coin,
                "Free": _figure(free, coin, is_money),
                "In orders": _figure(locked, coin, is_money),
                "Total": _figure(free + locked, coin, is_money),
            }
        )
    return found


def _figure(value: Decimal, coin: str, is_money: bool) -> str:
    """Without the coin, which stands at the beginning of the row."""
    text = money(value, coin) if is_money else quantity(value, coin)
    return text.partition(NARROW)[0]
