"""The exact backtest: candles through the same `step` as live trading, in Decimal (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from core.accounting import position
from core.backtest_result import BacktestResult, FillRecord, Settings
from core.backtest_run import Run
from core.candles import Candle, gaps
from core.errors import InvalidInput
from core.market import Market
from core.money import ONE, ZERO, exact, plain
from core.parameters import Parameters

__all__ = ["BacktestResult", "FillRecord", "Settings", "backtest"]


@exact
def backtest(
    parameters: Parameters, market: Market, candles: Iterable[Candle], settings: Settings
) -> BacktestResult:
    """Run `parameters` over `candles` (ascending). An open position is valued at the end, never sold."""
    _check_slippage(parameters, settings.slippage)
    run = Run(parameters, market, settings)
    opened: list[int] = []
    for candle in candles:
        opened.append(candle.opened)
        run.candle(candle)
    return _result(run, opened)


def _check_slippage(parameters: Parameters, slippage: Decimal) -> None:
    """Such a cycle would lose and begin again for ever within one candle."""
    if not ZERO <= slippage < ONE:
        raise InvalidInput("slippage", "must be from 0 to below 1, for example 0.0005.")
    stop = parameters.stop_loss
    if stop is not None and slippage > 0 and (ONE + slippage) * (ONE - stop) >= ONE:
        raise InvalidInput(
            "slippage",
            f"of {plain(slippage)} is as large as the stop_loss of {plain(stop)}: each base order"
            " would be stopped at once. Lower the slippage or widen stop_loss.",
        )


def _result(run: Run, opened: list[int]) -> BacktestResult:
    held, tally = position(run.cycle), run.tally
    realized = tally.realized + held.realized
    unrealized = ZERO
    if run.price is not None:
        unrealized = held.unrealized(run.price, run.market.taker_fee)
    found_gaps, missing = gaps(opened)
    levels = range(1, run.parameters.level_count + 1)
    is_open = run.cycle.has_fills()
    return BacktestResult(
        candles=len(opened),
        gaps=found_gaps,
        missing_candles=missing,
        cycles=tally.cycles,
        stop_losses=tally.stop_losses,
        safety_orders_per_level=tuple(tally.levels.get(level, 0) for level in levels),
        realized_pnl=realized,
        unrealized_pnl=unrealized,
        fees=tally.fees + held.fees,
        equity_change=realized + unrealized,
        max_drawdown=run.equity.max_drawdown,
        most_capital_used=run.equity.most_used,
        seconds_in_trade=tally.seconds_in_trade + tally.seconds_since_start(run.last_at()),
        open_quantity=held.quantity - run.cycle.carried.quantity if is_open else ZERO,
        dust=run.cycle.carried.quantity,
        assumed_fills=tally.assumed,
        unaffordable_orders=len(tally.unaffordable),
        fills=tuple(tally.fills),
        orders=tuple(tally.orders),
    )
