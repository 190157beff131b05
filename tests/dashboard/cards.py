"""A strategy's card around a cycle, as the reports make one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.accounting import position
from core.actual_state import state_of
from core.cycle import Cycle, DesiredState
from db.accounts import AccountKind
from db.reports import StrategyCard
from tests.builders import NOON, a_quote, at


def a_card(
    cycle: Cycle | None, last: object | None = 100, *, seconds: float = 60, **changes: Any
) -> StrategyCard:
    """`last`: the price now, None while there is none. State and reason are those of the cycle."""
    now, price = at(seconds), None if last is None else Decimal(str(last))
    wanted = DesiredState.RUNNING if cycle is None else cycle.wanted
    state, reason = _said(cycle, now, price)
    known: dict[str, Any] = {
        "strategy_id": 7, "user_id": 3, "owner": "ann", "name": "ladder", "symbol": "BTC/USDT",
        "account_id": 5, "account_name": "paper", "account_kind": AccountKind.PAPER,
        "exchange": "binance", "venue": "paper:binance", "desired_state": wanted, "desired_rev": 1,
        "desired_at": NOON, "effective_state": changes.get("desired_state", wanted),
        "actual_state": state, "observed_rev": 1, "reason": reason, "missing": None, "silent": False,
        "parameters_version": 1, "cycle": cycle, "position": None if cycle is None else position(cycle),
        "levels_filled": 0, "level_count": 0 if cycle is None else cycle.parameters.level_count,
        "last_price": price, "bid": price, "price_at": None if price is None else now,
        "price_is_fresh": price is not None, "unrealized_pnl": None, "realized_pnl": Decimal(0),
        "fees": Decimal(0), "cycles_closed": 0, "created_at": NOON, "archived_at": None, "fault": None,
    }  # fmt: skip
    return StrategyCard(**(known | changes))


def _said(cycle: Cycle | None, now: datetime, price: Decimal | None) -> tuple[str | None, str]:
    if cycle is None:
        return None, ""
    state, sentence = state_of(cycle, now, None if price is None else a_quote(price))
    return state.value, sentence
