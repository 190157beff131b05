"""The exchange's own book, as one who stands beside it sees it: every order it ever took, every trade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from tests.simulation.mirror import Changes, Mirror

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that the exchange has taken. `price`: of a market order 0. `by`: api, hand or venue."""

    account_id: int
    number: int
    client_order_id: str
    symbol: str
    is_buy: bool
    price: Decimal
    quantity: Decimal
    filled: Decimal
    is_open: bool
    at: datetime
    by: str = "api"


@dataclass(frozen=True, slots=True)
class Traded:
    account_id: int
    symbol: str
    trade_id: str
    client_order_id: str
    is_buy: bool
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(slots=True)
class News:
    """`orders`: before and after; None before: just taken."""

    orders: list[tuple[Taken | None, Taken]] = field(default_factory=list)
    trades: list[Traded] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.orders or self.trades)


class Book(Protocol):
    """`orders` by (account, number). `refresh(changes)`: what is new there since the last time."""

    orders: dict[tuple[int, int], Taken]
    trades: list[Traded]

    def refresh(self, changes: Changes) -> News: ...

    def balances(self, account_id: int) -> dict[str, Decimal]:
        """Free and locked together, by coin."""


class LedgerBook:
    """The ledger of the simulated venue: rows of its own in the same database."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self.orders: dict[tuple[int, int], Taken] = {}
        self.trades: list[Traded] = []

    def refresh(self, changes: Changes) -> News:
        news = News()
        for _, row in changes.of("venue_orders"):
            if row is None:
                continue
            taken = _of_row(row)
            key = taken.account_id, taken.number
            news.orders.append((self.orders.get(key), taken))
            self.orders[key] = taken
        for old, row in changes.of("venue_trades"):
            if old is None and row is not None:
                news.trades.append(_trade_of_row(row))
        news.trades.sort(key=lambda trade: int(trade.trade_id))
        self.trades += news.trades
        return news

    def balances(self, account_id: int) -> dict[str, Decimal]:
        rows = self.mirror.store.rows(
            "SELECT asset, free, used FROM venue_balances WHERE account_id = ?", account_id
        )
        return {asset: Decimal(free) + Decimal(used) for asset, free, used in rows}


def _of_row(row: dict[str, Any]) -> Taken:
    return Taken(
        row["account_id"], int(row["venue_order_id"]), row["client_order_id"], row["symbol"],
        row["side"] == "buy", row["price"] or ZERO, row["quantity"], row["filled"],
        row["status"] == "open", row["created_at"],
    )  # fmt: skip


def _trade_of_row(row: dict[str, Any]) -> Traded:
    return Traded(
        row["account_id"], row["symbol"], row["trade_id"], row["client_order_id"],
        row["side"] == "buy", row["price"], row["quantity"], row["fee"], row["fee_asset"],
    )  # fmt: skip


class ExchangeBook:
    """The test exchange's accounts. `accounts`: ours by their number; `symbols`: ours by its names."""

    def __init__(self, accounts: dict[int, Any], symbols: dict[str, str]) -> None:
        self.accounts, self.symbols = accounts, symbols
        self.orders: dict[tuple[int, int], Taken] = {}
        self.trades: list[Traded] = []
        self._seen: dict[int, int] = defaultdict(int)
        self._traded: dict[int, int] = defaultdict(int)
        self._open: dict[int, set[int]] = defaultdict(set)

    def refresh(self, changes: Changes) -> News:
        news = News()
        for account_id, account in self.accounts.items():
            fresh = account.orders[self._seen[account_id] :]
            self._seen[account_id] = len(account.orders)
            watched = [account.by_id[number] for number in sorted(self._open[account_id])]
            for order in [*watched, *fresh]:
                self._look(account_id, order, news)
            started = self._traded[account_id]
            self._traded[account_id] = len(account.trades)
            news.trades += [self._trade(account_id, t) for t in account.trades[started:]]
        self.trades += news.trades
        return news

    def _look(self, account_id: int, order: Any, news: News) -> None:
        taken = Taken(
            account_id, order.order_id, order.client_order_id, self.symbols[order.symbol],
            order.is_buy, order.price, order.quantity, order.filled, order.is_open,
            datetime.fromtimestamp(order.time / 1000, UTC), order.made_by,
        )  # fmt: skip
        key = account_id, order.order_id
        before = self.orders.get(key)
        if taken != before:
            news.orders.append((before, taken))
            self.orders[key] = taken
        (self._open[account_id].add if order.is_open else self._open[account_id].discard)(
            order.order_id
        )

    def _trade(self, account_id: int, trade: Any) -> Traded:
        return Traded(
            account_id, self.symbols[trade.symbol], str(trade.trade_id), trade.client_order_id,
            trade.is_buyer, trade.price, trade.quantity, trade.commission, trade.commission_asset,
        )  # fmt: skip

    def balances(self, account_id: int) -> dict[str, Decimal]:
        found = self.accounts[account_id].balances
        return {asset: balance.total for asset, balance in found.items()}


Quotes = Callable[[str, float], list[Any]]
