"""The test exchange: requests in, answers out. Deterministic: no sockets, no wall clock, no threads."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from decimal import Decimal

from tests.exchange import private, public
from tests.exchange.accounts import Balance, Fees
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.faults import Faults
from tests.exchange.matching import Matching
from tests.exchange.signatures import owner
from tests.exchange.symbols import Rules, Symbol
from tests.exchange.weights import Weights
from tests.exchange.wire import Lost, Outcome, Refusal, Reply, Request, answer

KEY, SECRET = "test-key", "test-secret"
HOSTS = ("api.binance.com", "ws-api.binance.com", "stream.binance.com")
NOT_FOUND = Reply(404, "<html><body><h2>404 Not found</h2></body></html>", kind="text/html")


class Exchange:
    """`clock`: ms since the epoch, as the exchange's own computer would tell without a fault.

    `requests`: how many of each (method, path) were acted upon. `recent`: the newest of them with what
    came of them. `price_listeners` are told of each change of a symbol's prices (market streams)."""

    def __init__(self, clock: Callable[[], int], seed: int = 0) -> None:
        self.clock = clock
        self.clock_offset_ms = 0
        self.faults = Faults(self, seed)
        self.matching = Matching(self.now, self.faults)
        self.weights = Weights(self.now)
        self.accounts: dict[str, ExchangeAccount] = {}
        self.orders_per_ten_seconds = 100
        self.maintenance_until = 0
        self.requests: Counter[tuple[str, str]] = Counter()
        self.recent: deque[tuple[int, Request, Outcome]] = deque(maxlen=500)
        self.price_listeners: list[Callable[[Symbol], None]] = []
        self._ids = 0

    @property
    def symbols(self) -> dict[str, Symbol]:
        return self.matching.symbols

    def now(self) -> int:
        return self.clock() + self.clock_offset_ms

    def new_id(self) -> str:
        self._ids += 1
        return f"venue-{self._ids:012d}"

    # --- setting up ----------------------------------------------------------------------------------------

    def list_symbol(
        self,
        base: str,
        quote: str,
        *,
        price: str | Decimal,
        tick: str = "0.01",
        lot: str = "0.00001",
        min_notional: str = "5",
        min_quantity: str | None = None,
        max_quantity: str = "9000",
        market_max_quantity: str = "1000",
        max_price: str = "1000000",
        max_orders: int = 200,
        spread: str | None = None,
    ) -> Symbol:
        """BTC, USDT -> BTCUSDT. `spread` between bid and ask, one tick where not given."""
        rules = Rules(
            tick=Decimal(tick),
            lot=Decimal(lot),
            min_quantity=Decimal(min_quantity or lot),
            max_quantity=Decimal(max_quantity),
            market_max_quantity=Decimal(market_max_quantity),
            min_notional=Decimal(min_notional),
            max_notional=Decimal(9_000_000),
            min_price=Decimal(tick),
            max_price=Decimal(max_price),
            max_orders=max_orders,
        )
        bid = Decimal(price)
        ask = bid + Decimal(spread or tick)
        symbol = Symbol(base + quote, base, quote, rules, bid, ask, bid)
        self.symbols[symbol.name] = symbol
        symbol.move(bid, ask, self.now())
        return symbol

    def add_account(
        self,
        key: str = KEY,
        secret: str = SECRET,
        balances: Mapping[str, Decimal] | None = None,
        *,
        fee_mode: str = "base",
        maker: str = "0.001",
        taker: str = "0.001",
    ) -> ExchangeAccount:
        account = ExchangeAccount(
            key,
            secret,
            {asset: Balance(Decimal(free)) for asset, free in (balances or {}).items()},
            Fees(Decimal(maker), Decimal(taker), fee_mode),
            engine=self.matching,
        )
        self.accounts[key] = account
        return account

    # --- prices --------------------------------------------------------------------------------------------

    def move(
        self,
        symbol: str,
        bid: Decimal | str | None,
        ask: Decimal | str | None = None,
        at_most: Decimal | None = None,
    ) -> None:
        """New prices; whatever they reach is executed at the order's own price, at most `at_most` each.

        `symbol`: BTCUSDT or BTC/USDT. Without `ask` it lies one tick above. None, None: an empty book."""
        one = self.symbols[symbol.replace("/", "")]
        low = None if bid is None else Decimal(bid)
        high = None if ask is None else Decimal(ask)
        if low is not None and high is None:
            high = low + one.rules.tick
        one.move(low, high, self.now())
        self.matching.reach(one, at_most)
        self.tell_prices(one)

    def gap(self, symbol: str, fraction: Decimal) -> None:
        """A jump by `fraction` (-0.3: 30 % down) with nothing traded on the way except what rests."""
        one = self.symbols[symbol.replace("/", "")]
        bid = one.last * (1 + fraction)
        self.move(symbol, max(bid - bid % one.rules.tick, one.rules.tick))

    def tell_prices(self, symbol: Symbol) -> None:
        for listener in list(self.price_listeners):
            listener(symbol)

    # --- requests ------------------------------------------------------------------------------------------

    def transit(self, request: Request) -> int:
        """For how many ms beyond the usual the request is under way; asked once, by whoever carries it."""
        return self.faults.transit(request)

    def handle(self, request: Request) -> Outcome:
        """A request has arrived. Lost: no answer; whether it was acted upon is in it."""
        outcome = self._handle(request)
        self.recent.append((self.now(), request, outcome))
        return outcome

    def _handle(self, request: Request) -> Outcome:
        early = self.faults.before(request)
        if isinstance(early, Lost):
            return early
        try:
            headers = self.weights.enter(request)
        except Refusal as refusal:
            return refusal.reply()
        if early is not None:
            return early
        if self.now() < self.maintenance_until:
            return Reply(503, '{"code":-1001,"msg":"Service unavailable."}', headers)
        self.requests[request.method, request.path] += 1
        try:
            reply = answer(self._value(request), 200, headers)
        except Refusal as refusal:
            reply = answer(
                {"code": refusal.code, "msg": refusal.text},
                refusal.status,
                {**headers, **refusal.headers},
            )
        except _NoSuchPath:
            return NOT_FOUND
        return self.faults.after(request, reply)

    def _value(self, request: Request) -> object:
        if request.method == "GET" and request.path in public.ROUTES:
            return public.ROUTES[request.path](self, request)
        handler = private.ROUTES.get((request.method, request.path))
        if handler is None:
            raise _NoSuchPath
        account = owner(self.accounts, request, self.now())
        return handler(self, account, request)

    # --- order rate ----------------------------------------------------------------------------------------

    def count_order(self, account: ExchangeAccount) -> None:
        """Raises Refusal when the account has placed too many of late."""
        if self.orders_counted(account) >= self.orders_per_ten_seconds:
            raise Refusal(
                -1015,
                "Too many new orders; current limit is "
                f"{self.orders_per_ten_seconds} orders per TEN_SECONDS.",
                429,
            )

    def orders_counted(self, account: ExchangeAccount) -> int:
        since, counted = self.now() - 10_000, 0
        for order in reversed(account.orders):
            if order.time <= since:
                break
            counted += order.made_by == "api"
        return counted


class _NoSuchPath(Exception):
    pass
