"""Whom the benchmark lets trade: parameters, start times and prices spread by seed.

Every cycle is made by core itself: its base order is bought in the account's book, its levels and its take
profit rest there. So the worker's rows and the venue's rows agree as if the worker had placed them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.account_book import AccountBook, Money
from core.cycle import Cycle, DesiredState
from core.engine import step
from core.events import OrderReported, PlaceOrder, PriceSeen, last_price
from core.market import Side
from core.order_ids import Identity
from core.orders import merge
from core.parameter_reading import read_parameters
from core.parameters import Parameters
from core.simulated_price import price_at
from core.simulated_symbols import calm_symbols, market_of
from core.succession import first_cycle

ACCOUNTS = 500
SYMBOLS = calm_symbols(20)
HERD_SYMBOL = SYMBOLS[0]
BALANCE = Decimal(10_000_000)
OLDEST = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Spread:
    """How close what the strategies wait for is to the present price.

    `near`: every take profit or first level lies within this fraction of it; None: all lie far away.
    `herd`: the first strategy of each account has no cycle yet and waits for a trigger price.
    """

    near: float | None = None
    herd: bool = False


@dataclass(frozen=True, slots=True)
class Trader:
    """One strategy. `cycle`: with its filled base order and its resting orders, or idle."""

    strategy_id: int
    account_id: int
    symbol: str
    parameters: Parameters
    started_at: datetime
    cycle: Cycle


@dataclass(frozen=True, slots=True)
class TradingAccount:
    account_id: int
    book: AccountBook
    traders: tuple[Trader, ...]


def symbol_of(account: int, place: int, each: int) -> str:
    """The first strategy of every account trades the same symbol, the others are spread evenly."""
    if place == 0:
        return HERD_SYMBOL
    others = len(SYMBOLS) - 1
    return SYMBOLS[1 + (account * (each - 1) + place - 1) % others]


def populate(
    strategies: int, installation: str, at: datetime, spread: Spread, seed: int = 1
) -> Iterator[TradingAccount]:
    """The accounts 1, 2, 3 ... with equally many strategies each."""
    dice = random.Random(seed)
    count = min(ACCOUNTS, strategies)
    each = strategies // count
    if each > len(SYMBOLS):
        raise ValueError(f"at most {ACCOUNTS * len(SYMBOLS)} strategies")
    prices = {symbol: price_at(symbol, at) for symbol in SYMBOLS}
    for account in range(1, count + 1):
        book = AccountBook({"USDT": Money(BALANCE)})
        traders = []
        for place in range(each):
            identity = Identity(installation, account, (account - 1) * each + place + 1)
            symbol = symbol_of(account, place, each)
            waits = spread.herd and place == 0
            traders.append(
                _trader(identity, symbol, prices[symbol], book, at, spread.near, waits, dice)
            )
        yield TradingAccount(account, book, tuple(traders))


def _trader(
    identity: Identity, symbol: str, price: Decimal, book: AccountBook, at: datetime,
    near: float | None, waits: bool, dice: random.Random,
) -> Trader:  # fmt: skip
    parameters = read_parameters(some_parameters(dice))
    started_at = at - timedelta(seconds=dice.uniform(60, OLDEST.total_seconds()))
    market = market_of(symbol)
    if waits:
        parameters = replace(parameters, trigger_price=market.round_price(Side.BUY, price / 2))
    cycle = replace(first_cycle(identity, parameters, market), wanted=DesiredState.RUNNING)
    if not waits:
        paid = market.round_price(Side.BUY, price * _base_price(parameters, near, dice))
        cycle = _bought(cycle, book, paid, price, started_at)
    return Trader(identity.strategy_id, identity.account_id, symbol, parameters, started_at, cycle)


def some_parameters(dice: random.Random) -> dict[str, object]:
    return {
        "base_order_size": str(dice.randint(50, 400)),
        "safety_order_size": str(dice.randint(50, 300)),
        "max_safety_orders": dice.randint(4, 8),
        "price_deviation": f"{dice.uniform(0.012, 0.025):.4f}",
        "step_scale": f"{dice.uniform(1.0, 1.3):.2f}",
        "volume_scale": f"{dice.uniform(1.0, 1.5):.2f}",
        "take_profit": f"{dice.uniform(0.012, 0.03):.4f}",
    }


def _base_price(parameters: Parameters, near: float | None, dice: random.Random) -> Decimal:
    """What the base order was bought at, as a multiple of the present price."""
    if near is None:
        return Decimal(f"{dice.uniform(0.997, 1.003):.6f}")
    close = Decimal(f"{dice.uniform(near / 50, near):.7f}")
    fees = Decimal("0.002")
    if dice.random() < 0.5:
        return (1 + close) / (1 + parameters.take_profit + fees)
    return (1 - close) / (1 - parameters.price_deviation)


def _bought(cycle: Cycle, book: AccountBook, paid: Decimal, price: Decimal, at: datetime) -> Cycle:
    """The base order filled at `paid`; levels and take profit placed while the market is at `price`."""
    cycle, commands = step(cycle, PriceSeen(at, last_price(paid)))
    for bid in (paid, price):
        placed = [command.order for command in commands if isinstance(command, PlaceOrder)]
        updates = [book.place(cycle.market, order, bid, bid, at) for order in placed]
        if bid is paid:
            cycle, commands = step(cycle, OrderReported(at, updates[0]))
            continue
        for order, update in zip(placed, updates, strict=True):
            cycle = cycle.with_order(merge(order, update, at))
    return cycle
