"""One exchange as all its users in this process share it: markets, connection, clock, budget, silence.

The master client has no key. Accounts' clients (`worker.exchanges.clients`) borrow everything of it, the
public prices ask through it, so there is one address, one budget and one answer to "may we ask now?".
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import aiohttp

from core.errors import InvalidInput
from core.market import Market
from worker.clock import monotonic, wall_clock
from worker.errors import NotSent, VenueError, VenueUnavailable
from worker.exchanges.adapter import Adapter, Client, Row
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.budget import Budget
from worker.exchanges.clients import master_of, retire
from worker.exchanges.exchange_clock import ExchangeClock
from worker.exchanges.key_line import KeyLine
from worker.prices.markets import parse_decimal, read_ccxt_market
from worker.prices.routing import RoutingSession

log = logging.getLogger(__name__)
T = TypeVar("T")
MARKETS_LAST = 4 * 3600.0
ASK_AGAIN = 60.0
LONG_ENOUGH = 60
LONGEST_WAIT = 3600
TEND_EACH = 1.0
SHORT_WINDOW = 5.0
"""Over how many seconds an exchange without an adapter is taken to count requests."""
TOO_MANY = (418, 429)
GONE = "gone"
"""Marks a market that was traded once and is not listed any more."""
# What ccxt raises while it reads an answer that is not what it expects.
GARBAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def open_session(tls: ssl.SSLContext) -> Any:
    """The connections of one exchange. A simulation puts its own session here."""
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15))


class Hub:
    """`adapter`: None where real orders are not possible; then prices are all there is.

    calm_until: monotonic; until then nothing at all is asked. tell_ban(seconds): somebody shall know that
    the exchange asked for so long a silence. on_markets: called after the markets were loaded again.
    """

    def __init__(
        self, exchange: str, routes: Mapping[str, str], adapter: Adapter | None = None
    ) -> None:
        # Imported here: ccxt takes a second and 100 MB, and a worker that simulates needs it not.
        import ccxt.async_support as ccxt

        if exchange not in ccxt.exchanges:
            raise InvalidInput("exchange", f"{exchange[:40]} is not known; choose one of the list.")
        self.exchange = exchange
        self.adapter = adapter
        # How requests are counted is known of more exchanges than orders are sent to.
        self._counting = ADAPTERS.get(exchange) if adapter is None else adapter
        self.errors = ccxt
        # Whatever asking may raise that is not ours. Texts hold signed addresses: they are never shown.
        self.faults: tuple[type[Exception], ...] = (
            ccxt.BaseError, aiohttp.ClientError, OSError, *GARBAGE,
        )  # fmt: skip
        self.kind: Any = getattr(ccxt, exchange)
        self._unit: float = self.kind().rateLimit / 1000
        self.any_fault: tuple[type[Exception], ...] = (VenueError, *self.faults)
        self.calm_until = 0.0
        self.tell_ban: Callable[[float], None] = lambda seconds: None
        self.on_markets: list[Callable[[], None]] = []
        self.budget = self.new_budget()
        # New connections of private streams are counted per address too: binance 300 in 5 minutes.
        self.connects = Budget(1.0, 300.0, self.gate)
        self.tls = ssl.create_default_context()
        self.clock = ExchangeClock(exchange)
        self.session: RoutingSession | None = None
        self._routes = dict(routes)
        self._master: Client = None
        self._template: Client = None
        self._clients: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lines: dict[str, KeyLine] = {}
        self._loading = asyncio.Lock()
        self._load_again_at = 0.0
        self._loaded_at = 0.0

    # --- being ready

    @property
    def master(self) -> Client:
        assert self._master is not None, "await ready() first"
        return self._master

    async def loaded(self) -> Client:
        """The master with its markets: enough for prices."""
        async with self._loading:
            if self._master is None:
                await self._load()
        return self._master

    async def ready(self) -> Client:
        """The same and, where orders are sent, the exchange's time."""
        master = await self.loaded()
        async with self._loading:
            if self.adapter is not None and not self.clock.is_known():
                await self._measure()
        return master

    async def keep(self) -> None:
        """For ever: what is old is loaded and measured again."""
        while True:
            try:
                await self.tend()
            except (InvalidInput, VenueUnavailable) as error:
                log.warning("%s", error)
            await asyncio.sleep(TEND_EACH)

    async def tend(self) -> None:
        """What is due now. Old markets are better than none: exits need prices."""
        now = monotonic()
        if self._master is None or now < self.calm_until:
            return
        async with self._loading:
            if now >= self._load_again_at:
                self._load_again_at = now + ASK_AGAIN
                await self._load()
            if self.adapter is not None and self.clock.is_due():
                await self._measure()

    def reload_soon(self) -> None:
        """A rule was broken or a symbol is gone: the markets may have changed."""
        self._load_again_at = min(self._load_again_at, self._loaded_at + ASK_AGAIN)

    async def close(self) -> None:
        for client in [*self._clients, self._master]:
            if client is not None:
                retire(client)
        if self.session is not None:
            await self.session.close()

    async def _load(self) -> None:
        """A new master with all markets; one that got none is as good as no answer."""
        if self.session is None:
            self.session = RoutingSession(open_session(self.tls), self._routes, self.gate)
        client = master_of(self, self.kind)
        try:
            await self.ask(client.load_markets())
            if not client.markets:
                raise VenueUnavailable(f"{self.exchange}: no markets")
        except BaseException:
            retire(client)
            raise
        old, self._master = self._master, client
        if old is not None:
            _keep_known(client, old)
        self._loaded_at = monotonic()
        self._load_again_at = self._loaded_at + MARKETS_LAST
        for borrower in self._clients:
            borrower.set_markets_from_exchange(client)
        if old is not None:
            retire(old)
            for told in self.on_markets:
                told()

    # --- time

    def now(self) -> datetime:
        """The exchange's time; this host's own where nothing is signed."""
        return wall_clock() if self.adapter is None else self.clock.now()

    def clock_problem(self) -> str | None:
        """Why this host's clock keeps new buys back; None: all is well."""
        return None if self.adapter is None else self.clock.problem()

    async def _measure(self) -> None:
        self.clock.tried()
        await self.clock.measure(lambda: self.ask(self._master.fetch_time()))

    # --- markets

    def row(self, symbol: str) -> Row:
        """ccxt's description of a spot symbol that is traded now. Raises `InvalidInput` in words."""
        found: Row | None = self.master.markets.get(symbol)
        if found is None or not found.get("spot") or GONE in found:
            raise InvalidInput("symbol", f"{symbol} is not traded on {self.exchange} spot.")
        if found.get("active") is False:
            self.reload_soon()  # somebody wants it: its halt is over when the exchange says so
            raise InvalidInput("symbol", f"{symbol} is halted on {self.exchange} now.")
        return found

    def market(self, symbol: str) -> Market:
        row = self.row(symbol)
        market = read_ccxt_market(row, self.master.precisionMode)
        if self.adapter is None:
            return market
        limits = self.adapter.limits(row)
        return replace(
            market,
            fee_currency=self.adapter.fee_currency,
            max_open_orders=limits.max_open_orders,
            max_market_quantity=limits.max_market_quantity or market.max_market_quantity,
        )

    def lists(self, symbol: str) -> bool:
        """Whether the exchange knows the symbol at all, halted or not."""
        row = self.markets_by_symbol().get(symbol)
        return row is not None and GONE not in row

    def knows(self, symbol: str) -> bool:
        """Whether orders on the symbol can be asked about."""
        return symbol in self.markets_by_symbol()

    def markets_by_symbol(self) -> Mapping[str, Row]:
        """All that ccxt knows of, spot or not; empty before they are loaded."""
        return {} if self._master is None else self._master.markets

    def markets(self) -> Sequence[Market]:
        found = []
        for symbol, row in self.master.markets.items():
            if row.get("spot") and row.get("active") is not False:
                try:
                    found.append(self.market(symbol))
                except InvalidInput:
                    continue  # a market whose steps are not stated cannot be offered
        return found

    # --- clients

    def account_kind(self) -> Any:
        """The class of the accounts' clients: the one with private streams where ccxt has it."""
        import ccxt.pro

        return getattr(ccxt.pro, self.exchange, self.kind)

    def template(self, client: Client) -> Client:
        """The client whose tables all others share: the first."""
        if self._template is None:
            self._template = client
        return self._template

    def adopt(self, client: Client) -> None:
        self._clients.add(client)

    def line_of(self, adapter: Adapter, fingerprint: str) -> KeyLine:
        """Of a key: the same for each client that holds it, for as long as this process lives."""
        found = self._lines.get(fingerprint)
        if found is None:
            budget = self.budget if adapter.shares_budget else self.new_budget()
            found = KeyLine(budget, asyncio.Lock() if adapter.is_serial else None)
            self._lines[fingerprint] = found
        return found

    def new_budget(self) -> Budget:
        counting = self._counting
        window = SHORT_WINDOW if counting is None else counting.counts_over
        return Budget(self._unit, window, self.gate)

    # --- asking

    def gate(self) -> None:
        """Raises `NotSent` while the exchange wants silence: asking then makes it longer."""
        if monotonic() < self.calm_until:
            raise NotSent("ban", f"{self.exchange}: it asked us to wait")

    def calm(self, seconds: float) -> None:
        """The exchange wants silence: nobody behind this address asks anything for so long."""
        if self.be_calm(seconds):
            log.warning("%s wants silence for %.0f s", self.exchange, seconds)
            self.tell_ban(seconds)

    def be_calm(self, seconds: float) -> bool:
        """Somebody else was told. True: that is longer than was known."""
        until = monotonic() + seconds
        longer = until > self.calm_until
        self.calm_until = max(until, self.calm_until)
        return longer

    def answered(self, code: int, headers: Mapping[str, str], *, has_key: bool = False) -> None:
        """Every answer passes here before it is read: how much is used, and whether to be silent. Where each
        key has a limit of its own, one that is over it silences itself only (`Asker.note`)."""
        said = {str(name).lower(): value for name, value in headers.items()}
        is_alone = has_key and self.adapter is not None and not self.adapter.shares_budget
        if code in TOO_MANY and not is_alone:
            self.calm(_seconds(said.get("retry-after")))
        if self._counting is None or self._counting.tells_used is None:
            return
        name, limit = self._counting.tells_used
        used, window = parse_decimal(said.get(name)), self._counting.counts_over
        if used is not None:
            self.budget.used(int(used) * 100 / limit, window - self.now().timestamp() % window)

    async def ask(self, call: Coroutine[Any, Any, T]) -> T:
        """The answer, or `VenueUnavailable` with class and exchange: texts of ccxt hold whole addresses."""
        ccxt = self.errors
        try:
            return await call
        except VenueUnavailable:
            raise
        except ccxt.BadSymbol:
            raise InvalidInput("symbol", f"is not traded on {self.exchange}.") from None
        except (ccxt.DDoSProtection, ccxt.RateLimitExceeded) as error:
            if monotonic() >= self.calm_until:
                self.calm(LONG_ENOUGH)
            raise VenueUnavailable(f"{self.exchange}: {type(error).__name__}") from None
        except self.faults as error:
            raise VenueUnavailable(f"{self.exchange}: {type(error).__name__}") from None


def _keep_known(new: Client, old: Client) -> None:
    """Orders may still be asked for on a symbol that is not listed any more."""
    for symbol, row in old.markets.items():
        if symbol not in new.markets:
            kept = {**row, "active": False, GONE: True}
            new.markets[symbol] = kept
            new.markets_by_id.setdefault(row["id"], [kept])


def _seconds(said: str | None) -> int:
    """What the exchange said, else a minute."""
    seconds = parse_decimal(said)
    return LONG_ENOUGH if seconds is None else min(max(int(seconds), 1), LONGEST_WAIT)
