"""A strategy that has traded: one closed cycle and one open one, in our rows and in the venue's ledger."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Engine

from core.cycle import BASE, TAKE_PROFIT
from core.events import PriceSeen, last_price
from core.market import Side
from core.order_ids import Identity
from core.orders import LIVE, Role, Slot
from core.succession import next_cycle
from db import cycles, installation, journal, leases, ledger, market_data, status
from db.cycles import CycleChange
from db.ledger import LedgerOrder, LedgerStatus, LedgerTrade
from db.tables import (
    ExchangeAccount,
    LeaseRow,
    Strategy,
    VenueAccountRow,
    VenueBalanceRow,
    VenueOrderRow,
    VenueTradeRow,
)
from db.transactions import run
from tests.builders import Play, a_cycle, a_market, at


def has_traded(engine: Engine, strategy_id: int):
    """Base bought at 100 and sold at 101; then bought at 100 and at the first level. Returns the cycles."""
    strategy = run(engine, lambda s: s.get_one(Strategy, strategy_id))
    code = run(engine, installation.code)
    market = a_market(
        symbol=strategy.symbol, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.001")
    )
    identity = Identity(code, strategy.account_id, strategy_id)
    first = Play(replace(a_cycle(market), identity=identity))
    _buy(first)
    first.fill(TAKE_PROFIT, seconds=60)
    first.cancel_all(61)
    second = Play(next_cycle(first.cycle, at(62), first.cycle.parameters, market))
    _buy(second, 100)
    second.fill(Slot(Role.SAFETY, 1), seconds=130)
    run(engine, lambda s: _write(s, strategy, first.cycle, second.cycle))
    return first.cycle, second.cycle


def _buy(play: Play, seconds: float = 0) -> None:
    play(PriceSeen(at(seconds), last_price(Decimal(100))))
    play.fill(BASE, price=100, seconds=seconds)
    play.open_all(seconds)


def _write(session, strategy, closed, opened) -> None:
    account = strategy.account_id
    session.add(LeaseRow(account_id=account, owner="w1", token=3, beat=1, taken_at=at(0)))
    if not leases.beat(session, "w1"):
        leases.register_worker(session, "w1", "host", 1, "now", "test")
    both = [CycleChange(None, closed), CycleChange(None, opened)]
    cycles.save(session, both, {account: 3}, at(200))
    cycles.close(session, [closed], at(61))
    status.save(
        session,
        [
            status.StrategyStatus(
                strategy.id, account, status.ActualState.RUNNING, 1, "Buying.", None, at(1), at(1)
            )
        ],
    )
    journal.append(
        session,
        [
            journal.JournalEntry(
                at(1), strategy.user_id, "bought", "Bought.", strategy_id=strategy.id
            )
        ],
    )
    ticker = market_data.Ticker(
        "simulated", strategy.symbol, Decimal(98), Decimal(99), Decimal("98.5"), at(130)
    )
    market_data.save_tickers(session, [ticker])
    _write_ledger(session, account, (closed, opened))


def _write_ledger(session, account_id, both) -> None:
    orders = [order for cycle in both for order in cycle.orders]
    symbol = both[0].market.symbol
    base, _, quote = symbol.partition("/")
    stated = session.get(ExchangeAccount, account_id).quote_start
    held = {asset: Decimal(amount) for asset, amount in stated.items()} | {base: Decimal(0)}
    used = {base: Decimal(0), quote: Decimal(0)}
    trades = sorted(
        ((fill, order) for order in orders for fill in order.fills), key=lambda pair: pair[0].at
    )
    for number, (fill, order) in enumerate(trades, start=1):
        sign = 1 if order.side is Side.BUY else -1
        held[base] += sign * fill.quantity
        held[quote] -= sign * fill.cost + fill.fee
        trade = LedgerTrade(
            account_id, symbol, fill.trade_id, number, order.client_order_id, order.side,
            fill.price, fill.quantity, fill.fee, fill.fee_asset, fill.fee_value, fill.at,
        )  # fmt: skip
        session.add(VenueTradeRow(**_values(trade)))
    for number, order in enumerate(orders, start=1):
        is_open = order.status in LIVE
        rest = order.quantity - order.filled
        bound = rest * order.price if order.side is Side.BUY and order.price else rest
        locked = bound if is_open else Decimal(0)
        used[quote if order.side is Side.BUY else base] += locked
        known = LedgerStatus.OPEN if is_open else LedgerStatus(order.status.value)
        there = LedgerOrder(
            order.client_order_id, account_id, "simulated", symbol, str(number), order.side,
            order.kind, order.price, order.quantity, order.filled, known, locked, at(0), at(0),
        )  # fmt: skip
        session.add(VenueOrderRow(**_values(there)))
    session.add(VenueAccountRow(account_id=account_id, next_order=99, next_trade=99, rev=1))
    for asset, amount in held.items():
        bound = used.get(asset, Decimal(0))
        row = ledger.LedgerBalance(account_id, asset, amount - bound, bound)
        session.add(VenueBalanceRow(**_values(row)))


def _values(record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}
