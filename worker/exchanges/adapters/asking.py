"""What all adapters share when they ask: an answer counts only when it has the shape of one.

A lost or cut answer, or the page of a proxy, passes through ccxt as an empty list, which would look as if
there were no orders. So the calls are ccxt's one per address, the shape is checked here, and only then
does ccxt read the rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from core.candles import EPOCH
from worker.errors import VenueUnavailable
from worker.exchanges.adapter import Client, Row

MILLISECOND = timedelta(milliseconds=1)
EARLIER = timedelta(minutes=1)
"""How much further back than asked is looked: clocks and indices are not exact."""
MOST_PAGES = 50


def ms(at: datetime) -> int:
    return (at - EPOCH) // MILLISECOND


def rows_at(answer: Any, *path: str) -> list[Row]:
    """The list of rows under `path`. Raises when there is none, which is not the same as an empty one."""
    rows = value_at(answer, *path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise VenueUnavailable("an answer that is no list of rows")
    return rows


def row_at(answer: Any, *path: str) -> Row:
    row = value_at(answer, *path)
    if not isinstance(row, dict) or not row:
        raise VenueUnavailable("an answer without what was asked")
    return row


def value_at(answer: Any, *path: str) -> Any:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def orders(client: Client, symbol: str | None, rows: Iterable[Row], filled: str) -> list[Row]:
    """`filled`: their field that tells how much of it is. Where it is missing nothing is known: ccxt takes
    an order that has ended for one that was filled whole."""
    market = None if symbol is None else client.market(symbol)
    return [_as_told(client.parse_order(row, market), row.get(filled)) for row in rows]


def _as_told(row: Row, filled: Any) -> Row:
    return row if filled not in (None, "") else {**row, "filled": None}


def trades(client: Client, symbol: str, rows: Iterable[Row]) -> list[Row]:
    market = client.market(symbol)
    return [client.parse_trade(row, market) for row in rows]


def of_order(name: str, venue_order_id: str | None) -> Row:
    """The parameter that asks for one order; none asks for all of the account."""
    return {} if venue_order_id is None else {name: venue_order_id}


def each_once(rows: Iterable[Row], *fields: str) -> list[Row]:
    """A trade that two ranges show is one. One between two orders of the same account is two, and has one
    number: `fields` are those of the trade and of the order."""
    return list({tuple(str(row.get(name)) for name in fields): row for row in rows}.values())


def ours(rows: Iterable[Row], client_order_id: str) -> Row | None:
    """The row with our id; gate puts `t-` before it."""
    for row in rows:
        if str(row.get("clientOrderId") or "").removeprefix("t-") == client_order_id:
            return row
    return None


def checked(row: Row, client_order_id: str, venue_order_id: str | None) -> Row:
    """`row`, after a look whether it answers the question. Raises when it is another order's.

    Where their id is known it decides: some rows of cancelled orders carry the id of the cancel.
    """
    if venue_order_id is not None and str(row.get("id")) == venue_order_id:
        return {**row, "clientOrderId": client_order_id}
    if ours([row], client_order_id) is None:
        raise VenueUnavailable("an answer for another order")
    return row


def numbered(rows: Iterable[Row], number: str) -> Row | None:
    """The row of the order that they number so, whoever placed it."""
    return next((row for row in rows if str(row.get("id")) == number), None)


def complete(rows: list[Row], page: int) -> list[Row]:
    """A full page may hide what was asked for: "not there" can't be read out of it."""
    if len(rows) >= page:
        raise VenueUnavailable("a full page, which proves nothing")
    return rows


async def ask_cancel(client: Client, symbol: str, params: Row, venue_order_id: str | None) -> None:
    """The answer proves nothing, and "no such order" least of all."""
    from ccxt.base.errors import OrderNotFound

    try:
        await client.cancel_order(venue_order_id, symbol, params)
    except OrderNotFound:
        return


def ranges(client: Client, since: datetime, longest: timedelta) -> list[tuple[int, int]]:
    """From a minute before `since` until now, cut where the exchange takes no longer range; in ms."""
    start, now = ms(since - EARLIER), int(client.milliseconds()) + 1
    step = longest // MILLISECOND
    found = []
    while start < now:
        found.append((start, min(start + step, now)))
        start += step
    return found


async def pages(
    ask: Callable[[Row], Awaitable[Any]],
    params: Row,
    page: int,
    rows_of: Callable[[Any], list[Row]],
    turn: Callable[[Row, Any, list[Row]], bool],
) -> list[Row]:
    """All rows of all pages. `turn(params, answer, rows)`: writes into `params` what asks for the page after
    this full one; False: there is nothing to go by, so the answer would prove nothing."""
    asked, found = dict(params), []
    for _ in range(MOST_PAGES):
        answer = await ask(asked)
        rows = rows_of(answer)
        found += rows
        if len(rows) < page:
            return found
        if not turn(asked, answer, rows):
            break
    raise VenueUnavailable("more pages than are read")
