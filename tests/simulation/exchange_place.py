"""The test exchange behind real ccxt and the real live venue, on the simulation's clock.

A request that has left arrives whether its worker lives or not; the world delivers it. Private streams are
stood in for: hints come late, twice, or not at all (the real ones are tested over real sockets).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nacl.public import PrivateKey

from db import account_keys, accounts, exchange_proofs
from db.keys import pair_id
from db.transactions import run
from tests.exchange.accounts import Event
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import Exchange
from tests.exchange.faults import Fired
from tests.exchange.loopback import LoopbackSession
from tests.exchange.wire import Request
from tests.simulation.checks_book import v9_written_before_it_is_sent
from tests.simulation.database import SimulatedDatabase
from tests.simulation.exchange_mishaps import EXCHANGE_MISHAPS
from tests.simulation.hints import hint_stream
from tests.simulation.market import Tick
from tests.simulation.patches import replaced
from tests.simulation.place import AUDIT_KEY, MARKETS
from tests.simulation.secrets_kept import v20_within_the_budget
from tests.simulation.there import ExchangeBook
from worker.settings import WorkerSettings
from worker.supervisor import Supervisor

if TYPE_CHECKING:
    from tests.simulation.world import World

CAPS = ("400", "1200", "15000")
PAIR = PrivateKey(b"simulated key pair of the worker"[:32])


@dataclass(slots=True)
class Travelling:
    """A request on its way, and who sent it."""

    request: Request
    arrive: Callable[[], None]
    sender: object
    lost: bool = False
    fills: bool = False


class ExchangePlace:
    """One exchange, an account of its own for each person. `exchange.faults` draws what goes wrong."""

    stands_wrong_clocks = True
    mishaps = EXCHANGE_MISHAPS

    def __init__(self, world: World) -> None:
        self.world = world
        luck = world.luck("exchange")
        self.luck = luck
        self.exchange = Exchange(world.clock.ms, luck.randrange(10**9))
        self.exchange.faults.on_fire = self._fired
        for symbol, walk in world.walks.items():
            base, _, quote = symbol.partition("/")
            rules = walk.market
            self.exchange.list_symbol(
                base, quote, price=MARKETS[symbol][1], tick=str(rules.tick_size),
                lot=str(rules.lot_size), min_notional="5",
            )  # fmt: skip
        self.exchange.list_symbol("BNB", "USDT", price="600")
        self.accounts: dict[int, ExchangeAccount] = {}
        self.owners: dict[int, int] = {}
        names = {symbol.replace("/", ""): symbol for symbol in [*world.walks, "BNB/USDT"]}
        world.facts.book = ExchangeBook(self.accounts, names)
        world.facts.vanished = self._vanished
        world.facts.venue_now = lambda: datetime.fromtimestamp(self.exchange.now() / 1000, UTC)
        self.point: Callable[[str], None] = lambda label: None
        self.way: dict[int, Travelling] = {}
        self.secrets: list[str] = []
        self._leaving: Request | None = None
        self._number = 0
        self._changed = False

    @property
    def away(self) -> bool:
        return self.exchange.maintenance_until > self.exchange.now()

    @away.setter
    def away(self, value: bool) -> None:
        """Nobody there answers."""
        self.exchange.maintenance_until = self.exchange.now() + (3_600_000 if value else 0)

    # --- for the world

    @contextmanager
    def installed(self) -> Iterator[None]:
        """ccxt's session, TLS, streams and key files are the simulation's."""
        quiet = SimpleNamespace(create_default_context=lambda: None, SSLContext=object)
        pair = {pair_id(bytes(PAIR.public_key)): PAIR}
        with (
            replaced("worker.exchanges.hub", "open_session", lambda tls: self.session()),
            replaced("worker.exchanges.hub", "ssl", quiet),
            replaced("worker.venues.live_venue", "PrivateStream", hint_stream(self)),
            replaced("worker.keys.keyring", "worker_private_keys", lambda folder=None: pair),
        ):
            yield

    def supervisor(self, database: SimulatedDatabase) -> Supervisor:
        settings = WorkerSettings(_env_file=None, allow_live=True)
        return Supervisor(database, settings, None, AUDIT_KEY, live_on_any_database=True)

    def open_account(self, person: int, name: str, balance: str) -> int:
        """A live account with its cap and its sealed key, and the account there."""
        world, cap = self.world, self.luck.choice(CAPS)
        account_id = run(
            world.store.engine,
            lambda s: accounts.add_live_account(
                s, person, name=name, exchange="binance", caps={"USDT": cap},
                accepts_no_address=False, accepts_unverified=False, at=world.clock.wall(),
            ),
        )  # fmt: skip
        run(
            world.store.engine,
            lambda s: exchange_proofs.save_proof(s, "binance", account_id, at=world.clock.wall()),
        )
        start = {"USDT": Decimal(balance), "BNB": Decimal(3)}
        key, secret = (f"CANARY{kind}{self.luck.randbytes(12).hex()}" for kind in ("k", "s"))
        self.secrets += [key, secret]
        mode = self.luck.choice(("base", "base", "quote", "bnb"))
        account = self.exchange.add_account(key, secret, start, fee_mode=mode)
        account.listeners.append(self._told)
        self._watch_transfers(account_id, account)
        self.accounts[account_id], self.owners[account_id] = account, person
        world.facts.start[account_id] = start
        self.enter_key(account_id)
        return account_id

    def enter_key(self, account_id: int) -> None:
        """The person types the key of the account, again or for the first time."""
        account, person, at = (
            self.accounts[account_id],
            self.owners[account_id],
            self.world.clock.wall(),
        )
        sealed = account_keys.seal(
            PAIR.public_key, user_id=person, account_id=account_id, exchange="binance",
            api_key=account.key, secret=account.secret, password="", at=at,
        )  # fmt: skip
        run(
            self.world.store.engine,
            lambda s: account_keys.store_key(
                s, person, account_id, sealed=sealed, pair_id=pair_id(bytes(PAIR.public_key)), at=at
            ),
        )

    def moved(self, symbol: str, tick: Tick) -> None:
        self._changed = True
        self.exchange.move(symbol, tick.bid, tick.ask)

    def has_changed(self) -> bool:
        changed, self._changed = self._changed, False
        return changed

    def quiet(self) -> None:
        self.exchange.faults.heal()
        for account_id in self.accounts:
            self.enter_key(account_id)

    def is_calm(self) -> bool:
        """Every trade of ours is a fill of ours."""
        facts = self.world.facts
        fills, vanished = facts.mirror.tables["fills"], self._vanished()
        return all(
            (trade.account_id, trade.symbol, trade.trade_id) in fills
            for trade in facts.book.trades
            if facts.is_ours(trade.client_order_id) and trade.client_order_id not in vanished
        )

    def over_budget(self) -> Iterator[str]:
        return v20_within_the_budget(self.exchange.weights)

    # --- requests

    def session(self) -> LoopbackSession:
        """Of the process that runs now."""
        life = self.world.lives.current()
        host = "first" if life is None else life.host
        address = "198.51.100.1" if host == "first" else "198.51.100.2"
        return LoopbackSession(
            self.exchange,
            self._deliver,
            latency=lambda request: (
                self.luck.uniform(0.005, 0.06),
                self.luck.uniform(0.005, 0.06),
            ),
            address=address,
            before_send=self._before_send,
        )

    def _before_send(self, request: Request) -> None:
        world = self.world
        self.point(f"request {request.method} {request.path}")
        in_transaction = world.store.connection.in_transaction
        for sentence in v9_written_before_it_is_sent(world.facts, request, in_transaction):
            world.examiner.say("V9", sentence)
        self._leaving = request

    def _deliver(self, seconds: float, act: Callable[[], None]) -> None:
        assert self._leaving is not None
        self._number += 1
        number = self._number
        self.way[number] = Travelling(self._leaving, act, self.world.schedule.current)
        self._leaving = None
        self.world.schedule.after(seconds, lambda: self._arrive(number))

    def _arrive(self, number: int) -> None:
        travelling = self.way.pop(number)
        if travelling.lost:
            return
        self._changed = True
        travelling.arrive()
        if travelling.fills:
            for account in self.accounts.values():
                account.fill(travelling.request.client_order_id or "")

    def decide(self, fate: str) -> None:
        """Of the create requests of processes that are gone."""
        for travelling in self.way.values():
            if travelling.request.is_create and getattr(travelling.sender, "dead", False):
                travelling.lost, travelling.fills = fate == "lost", fate == "filled"

    def in_flight(self) -> list[Any]:
        """Those that change something; a question that nobody will hear changes nothing."""
        ways = [(t.request.method, t.request.client_order_id) for t in self.way.values()]
        return sorted(way for way in ways if way[0] != "GET")

    # --- what happens there

    def _vanished(self) -> set[str]:
        return {
            order.client_order_id
            for account in self.accounts.values()
            for order in account.orders
            if order.purged
        }

    def _fired(self, fired: Fired) -> None:
        self.world.say(f"fault {fired.fault} {fired.how} {fired.client_order_id}")
        if self.world.facts.has_orders_under_way:
            self.world.count(fired.fault)

    def _told(self, event: Event) -> None:
        self._changed = True

    def _watch_transfers(self, account_id: int, account: ExchangeAccount) -> None:
        """What comes and goes past all trades; the stream may tell of it twice."""
        deposit, withdraw, moved = account.deposit, account.withdraw, self.world.facts.moved

        def brought(asset: str, amount: Decimal) -> None:
            moved[account_id, asset] += amount
            deposit(asset, amount)

        def taken(asset: str, amount: Decimal | None = None) -> Decimal:
            gone = withdraw(asset, amount)
            moved[account_id, asset] -= gone
            return gone

        account.deposit, account.withdraw = brought, taken  # type: ignore[method-assign]
