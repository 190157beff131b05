"""Faults that happen at the exchange by themselves or by a person: bans, halts, filters, hands, keys.

Each function gets the exchange, the options and the account; False: there was nothing to do it to, so that
it stays armed. What lasts is undone by `heal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.exchange.accounts import VenueOrder
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.symbols import Symbol
from tests.exchange.wire import Refusal, Request

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

Options = dict[str, Any]


def _symbol(exchange: Exchange, how: Options, account: ExchangeAccount) -> Symbol:
    """The named one, else that of the account's newest order, else the first."""
    name = how.get("symbol")
    if name is None and account.orders:
        name = account.orders[-1].symbol
    return exchange.symbols[name.replace("/", "") if name else next(iter(exchange.symbols))]


def _resting(account: ExchangeAccount, how: Options) -> list[VenueOrder]:
    """Ours that rest: the side asked for, the newest first."""
    return [
        order
        for order in reversed(list(account.open.values()))
        if order.made_by == "api" and how.get("side") in (None, order.side)
    ]


def purge(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E10: orders vanish. how: asked (that of the request), resting, finished; archived=True: -2026."""
    named = request.client_order_id
    orders = account.of(named) if named else account.orders[-1:]
    if how.get("how", "asked") != "asked":
        wants_open = how["how"] == "resting"
        orders = [one for one in account.orders if one.is_open == wants_open][-1:]
    orders = [one for one in orders if not one.purged and one.made_by == "api"]
    for order in orders:
        account.purge(order, bool(how.get("archived")))
    return bool(orders)


def skew(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E13: the exchange's clock is off by `ms` (of ours, seen from there)."""
    exchange.clock_offset_ms = how.get("ms", 5_000)
    return True


def ban(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E14. how: 418 or 429, for `ms`."""
    if how.get("how") == "403":
        return False
    if how.get("how", "418") == "418":
        exchange.weights.ban(request.address, how.get("ms", 60_000))
    else:
        exchange.weights.limit_now(request.address, how.get("ms", 20_000))
    return True


def maintenance(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E15: 503 to everything for `ms`."""
    if how.get("how") == "-1008":
        return False
    exchange.maintenance_until = exchange.now() + how.get("ms", 60_000)
    return True


def halt(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E16. how: halted, delisted (orders are cancelled), empty (no bids)."""
    symbol = _symbol(exchange, how, account)
    match how.get("how", "halted"):
        case "empty":
            exchange.move(symbol.name, None, symbol.ask)
        case "delisted":
            delist(exchange, symbol)
        case _:
            symbol.status = "BREAK"
    return True


def delist(exchange: Exchange, symbol: Symbol) -> None:
    for account, order in list(exchange.matching.resting.get(symbol.name, {}).values()):
        exchange.matching.end(account, order, "EXPIRED")
    symbol.status, symbol.listed = "BREAK", False


def change_rules(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E17: `tick`, `lot`, `min_notional`, `max_orders` as given, else tick and lot ten times as coarse."""
    rules = _symbol(exchange, how, account).rules
    named = {name: how[name] for name in ("tick", "lot", "min_notional") if name in how}
    if not named and "max_orders" not in how:
        named = {"tick": rules.tick * 10, "lot": rules.lot * 10}
    for name, value in named.items():
        setattr(rules, name, Decimal(value))
    rules.min_price = max(rules.min_price, rules.tick)
    rules.min_quantity = max(rules.min_quantity, rules.lot)
    rules.max_orders = how.get("max_orders", rules.max_orders)
    return True


def gap(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E21, E22: the price jumps by `fraction`."""
    exchange.gap(_symbol(exchange, how, account).name, Decimal(how.get("fraction", "-0.3")))
    return True


def cancel_by_hand(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E25: the person cancels one of ours, or all of them (all=True)."""
    orders = _resting(account, how)
    for order in orders if how.get("all") else orders[:1]:
        account.cancel_by_hand(order)
    return bool(orders)


def take_coins(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E26: `fraction` of the base coins is sold (how=sell) or withdrawn, resting sells cancelled first."""
    symbol = _symbol(exchange, how, account)
    fraction = Decimal(how.get("fraction", 1))
    if how.get("how", "sell") == "sell":
        try:
            return account.sell_by_hand(symbol.name, fraction) is not None
        except Refusal:
            return False
    for order in list(account.open.values()):
        if order.symbol == symbol.name and not order.is_buy:
            account.cancel_by_hand(order)
    return account.withdraw(symbol.base, account.balance(symbol.base).free * fraction) > 0


def bring_coins(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E27: the person deposits (how=deposit) or buys `quantity` of the base coin."""
    symbol = _symbol(exchange, how, account)
    quantity = Decimal(how.get("quantity", symbol.rules.lot * 1000))
    if how.get("how", "deposit") == "deposit":
        account.deposit(symbol.base, quantity)
        return True
    return _by_hand(account, symbol, "BUY", quantity)


def foreign_bot(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E28: another program places a resting buy far below, and trades at market (trades=True)."""
    symbol = _symbol(exchange, how, account)
    price = symbol.last * Decimal("0.6")
    price -= price % symbol.rules.tick
    lots = symbol.rules.min_notional * 2 // (price * symbol.rules.lot) + 1
    try:
        account.rest_by_hand(symbol.name, "BUY", lots * symbol.rules.lot, price)
    except Refusal:
        return False
    return not how.get("trades") or _by_hand(account, symbol, "BUY", lots * symbol.rules.lot)


def _by_hand(account: ExchangeAccount, symbol: Symbol, side: str, quantity: Decimal) -> bool:
    try:
        account.trade_by_hand(symbol.name, side, quantity)
    except Refusal:
        return False
    return True


def spoil_key(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E31. how: revoked, expired, address (bound to another one)."""
    match how.get("how", "revoked"):
        case "revoked":
            account.revoke_key()
        case "expired":
            account.rights.expires_at = exchange.now()
        case _:
            account.rights.addresses = frozenset({"203.0.113.9"})
    return True


def change_rights(
    exchange: Exchange, how: Options, account: ExchangeAccount, request: Request
) -> bool:
    """E32. how: withdraw, transfer, address (bound to none any more)."""
    match how.get("how", "withdraw"):
        case "withdraw":
            account.rights.can_withdraw = True
        case "transfer":
            account.rights.can_transfer = True
        case _:
            account.rights.address_bound = False
    return True


def drain(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E33: the free quote coins are gone, but for `left`."""
    asset = how.get("asset") or _symbol(exchange, how, account).quote
    free = account.balance(asset).free - Decimal(how.get("left", 0))
    return free > 0 and account.withdraw(asset, free) > 0


def take_back(exchange: Exchange, how: Options, account: ExchangeAccount, request: Request) -> bool:
    """E36. how: trade (the newest of ours is undone), book (everything that rests is wiped)."""
    if how.get("how", "trade") == "book":
        orders = _resting(account, how)
        for order in orders:
            account.expire(order)
        return bool(orders)
    ours = [trade for trade in account.trades if account.by_id[trade.order_id].made_by == "api"]
    return bool(ours) and account.roll_back(ours[-1])


def heal(exchange: Exchange) -> None:
    """Undoes what lasts: skew, bans, maintenance, halts (not delistings), spoilt keys and rights."""
    exchange.clock_offset_ms = 0
    exchange.maintenance_until = 0
    exchange.weights.lift()
    for symbol in exchange.symbols.values():
        if symbol.listed:
            symbol.status = "TRADING"
        if symbol.bid is None or symbol.ask is None:
            exchange.move(symbol.name, symbol.last)
    for account in exchange.accounts.values():
        rights = account.rights
        rights.revoked = rights.can_withdraw = rights.can_transfer = False
        rights.address_bound, rights.addresses, rights.expires_at = True, None, None
