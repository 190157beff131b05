"""Two books: the venue's ledger against our rows, order by order, trade by trade, coin by coin."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

from core.market import Side
from core.money import ZERO
from core.orders import GONE, LIVE, OrderStatus
from db.ledger import LedgerStatus
from db.verify.books import Books, Row
from db.verify.broken import Broken
from db.verify.orders import NEVER_THERE

SAME_IN_ORDERS = ("symbol", "side", "kind", "price", "quantity")
SAME_IN_TRADES = (
    "client_order_id", "side", "price", "quantity", "fee", "fee_asset", "fee_value", "at",
)  # fmt: skip


def check_ledger(books: Books) -> Iterator[Broken]:
    """Nothing when the account has no ledger of ours (a real exchange)."""
    if books.start is None and not books.ledger_orders:
        return
    yield from _orders_have_rows(books)
    yield from _rows_have_orders(books)
    yield from _trades(books)
    yield from _ledger_itself(books)
    if books.start is not None:
        yield from _balances(books, books.start)


def _orders_have_rows(books: Books) -> Iterator[Broken]:
    """V2: what is there with our prefix was written here before it was sent. V1 on the venue's side."""
    open_slots: Counter[tuple[object, ...]] = Counter()
    for name, there in books.ledger_orders.items():
        row = books.orders.get(name)
        if row is None:
            if name.startswith(books.prefix):
                yield _broken(
                    books, "rows before orders", name, "The venue has it, we have no row."
                )
            continue
        for column in SAME_IN_ORDERS:
            if row[column] != there[column]:
                sentence = f"{column} is {row[column]} here and {there[column]} at the venue."
                yield _broken(books, "orders are equal", name, sentence)
        if there["status"] == LedgerStatus.OPEN:
            open_slots[row["strategy_id"], row["cycle_number"], row["role"], row["level"]] += 1
    for slot, count in open_slots.items():
        if count > 1:
            sentence = f"{count} orders of it are open at the venue."
            yield _broken(books, "one open order per slot", str(slot), sentence)


def _rows_have_orders(books: Books) -> Iterator[Broken]:
    for name, row in books.orders.items():
        there = books.ledger_orders.get(name)
        status = OrderStatus(row["status"])
        if there is None:
            # Of one that ended on its person's word nobody knows whether it was ever taken.
            is_sure = row["reason"] != GONE
            unsure = (OrderStatus.SENDING, OrderStatus.QUARANTINED)
            if status not in (*NEVER_THERE, *unsure) and (is_sure or row["reported_filled"]):
                sentence = f"It counts as {status}, the venue does not have it."
                yield _broken(books, "orders are there", name, sentence)
        elif status in NEVER_THERE:
            sentence = f"It counts as {status}, the venue has it."
            yield _broken(books, "orders are there", name, sentence)
        elif status not in LIVE and there["status"] == LedgerStatus.OPEN:
            sentence = f"It counts as {status}, at the venue it is open."
            yield _broken(books, "final orders", name, sentence)
        elif status not in LIVE and row["reported_filled"] != there["filled"]:
            sentence = f"Filled {row['reported_filled']} here and {there['filled']} at the venue."
            yield _broken(books, "fills are equal", name, sentence)


def _trades(books: Books) -> Iterator[Broken]:
    """V4: no fill without its trade, and no trade of a final order without its fill."""
    trades = {(trade["symbol"], trade["trade_id"]): trade for trade in books.ledger_trades}
    known = set()
    for fill in books.fills:
        place = (fill["symbol"], fill["trade_id"])
        known.add(place)
        trade = trades.get(place)
        if trade is None:
            yield _broken(books, "fills are equal", place[1], "The venue has no such trade.")
            continue
        for column in SAME_IN_TRADES:
            if fill[column] != trade[column]:
                sentence = f"{column} is {fill[column]} here and {trade[column]} at the venue."
                yield _broken(books, "fills are equal", place[1], sentence)
    for place, trade in trades.items():
        order = books.orders.get(trade["client_order_id"])
        if place not in known and order is not None and order["status"] not in LIVE:
            sentence = f"We lack it, and its order {trade['client_order_id']} is final."
            yield _broken(books, "fills are equal", place[1], sentence)


def _ledger_itself(books: Books) -> Iterator[Broken]:
    """The venue's own sums."""
    filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for trade in books.ledger_trades:
        filled[trade["client_order_id"]] += trade["quantity"]
    for name, there in books.ledger_orders.items():
        if there["filled"] != filled[name]:
            sentence = f"The venue says {there['filled']} filled, its trades are {filled[name]}."
            yield _broken(books, "ledger sums", name, sentence)
    numbers = [trade["seq"] for trade in books.ledger_trades]
    if numbers != list(range(1, len(numbers) + 1)):
        yield _broken(books, "ledger sums", "trades", "A number of a trade is missing or doubled.")


def _balances(books: Books, start: dict[str, Decimal]) -> Iterator[Broken]:
    """V19: per coin, what is there is what was there and what the trades brought and took, exactly."""
    expected: dict[str, Decimal] = defaultdict(lambda: ZERO, start)
    for trade in books.ledger_trades:
        base, _, quote = trade["symbol"].partition("/")
        sign = 1 if trade["side"] == Side.BUY else -1
        expected[base] += sign * trade["quantity"]
        expected[quote] -= sign * trade["price"] * trade["quantity"]
        expected[trade["fee_asset"]] -= trade["fee"]
    bound: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for there in books.ledger_orders.values():
        if there["status"] == LedgerStatus.OPEN:
            bound[_bound_coin(there)] += there["locked"]
    for balance in books.ledger_balances:
        coin = balance["asset"]
        held = balance["free"] + balance["used"]
        if held != expected.pop(coin, ZERO):
            yield _broken(
                books, "conservation", coin, f"The venue holds {held}, which does not add up."
            )
        if balance["used"] != bound[coin] or balance["free"] < 0:
            sentence = f"{balance['used']} are bound, the open orders bind {bound[coin]}."
            yield _broken(books, "conservation", coin, sentence)
    for coin, amount in expected.items():
        if amount != 0:
            yield _broken(books, "conservation", coin, f"The venue lacks {amount}.")


def _bound_coin(order: Row) -> str:
    base, _, quote = str(order["symbol"]).partition("/")
    return quote if order["side"] == Side.BUY else base


def _broken(books: Books, check: str, what: str, sentence: str) -> Broken:
    order = books.orders.get(what)
    strategy_id = None if order is None else order["strategy_id"]
    return Broken(check, books.account_id, what, sentence, strategy_id)
