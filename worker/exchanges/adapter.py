"""What must be known of an exchange before anybody's money is sent there: `Adapter`, mostly data.

No adapter, no live trading. How ids, deadlines and errors travel differs on every exchange and is
written down here once; `worker.venues.live_venue` is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.exchanges import LIVE_EXCHANGES
from core.market import FeeCurrency
from core.orders import Order

Client = Any
"""A ccxt.async_support exchange object with `number = str`. Nothing outside this folder touches one."""
Row = dict[str, Any]
"""An order, trade or balance in ccxt's unified form; its numbers are text."""

SPOT: Mapping[str, Any] = {
    "defaultType": "spot",
    "fetchMarkets": {"types": ["spot"]},
    "fetchCurrencies": False,
    "fetchMargins": False,
    "maxRetriesOnFailure": 0,
    # Offered by ccxt; taken, it costs each private stream 200 KB for messages of some hundred bytes.
    "ws": {"compress": 0},
    # ccxt keeps what its streams tell, and nobody here reads that.
    "ordersLimit": 50,
    "tradesLimit": 50,
}
"""What every client of ccxt is told here, whatever the exchange."""
HAS: Mapping[str, Any] = {"fetchCurrencies": False}
"""Abilities of ccxt that are not wanted on any exchange."""


def spot(**own: Any) -> Mapping[str, Any]:
    """`SPOT` and what else clients of this exchange are told."""
    return {**SPOT, **own}


class Fate(StrEnum):
    """What an answer to a create request proves."""

    ACCEPTED = "accepted"
    EXISTS = "exists"  # the id is taken: our own earlier request got through; look it up
    REFUSED = "refused"  # for good: this order can never be placed as it is
    NOT_PLACED = "not_placed"  # surely not placed, for now
    UNKNOWN = "unknown"  # may have been placed: everything that is not on a whitelist


class Trouble(StrEnum):
    """What an error says beyond the order, whatever request it answered."""

    NONE = "none"
    KEY = "key"  # the key is refused: revoked, expired, wrong address
    BAN = "ban"  # too many requests: every client behind this address stops until Retry-After
    CLOCK = "clock"  # our time is off: measure it again
    FILTER = "filter"  # a trading rule was broken: the rules may have changed, load them again
    MAINTENANCE = "maintenance"  # the exchange is closed or overloaded
    GONE = "gone"  # the symbol is not traded (any more)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code`: short, for rows, logs and words; class and code of the error, never its text.

    `word`: the same in the words that `core.story_orders.reason_words` explains, where it is one of them.
    """

    fate: Fate
    code: str
    trouble: Trouble = Trouble.NONE
    word: str | None = None

    @property
    def reason(self) -> str:
        """For `OrderUpdate.reason`."""
        return self.word or self.code


@dataclass(frozen=True, slots=True)
class Create:
    """One create request as ccxt takes it: amounts are plain decimal text."""

    symbol: str
    type: str
    side: str
    amount: str
    price: str | None
    params: Mapping[str, Any] = field(default_factory=dict)


BOUND = ("addresses that the exchange does not name",)
"""`Permissions.addresses` of a key that is bound where the exchange says no more than that."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a key may do. None: the exchange does not tell.

    `addresses`: the addresses that the key is bound to, () for none, `BOUND` when only that is told.
    `readable`: False when the exchange has no way to ask at all, so that the person must confirm.
    """

    can_trade: bool | None
    can_withdraw: bool | None
    can_transfer: bool | None
    addresses: tuple[str, ...] | None
    expires_at: datetime | None = None
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What a market allows beyond its steps and minima. None: not stated."""

    max_open_orders: int | None = None
    max_market_quantity: Decimal | None = None
    lowest_buy: Decimal | None = None  # multiplier of the last price, for example 0.2
    highest_sell: Decimal | None = None


async def fetch_balances(client: Client) -> Row:
    found: Row = await client.fetch_balance()
    return found


async def not_told(client: Client, symbol: str, number: str) -> Row | None:
    return None


def no_headers(created_at: datetime) -> Mapping[str, str]:
    return {}


def as_told(path: str, params: Mapping[str, Any], told: float) -> float:
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One exchange.

    request_window: how long after its signed time a request can still be accepted. good_for: how long after
    that our own requests are good for: they say so themselves where the exchange reads it, and are not sent
    later anywhere. index_lag: how long an accepted order may be missing from answers. remembers: for so long
    after an order was sent is it shown by `find` or `find_again` whatever became of it; what is not found
    later proves nothing. pins_time: create requests are signed with the order's `created_at` (else `create`
    carries a deadline). is_serial: one request at a time per key (a nonce).
    shares_budget: the request limit is per address, so one throttler serves all keys; else one per key.
    counts_over: over how many seconds the exchange counts requests. tells_used: the header of its answers
    that tells how much of the limit is used, and the limit. creates: how many orders a key may create in how
    many seconds.
    options, has: for ccxt's constructor and its table of abilities. hosts: those that are reached, for
    VENUE_ROUTES. fee_currency: what fees of buys are usually taken in. worth: coins without a market in which
    fees are taken, and the coin that one of them counts as.
    allowed_calls: the (api, method, path) that `sign` lets through for keyed clients, as ccxt's `sign`
    receives them, an api of several parts joined by "/" (the same path is spot under one api and futures
    under another); ask `allows`. Anything else raises before it is signed.

    create(order, symbol, market): the request; raises `NotSendable` when the order is not on the market's
    grid or has no collar (`outcome` knows it). find_open(client, symbol): everything that rests on that
    symbol, the whole account when symbol is None and `lists_all_open`. find(client, symbol, id,
    venue_order_id): the order in a source that also lists finished ones; None: answered, and not there.
    find_again: the same in a second source (history, trades). by_number(client, symbol, number): the order
    that they number so, whoever placed it; None: they do not tell. trades(client, symbol, venue_order_id,
    since): all trades of one order, every page; where it is None, all of the account since then.
    cancel: ask for it; returns as well when the exchange says that there is no such open order, which
    proves nothing: look it up. permissions: see `Permissions`.
    outcome(error): what an exception to a create request proves; of an answer `outcomes.accepted` says it.
    limits(market): from ccxt's market. balances(client): what `read_balances` reads. headers(created_at):
    for a create request, unsigned; they let it end sooner than `request_window`, nothing relies on them.
    cost(path, params, told): of the request limit, where ccxt's own table (`told`) is wrong.

    Every question raises ccxt's errors as they are, and `VenueUnavailable` when the answer proves nothing.
    """

    exchange: str
    request_window: timedelta
    index_lag: timedelta
    fee_currency: FeeCurrency
    allowed_calls: frozenset[tuple[str, str, str]]
    create: Callable[[Order, str, Row], Create]
    find_open: Callable[[Client, str | None], Awaitable[list[Row]]]
    find: Callable[[Client, str, str, str | None], Awaitable[Row | None]]
    find_again: Callable[[Client, str, str, datetime], Awaitable[Row | None]]
    trades: Callable[[Client, str, str | None, datetime], Awaitable[list[Row]]]
    cancel: Callable[[Client, str, str, str | None], Awaitable[None]]
    permissions: Callable[[Client], Awaitable[Permissions]]
    outcome: Callable[[BaseException], Outcome]
    limits: Callable[[Row], Limits]
    good_for: timedelta = timedelta(seconds=5)
    by_number: Callable[[Client, str, str], Awaitable[Row | None]] = not_told
    remembers: timedelta | None = None
    hosts: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=spot)
    has: Mapping[str, Any] = field(default_factory=lambda: HAS)
    pins_time: bool = True
    is_serial: bool = False
    shares_budget: bool = False
    lists_all_open: bool = True
    counts_over: float = 5.0
    tells_used: tuple[str, int] | None = None
    creates: tuple[int, float] = (100, 10.0)
    worth: Mapping[str, str] = field(default_factory=dict)
    balances: Callable[[Client], Awaitable[Row]] = fetch_balances
    headers: Callable[[datetime], Mapping[str, str]] = no_headers
    cost: Callable[[str, Mapping[str, Any], float], float] = as_told

    @property
    def name(self) -> str:
        return LIVE_EXCHANGES[self.exchange].name

    def allows(self, api: str | Sequence[str], method: str, path: str) -> bool:
        name = api if isinstance(api, str) else "/".join(api)
        return (name, method.upper(), path) in self.allowed_calls
