"""Kraken spot. Its clock is a nonce, so a request ends at the deadline that it carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.market import FeeCurrency
from core.orders import Order
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import Adapter, Client, Limits, Permissions, Row
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.prices.markets import parse_decimal

WINDOW = timedelta(seconds=5)
SHORTEST = timedelta(seconds=2)
"""A deadline that is nearer is refused ("add order": from 2 to 60 seconds)."""
PAGE = 50
TRADES_AT_ONCE = 20
FEE_IN_QUOTE = "fciq"
MOST_OPEN_ORDERS = 60  # of the lowest tier, per market
WITHDRAWS = frozenset({"withdraw-funds", "withdraw"})
MOVES = frozenset({"wallet-transfer", "transfer-funds", "account-transfer"})
TRADES = frozenset({"modify-trades", "trade"})


def _read(body: dict[str, Any]) -> Iterator[o.Said]:
    """`EOrder:Insufficient funds`; what follows a second colon is the message."""
    errors = body.get("error")
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, str) and error:
            yield o.said(":".join(error.split(":")[:2]), error)


ARGUMENTS = "EGeneral:Invalid arguments"
# From the page "spot error messages" of their documents, and ccxt's table. "Deadline elapsed" is not proof:
# it is said of the request, whose order may have been taken before.
ERRORS = o.ErrorTable(
    exchange="kraken",
    read=_read,
    codes={
        ARGUMENTS: (
            o.with_text(o.UNKNOWN, "cl_ord_id"),
            o.with_text(o.TOO_LATE, "deadline"),
            o.with_text(o.FILTER, "volume"),
            o.with_text(o.FILTER, "price"),
            o.REFUSED,
        ),
        **o.rules(o.FUNDS, "EOrder:Insufficient funds"),
        **o.rules(o.FILTER, "EOrder:Order minimum not met", "EOrder:Cost minimum not met"),
        **o.rules(o.FILTER, "EOrder:Invalid price", "EOrder:Tick size check failed"),
        **o.rules(o.GONE, "EQuery:Unknown asset pair", "EQuery:Invalid asset pair"),
        **o.rules(o.LATER, "EOrder:Orders limit exceeded", "EOrder:Positions limit exceeded"),
        **o.rules(o.LATER, "EAPI:Invalid nonce"),
        **o.rules(o.UNKNOWN, "EService:Deadline elapsed"),
        **o.rules(o.REFUSED, "EOrder:Trading agreement required", "EAccount:Invalid permissions"),
        **o.rules(o.REFUSED, "EBM:limit exceeded"),
        **o.rules(o.KEY, "EAPI:Invalid key", "EAPI:Invalid signature"),
        **o.rules(o.KEY, "EGeneral:Permission denied", "ETrade:User Locked"),
        **o.rules(
            o.MAINTENANCE,
            "EService:Market in cancel_only mode",
            "EService:Market in post_only mode",
            "EService:Market in limit_only mode",
        ),
        **o.rules(o.BUSY, "EService:Unavailable", "EService:Busy"),
        **o.rules(o.BAN, "EAPI:Rate limit exceeded", "EOrder:Rate limit exceeded"),
        **o.rules(o.BAN, "EGeneral:Temporary lockout", "EGeneral:Too many requests"),
        **o.rules(o.BAN, "EAuth:Rate limit exceeded", "EAuth:Too many requests"),
        **o.rules(o.BAN, "EOrder:Domain rate limit exceeded"),
        **o.rules(o.KEY, "EAuth:Account temporary disabled", "EAuth:Account unconfirmed"),
    },
)


def deadline(order: Order) -> Mapping[str, Any]:
    """The matching engine refuses the order after this: RFC 3339 with milliseconds."""
    at = (order.created_at + WINDOW).astimezone(UTC)
    return {"deadline": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


# The fee in quote, always: their list of trades states it in quote whatever it was taken in.
STYLE = CreateStyle(params={"oflags": FEE_IN_QUOTE}, more=deadline, market_buy={})


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    rows = await _list(client, "OpenOrders", {})
    return rows if symbol is None else [row for row in rows if row.get("symbol") == symbol]


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    """Their look-up of one order does not know our id; both lists do."""
    for name in ("OpenOrders", "ClosedOrders"):
        rows = await _list(client, name, {"cl_ord_id": id})
        if rows:
            return asking.checked(rows[0], id, venue_order_id)
    return None


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    found = asking.ours(await _list(client, "OpenOrders", {}), id)
    since = asking.ms(created_at - asking.EARLIER) // 1000
    for page in range(asking.MOST_PAGES):
        if found is not None:
            return found
        rows = await _list(client, "ClosedOrders", {"start": since, "ofs": page * PAGE})
        found = asking.ours(rows, id)
        if found is None and len(rows) < PAGE:
            return None
    raise VenueUnavailable("more pages than are read")


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    answer = await client.privatePostQueryOrders({"txid": number})
    return asking.numbered(_orders(client, asking.value_at(answer, "result")), number)


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    """The order names its trades; they are asked for by name, so that no page can hide one."""
    if venue_order_id is None:
        return await _own_trades(client, symbol, since)
    answer = await client.privatePostQueryOrders({"txid": venue_order_id, "trades": "true"})
    order = asking.row_at(answer, "result", venue_order_id)
    names = order.get("trades") or []
    found: list[Row] = []
    for first in range(0, len(names), TRADES_AT_ONCE):
        some = names[first : first + TRADES_AT_ONCE]
        answer = await client.privatePostQueryTrades({"txid": ",".join(some)})
        table = asking.row_at(answer, "result")
        found += [{**asking.row_at(table, name), "id": name} for name in some if name in table]
    return asking.trades(client, symbol, found)


async def _own_trades(client: Client, symbol: str, since: datetime) -> list[Row]:
    """Of all symbols: their list knows no other way."""
    asked: Row = {"start": asking.ms(since - asking.EARLIER) // 1000, "trades": "false"}
    found: dict[str, Row] = {}
    for page in range(asking.MOST_PAGES):
        answer = await client.privatePostTradesHistory({**asked, "ofs": page * PAGE})
        table = asking.value_at(answer, "result", "trades")
        if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
            raise VenueUnavailable("an answer that is no table of trades")
        found.update((name, {**row, "id": name}) for name, row in table.items())
        if len(table) < PAGE:
            rows = [client.parse_trade(row) for row in found.values()]
            return [row for row in rows if row.get("symbol") == symbol]
    raise VenueUnavailable("more pages than are read")


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    await asking.ask_cancel(client, symbol, {"clientOrderId": id}, venue_order_id)


async def permissions(client: Client) -> Permissions:
    answer = asking.row_at(await client.privatePostGetApiKeyInfo(), "result")
    rights = answer.get("permissions")
    if not isinstance(rights, list):
        raise VenueUnavailable("an answer without permissions")
    ips = answer.get("ipAllowlist")
    until = parse_decimal(answer.get("validUntil"))
    return Permissions(
        can_trade=bool(TRADES & set(rights)),
        can_withdraw=bool(WITHDRAWS & set(rights)),
        can_transfer=bool(MOVES & set(rights)),
        addresses=tuple(str(ip) for ip in ips) if isinstance(ips, list) else None,
        expires_at=datetime.fromtimestamp(int(until), UTC) if until else None,
    )


async def balances(client: Client) -> Row:
    found: Row = await client.fetch_balance()
    asking.row_at(found.get("info"), "result")
    return found


def limits(market: Row) -> Limits:
    return Limits(max_open_orders=MOST_OPEN_ORDERS)


async def _list(client: Client, name: str, params: Row) -> list[Row]:
    """The orders of one of their two lists, which are tables by their order id."""
    ask, under = {
        "OpenOrders": (client.privatePostOpenOrders, "open"),
        "ClosedOrders": (client.privatePostClosedOrders, "closed"),
    }[name]
    return _orders(client, asking.value_at(await ask(params), "result", under))


def _orders(client: Client, table: Any) -> list[Row]:
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise VenueUnavailable("an answer that is no table of orders")
    found = asking.orders(
        client, None, [{**row, "id": id} for id, row in table.items()], "vol_exec"
    )
    for row in found:
        why = str(row["info"].get("reason") or "").lower()
        if row["status"] == "canceled" and why and "user" not in why:
            row["status"] = "expired"  # by the exchange: the rest of an immediate-or-cancel order
    return found


KRAKEN = Adapter(
    exchange="kraken",
    request_window=WINDOW,
    good_for=WINDOW - SHORTEST,
    index_lag=timedelta(seconds=25),
    counts_over=45.0,  # a counter of 15 that sinks by one in 3 s, of the lowest tier
    pins_time=False,
    is_serial=True,
    hosts=("api.kraken.com", "ws.kraken.com", "ws-auth.kraken.com"),
    fee_currency=FeeCurrency.QUOTE,
    allowed_calls=frozenset(
        {
            ("public", "GET", "Time"),
            ("public", "GET", "AssetPairs"),
            ("private", "POST", "AddOrder"),
            ("private", "POST", "CancelOrder"),
            ("private", "POST", "OpenOrders"),
            ("private", "POST", "ClosedOrders"),
            ("private", "POST", "QueryOrders"),
            ("private", "POST", "QueryTrades"),
            ("private", "POST", "TradesHistory"),
            ("private", "POST", "BalanceEx"),
            ("private", "POST", "GetApiKeyInfo"),
        }
    ),
    create=STYLE.create,
    find_open=find_open,
    find=find,
    find_again=find_again,
    by_number=by_number,
    trades=trades,
    cancel=cancel,
    permissions=permissions,
    outcome=ERRORS.outcome,
    limits=limits,
    balances=balances,
)
