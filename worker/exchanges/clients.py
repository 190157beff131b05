"""ccxt's clients as this project uses them: what can be shared is shared, and each is under guard.

A thousand naive clients hold a thousand copies of the markets, a thousand TLS contexts and ask as if each
had the exchange for itself. Here an account's client is its key and little else.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from core.candles import EPOCH
from worker.errors import NotSent
from worker.exchanges.adapter import HAS, SPOT, Adapter, Client
from worker.exchanges.allow_list import Allows, Api, check_call
from worker.exchanges.key_line import KeyLine, is_paid, paid
from worker.exchanges.requests import current

if TYPE_CHECKING:
    from worker.exchanges.hub import Hub
    from worker.keys.opening import ExchangeKey

STATIC = (
    "api", "exceptions", "has", "features", "fees", "timeframes", "httpExceptions",
    "commonCurrencies", "ecdsaCurves", "ecdsaPrehashedAlgorithms", "urls", "limits",
)  # fmt: skip
"""Tables of ccxt that no client changes: one copy for all."""
TIMEOUT_MS = 10_000
KEEP_ALIVE_MS = 20_000
MICROSECOND = timedelta(microseconds=1)
# ccxt logs signed addresses at DEBUG: nobody shall hear them.
SILENT = logging.getLogger("worker.exchanges.ccxt")
SILENT.setLevel(logging.CRITICAL + 1)
SILENT.propagate = False


class Guarded:
    """Mixed in before a class of ccxt. `allows`, `line`: None for a client without a key."""

    hub: Hub
    allows: Allows | None = None
    line: KeyLine | None = None
    logger = SILENT

    # --- the exchange's time, or the time an order was written with

    def microseconds(self) -> int:
        request, hub = current(), self.__dict__.get("hub")
        if request is not None and request.pinned is not None:
            return _micros(request.pinned)
        return 0 if hub is None else _micros(hub.now())

    def milliseconds(self) -> int:
        return self.microseconds() // 1_000

    def seconds(self) -> int:
        return self.microseconds() // 1_000_000

    def nonce(self) -> Any:
        """Where each must be larger than the last it is, whatever the clock does."""
        found = super().nonce()  # type: ignore[misc]
        return found if self.line is None else self.line.next_nonce(found)

    # --- before and after each request

    def calculate_rate_limiter_cost(
        self, api: Api, method: str, path: str, params: Any, config: Any = None
    ) -> float:
        found: float = super().calculate_rate_limiter_cost(  # type: ignore[misc]
            api, method, path, params, {} if config is None else config
        )
        hub = self.__dict__.get("hub")
        return (
            found if hub is None or hub.adapter is None else hub.adapter.cost(path, params, found)
        )

    async def fetch2(
        self,
        path: str,
        api: Api = "public",
        method: str = "GET",
        params: Any = None,
        config: Any = None,
    ) -> Any:
        """Where requests are numbered the next is signed when the one before it has been answered."""
        params, config = {} if params is None else params, {} if config is None else config
        asked = (path, api, method, params, config)
        turn = None if self.line is None else self.line.turn
        if turn is None:
            return await super().fetch2(*asked)  # type: ignore[misc]
        await self.throttle(self.calculate_rate_limiter_cost(api, method, path, params, config))
        async with turn:
            with paid():
                return await super().fetch2(*asked)  # type: ignore[misc]

    async def throttle(self, cost: Any = None) -> None:
        """A create that is too late when its turn comes is not waited for: its account waits with it."""
        if is_paid():
            return
        request = current()
        if request is None or request.not_after is None:
            await super().throttle(cost)  # type: ignore[misc]
            return
        left = (request.not_after - self.hub.now()).total_seconds()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                await super().throttle(cost)  # type: ignore[misc]
        except TimeoutError:
            raise NotSent("too_late", "it is too late for it") from None

    def sign(
        self, path: str, api: Api = "public", method: str = "GET", *rest: Any, **more: Any
    ) -> Any:
        if self.allows is not None:
            check_call(self.allows, api, method, path)
        request = current()
        if request is not None:
            if request.not_after is not None and self.hub.now() > request.not_after:
                raise NotSent("too_late", f"{method} {path}: it is too late for it")
            request.sign()
        signed = super().sign(path, api, method, *rest, **more)  # type: ignore[misc]
        if request is not None and request.pinned is not None and self.hub.adapter is not None:
            signed["headers"] = {**signed["headers"], **self.hub.adapter.headers(request.pinned)}
        return signed

    def on_rest_response(
        self, code: int, reason: str, url: str, method: str, headers: Any, *rest: Any
    ) -> Any:
        self.hub.answered(int(code), headers, has_key=self.allows is not None)
        return rest[0]

    # --- a key is never shown or copied

    def __repr__(self) -> str:
        return f"<client of {self.id}>"  # type: ignore[attr-defined]

    __str__ = __repr__

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a client holds somebody's key: it is not copied or written anywhere")


@functools.cache
def guarded(kind: type) -> type:
    """That class of ccxt under guard."""
    return type(f"Guarded{kind.__name__}", (Guarded, kind), {})


def master_of(hub: Hub, kind: type) -> Client:
    """A client without a key: it loads the markets for everybody and asks for prices."""
    adapter = hub.adapter
    client = _made(hub, kind, {}, SPOT if adapter is None else adapter.options)
    client.has.update(HAS if adapter is None else adapter.has)
    client.throttler = hub.budget
    return client


def client_for(hub: Hub, adapter: Adapter, key: ExchangeKey) -> Client:
    """The client of one account: the hub's markets, session and TLS context, its own key. It is told of
    new markets until `retire`. The hub must be ready."""
    secrets = {"apiKey": key.api_key, "secret": key.secret}
    if key.password:
        secrets["password"] = key.password
    client = _made(hub, hub.account_kind(), secrets, adapter.options)
    template = hub.template(client)
    if template is client:
        client.has.update(adapter.has)
    for name in STATIC:
        setattr(client, name, getattr(template, name))
    client.set_markets_from_exchange(hub.master)
    client.allows, client.line = adapter.allows, hub.line_of(adapter, key.fingerprint)
    client.throttler = client.line.budget
    hub.adopt(client)
    return client


def retire(client: Client) -> None:
    """The session is the hub's and stays open; ccxt complains about clients that still have one."""
    client.session = None
    client.apiKey = client.secret = client.password = ""


def _made(hub: Hub, kind: type, secrets: dict[str, str], options: Mapping[str, Any]) -> Client:
    make: Callable[..., Any] = guarded(kind)
    client = make(
        {
            "number": str,
            "enableRateLimit": True,
            "timeout": TIMEOUT_MS,
            "session": hub.session,
            "ssl_context": hub.tls,
            "enableLastHttpResponse": False,
            "enableLastJsonResponse": False,
            "streaming": {"keepAlive": KEEP_ALIVE_MS},
            "options": dict(options),
            **secrets,
        }
    )
    client.hub = hub
    return client


def _micros(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND
