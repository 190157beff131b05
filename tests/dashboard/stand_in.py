"""A stand-in for the worker: trades a strategy along the simulated prices and writes what a worker writes."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.actual_state import ActualState as CoreState
from core.actual_state import state_of
from core.backtest_result import Settings
from core.backtest_run import Run
from core.candles import EPOCH
from core.cycle import Cycle
from core.events import Event, last_price
from core.order_ids import Identity
from core.simulated_price import candles, tickers_at
from core.simulated_symbols import market_of
from core.story import Entry, tell
from core.succession import first_cycle
from db import cycles, installation, journal, leases, market_data, status
from db.cycles import CycleChange
from db.handles import Engine
from db.journal import JournalEntry, JournalLevel
from db.transactions import run
from db.wanted import Wanted, wanted

WORKER = "stand-in"


class Trade(Run):
    """Remembers closed cycles and the story."""

    def __init__(self, wish: Wanted, code: str, balance: Decimal) -> None:
        settings = Settings(balance=balance)
        parameters, market = wish.parameters(), market_of(wish.symbol)
        super().__init__(parameters, market, settings)
        identity = Identity(code, wish.account_id, wish.strategy_id)
        self.cycle = first_cycle(identity, parameters, market)
        self.closed: list[tuple[Cycle, datetime]] = []
        self.told: list[tuple[datetime, int, Entry]] = []

    def _record(self, before: Cycle, event: Event) -> None:
        super()._record(before, event)
        for entry in tell(before, self.cycle, event):
            self.told.append((event.at, self.cycle.number, entry))

    def _end_cycle(self) -> None:
        self.closed.append((self.cycle, self.at))
        super()._end_cycle()


def trade(engine: Engine, strategy_id: int, now: datetime, minutes: int = 90) -> Trade:
    """The strategy as if it had run for so long, up to `now`, with a live worker behind it."""
    (wish,) = run(engine, lambda session: wanted(session, [strategy_id]))
    until = int((now - EPOCH).total_seconds() * 1000)
    done = Trade(wish, run(engine, installation.code), Decimal(10_000))
    for candle in candles(wish.symbol, until - minutes * 60_000, until):
        done.candle(candle)
    run(engine, lambda session: _write(session, wish, done, now))
    return done


def is_alive(engine: Engine, account_ids: list[int]) -> None:
    """A worker that beats now and holds these accounts."""

    def unit(session):
        how = {"accounts": len(account_ids), "strategies": 1, "lag_ms": 3}
        if not leases.beat(session, WORKER, **how):
            leases.register_worker(session, WORKER, "host", os.getpid(), "now", "test")
        return leases.take_all(session, WORKER, account_ids)

    run(engine, unit)


def says(engine: Engine, strategy_id: int, state: CoreState, reason: str, now: datetime, **more):
    (wish,) = run(engine, lambda session: wanted(session, [strategy_id]))
    row = status.StrategyStatus(
        strategy_id, wish.account_id, status.ActualState(state.value), wish.desired_rev, reason,
        more.get("missing"), now, now,
    )  # fmt: skip
    run(engine, lambda session: status.save(session, [row]))


def _write(session, wish: Wanted, done: Trade, now: datetime) -> None:
    account = wish.account_id
    leases.register_worker(session, WORKER, "host", os.getpid(), "now", "test")
    leases.beat(session, WORKER, accounts=1, strategies=1, lag_ms=3)
    token = leases.take_all(session, WORKER, [account])[account]
    every = [CycleChange(None, cycle) for cycle, _ in done.closed]
    opened = replace(done.cycle, wanted=wish.desired_state)
    every.append(CycleChange(None, opened))
    cycles.save(session, every, {account: token}, now)
    for cycle, at in done.closed:
        cycles.close(session, [cycle], at)
    (found,) = tickers_at([wish.symbol], now)
    ticker = market_data.Ticker("simulated", wish.symbol, found.bid, found.ask, found.last, now)
    market_data.save_tickers(session, [ticker])
    state, why = state_of(opened, now, last_price(found.last))
    row = status.StrategyStatus(
        wish.strategy_id, account, status.ActualState(state.value), wish.desired_rev, why, None,
        now, now,
    )  # fmt: skip
    status.save(session, [row])
    journal.append(
        session,
        [
            JournalEntry(
                at, wish.user_id, entry.code, entry.sentence, JournalLevel(entry.level.value),
                account, wish.strategy_id, number,
            )
            for at, number, entry in done.told
        ],
    )  # fmt: skip


def later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
