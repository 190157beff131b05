"""The request budget of an address: used weight by minute, 429, then 418, and who ignored them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.exchange.wire import Refusal, Request

MINUTE_MS = 60_000
PATIENCE = 5
"""So many requests after a 429 are forgiven before the address is banned."""

WEIGHTS: dict[tuple[str, str], tuple[int, int]] = {
    # (method, path): weight with a symbol, weight without one
    ("GET", "/api/v3/ping"): (1, 1),
    ("GET", "/api/v3/time"): (1, 1),
    ("GET", "/api/v3/exchangeInfo"): (20, 20),
    ("GET", "/api/v3/ticker/bookTicker"): (2, 4),
    ("GET", "/api/v3/ticker/price"): (2, 4),
    ("GET", "/api/v3/ticker/24hr"): (2, 80),
    ("GET", "/api/v3/klines"): (2, 2),
    ("GET", "/api/v3/depth"): (5, 5),
    ("GET", "/api/v3/trades"): (25, 25),
    ("POST", "/api/v3/order"): (1, 1),
    ("DELETE", "/api/v3/order"): (1, 1),
    ("GET", "/api/v3/order"): (4, 4),
    ("GET", "/api/v3/openOrders"): (6, 80),
    ("DELETE", "/api/v3/openOrders"): (1, 1),
    ("GET", "/api/v3/allOrders"): (20, 20),
    ("GET", "/api/v3/myTrades"): (20, 20),
    ("GET", "/api/v3/account"): (20, 20),
    ("GET", "/api/v3/rateLimit/order"): (40, 40),
}


def weight_of(request: Request) -> int:
    if request.path == "/api/v3/myTrades" and "orderId" in request.params:
        return 5
    with_symbol, without = WEIGHTS.get((request.method, request.path), (1, 1))
    return with_symbol if "symbol" in request.params else without


@dataclass(slots=True)
class Window:
    requests: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Ignored:
    """A request that came while its address was limited or banned. `since_told`: ms after that was said."""

    at: int
    address: str
    path: str
    status: int
    since_told: int


class Weights:
    """By address and minute. /sapi counts apart, as it does there."""

    def __init__(self, clock: Callable[[], int], limit: int = 6000) -> None:
        self.clock = clock
        self.limit = limit
        self.windows: dict[tuple[str, int], Window] = {}
        self.sapi_windows: dict[tuple[str, int], Window] = {}
        self.ignored: list[Ignored] = []
        self.bans: dict[str, int] = {}
        self._limited: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._patience: dict[str, int] = {}
        self._banned_before: dict[str, int] = {}

    def ban(self, address: str, milliseconds: int) -> None:
        """From now on: 418. Its Retry-After says until when."""
        self.bans[address] = self.clock() + milliseconds
        self._told.pop(address, None)

    def limit_now(self, address: str, milliseconds: int) -> None:
        """From now on: 429, as if the budget were used up."""
        self._limited[address] = self.clock() + milliseconds
        self._told.pop(address, None)

    def lift(self) -> None:
        """Ends every ban and limit."""
        for memory in (self.bans, self._limited, self._told, self._patience):
            memory.clear()

    def enter(self, request: Request) -> dict[str, str]:
        """Counts a request; the headers of its answer. Raises Refusal (429, 418)."""
        now, address = self.clock(), request.address
        until = self.bans.get(address, 0)
        if now < until:
            raise self._refused(request, 418, until)
        until = self._limited.get(address, 0)
        if now < until:
            self._lose_patience(address)
            raise self._refused(request, 429, until)
        is_sapi = request.path.startswith("/sapi/")
        window = self._window(self.sapi_windows if is_sapi else self.windows, address, now)
        window.requests += 1
        window.weight += weight_of(request)
        if not is_sapi and window.weight > self.limit:
            until = now - now % MINUTE_MS + MINUTE_MS
            self._limited[address] = until
            self._told.pop(address, None)
            self._patience[address] = 0
            raise self._refused(request, 429, until)
        name = "x-sapi-used-ip-weight-1m" if is_sapi else "x-mbx-used-weight-1m"
        return {name: str(window.weight)}

    def _window(self, windows: dict[tuple[str, int], Window], address: str, now: int) -> Window:
        return windows.setdefault((address, now // MINUTE_MS), Window())

    def _lose_patience(self, address: str) -> None:
        self._patience[address] = self._patience.get(address, 0) + 1
        if self._patience[address] > PATIENCE:
            times = self._banned_before.get(address, 0)
            self._banned_before[address] = times + 1
            self._patience[address] = 0
            self.bans[address] = self.clock() + 2 * MINUTE_MS * 2**times

    def _refused(self, request: Request, status: int, until: int) -> Refusal:
        now, address = self.clock(), request.address
        told = self._told.get(address)
        if told is None:
            self._told[address] = now
        else:
            self.ignored.append(Ignored(now, address, request.path, status, now - told))
        text = (
            f"Way too much request weight used; IP banned until {until}."
            if status == 418
            else f"Too much request weight used; current limit is {self.limit} request weight per 1 MINUTE."
        )
        wait = max(1, -(-(until - now) // 1000))
        return Refusal(-1003, text, status, {"Retry-After": str(wait)})

    def requests_during_bans(self, grace_ms: int = 1000) -> list[Ignored]:
        """Those that came later than `grace_ms` after the address was told: nobody can call back what is
        under way."""
        return [one for one in self.ignored if one.since_told > grace_ms]

    def heaviest(self) -> int:
        """The most weight that any address used in any minute."""
        return max((window.weight for window in self.windows.values()), default=0)
