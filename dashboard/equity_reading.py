"""The equity of one strategy, read and reckoned at most once a minute and after each fill."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import streamlit as st

from core.accounting import position
from core.candles import EPOCH
from core.ladder import required_capital
from core.market import Market
from core.money import ZERO, exact
from core.parameters import Parameters
from dashboard import equity, prices
from dashboard.candle_gaps import Span
from dashboard.database import read
from dashboard.equity import Earned, Past
from db import reports
from db.reports import StrategyCard

LOOK_BACK = timedelta(days=90)
"""Of older candles nothing is drawn; what was earned before counts."""


def past_of(
    card: StrategyCard, parameters: Parameters | None, now: datetime, fetched: int = 0
) -> tuple[Past | None, tuple[Span, ...]]:
    """Also what is missing of its candles. None: nothing can be said without candles or market rules."""
    cycle = card.cycle
    market = cycle.market if cycle else prices.market(card.venue, card.symbol)
    used = cycle.parameters if cycle else parameters
    if market is None or used is None:
        return None, ()
    factor = cycle.size_factor if cycle else Decimal(1)
    span = prices.recent(LOOK_BACK / timedelta(hours=1), now)
    fills = sum(len(order.fills) for order in cycle.orders) if cycle else 0
    return _past(
        card.user_id, card.strategy_id, (card.venue, card.symbol), span.until,
        (card.cycles_closed, fills, fetched), market, required_capital(used, market, factor),
        earned_in_closed_cycles(card),
    )  # fmt: skip


@exact
def earned_in_closed_cycles(card: StrategyCard) -> Earned:
    """The card's sums without the part of the open cycle."""
    held = None if card.cycle is None else position(card.cycle)
    return Earned(
        card.realized_pnl - (ZERO if held is None else held.realized),
        card.fees - (ZERO if held is None else held.fees),
    )


@exact
def equity_now(card: StrategyCard) -> Decimal | None:
    return None if card.unrealized_pnl is None else card.realized_pnl + card.unrealized_pnl


@st.cache_data(ttl=120, max_entries=300)
def _past(
    user_id: int,
    strategy_id: int,
    place: tuple[str, str],
    until: int,
    version: tuple[int, int, int],
    _market: Market,
    _capital: Decimal,
    _earned: Earned,
) -> tuple[Past | None, tuple[Span, ...]]:
    """`version` changes with every fill and with every step of a fetch."""
    closed, fills = read(
        lambda session: (
            reports.closed_cycles(session, user_id, strategy_id, limit=equity.MOST_CYCLES),
            reports.strategy_fills(session, user_id, strategy_id, limit=equity.MOST_FILLS),
        )
    )
    found = equity.standings(closed, fills, _market, _earned)
    if not found:
        return equity.past((), (), _market.taker_fee, _capital), ()
    since = int((found[0].at - EPOCH).total_seconds() // 60) * 60_000
    since = max(since, until - int(LOOK_BACK.total_seconds()) * 1000)
    series, missing = prices.minutes(*place, since, until)
    if not len(series) and since < until:
        return None, missing
    candles = equity.thinned(series, found)
    return equity.past(found, candles, _market.taker_fee, _capital), missing
