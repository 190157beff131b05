"""What the command line prints, ready for JSON: money and rates as decimal strings."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.backtest import BacktestResult, FillRecord
from core.candles import EPOCH
from core.ladder import Ladder, Rung
from core.market import Market
from core.money import plain
from core.orders import Order


def ladder_answer(ladder: Ladder) -> dict[str, Any]:
    return {
        "levels": [_rung(rung) for rung in ladder.rungs],
        "required_capital": plain(ladder.required_capital),
        "max_deviation": plain(ladder.max_deviation),
    }


def _rung(rung: Rung) -> dict[str, Any]:
    return {
        "level": rung.level.number,
        "deviation": plain(rung.level.deviation),
        "price": plain(rung.level.price),
        "size": plain(rung.level.size),
        "quantity": plain(rung.level.quantity),
        "cumulative_cost": plain(rung.cumulative_cost),
        "average_entry_price": plain(rung.average_entry_price),
        "take_profit_price": plain(rung.take_profit_price),
        "required_change": plain(rung.required_change),
    }


def backtest_answer(
    result: BacktestResult, market: Market, *, fills: bool = False, orders: bool = False
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "candles": result.candles,
        "gaps": result.gaps,
        "missing_candles": result.missing_candles,
        "cycles": result.cycles,
        "stop_losses": result.stop_losses,
        "safety_orders_per_level": list(result.safety_orders_per_level),
        "realized_pnl": plain(result.realized_pnl),
        "unrealized_pnl": plain(result.unrealized_pnl),
        "fees": plain(result.fees),
        "equity_change": plain(result.equity_change),
        "max_drawdown": plain(result.max_drawdown),
        "most_capital_used": plain(result.most_capital_used),
        "seconds_in_trade": result.seconds_in_trade,
        "open_quantity": plain(result.open_quantity),
        "dust": plain(result.dust),
        "assumed_fills": result.assumed_fills,
        "unaffordable_orders": result.unaffordable_orders,
    }
    if fills:
        answer["fills"] = [_fill(record, market) for record in result.fills]
    if orders:
        answer["orders"] = [_order(cycle, order) for cycle, order in result.orders]
    return answer


def _fill(record: FillRecord, market: Market) -> dict[str, Any]:
    coins = {market.base: "base", market.quote: "quote"}
    return {
        "at": _milliseconds(record.at),
        "cycle": record.cycle,
        "side": str(record.order.side),
        "role": str(record.order.slot.role),
        "level": record.order.slot.level,
        "price": plain(record.fill.price),
        "quantity": plain(record.fill.quantity),
        "fee": plain(record.fill.fee),
        "fee_asset": coins.get(record.fill.fee_asset, "other"),
    }


def _order(cycle: int, order: Order) -> dict[str, Any]:
    return {
        "at": _milliseconds(order.created_at),
        "cycle": cycle,
        "role": str(order.slot.role),
        "level": order.slot.level,
        "attempt": order.attempt,
        "side": str(order.side),
        "kind": str(order.kind),
        "price": _or_null(order.price),
        "quantity": plain(order.quantity),
    }


def _or_null(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)
