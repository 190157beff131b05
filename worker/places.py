"""The market places of this process: each made when somebody first needs it, with its feed.

An exchange has one hub, one price source and one feed; beside each other stand the desk of its paper
accounts ("binance") and that of its live accounts ("binance:live").
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import InvalidInput
from db.accounts import SIMULATED, Account, AccountKind
from worker.database import Database
from worker.desk import LIVE, Desk
from worker.errors import VenueUnavailable
from worker.exchanges.hub import Hub
from worker.feed import Feed
from worker.peg import Peg
from worker.prices.public import PublicPrices
from worker.prices.replay import ReplayPrices
from worker.prices.simulated import SimulatedPrices
from worker.prices.source import PriceSource
from worker.symbols import keep_published
from worker.venues.ledger import Ledger
from worker.venues.ledger_venue import Hint, LedgerVenue
from worker.venues.live_venue import LiveVenue

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """`desks` grows: the feed serves all of them."""

    source: PriceSource
    hub: Hub | None
    desks: list[Desk] = field(default_factory=list)
    peg: Peg | None = None
    renewed: asyncio.Event = field(default_factory=asyncio.Event)


class Places:
    """`hint` and `wake` go to the runners. `looked_at`: by exchange, the symbols that somebody looks at
    before anything trades them. `replay` stands in for the simulated market. `live_venue(hub,
    source)` makes the venue of an exchange's live accounts."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        replay: ReplayPrices | None,
        hub_of: Callable[[str], Hub],
        live_venue: Callable[[Hub, PriceSource], LiveVenue],
        *,
        with_feeds: bool = True,
    ) -> None:
        self.database = database
        self.ledger = ledger
        self.replay = replay
        self.hub_of = hub_of
        self.live_venue = live_venue
        self.with_feeds = with_feeds
        self.hint: Hint = lambda account_id, orders: None
        self.wake: Callable[[set[int], float], None] = lambda strategy_ids, received: None
        self.desks: dict[str, Desk] = {}
        self.venues: dict[str, LedgerVenue] = {}
        self.live_venues: dict[str, LiveVenue] = {}
        self.looked_at: dict[str, frozenset[str]] = {}
        self._places: dict[str, Place] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def of_account(self, account: Account) -> Desk:
        """Raises `VenueUnavailable` where real orders are not possible."""
        return (
            self.live(account.exchange)
            if account.kind is AccountKind.LIVE
            else self.named(account.venue)
        )

    def named(self, name: str) -> Desk:
        """The place called `name`: "simulated" or the id of an exchange whose prices are public."""
        if name not in self.desks:
            place = self._place(name)
            venue = LedgerVenue(name, place.source, self.ledger)
            venue.hint = self.hint
            self.venues[name] = venue
            self._open(place, Desk(name, venue))
        return self.desks[name]

    def live(self, exchange: str) -> Desk:
        name = exchange + LIVE
        if name not in self.desks:
            place = self._place(exchange)
            if place.hub is None or place.hub.adapter is None:
                raise VenueUnavailable(f"real orders are not possible on {exchange}")
            venue = self.live_venue(place.hub, place.source)
            venue.hint = self.hint
            self.live_venues[name] = venue
            desk = Desk(name, venue)
            desk.has_room = venue.has_room
            place.peg = Peg(place.hub.markets_by_symbol)
            desk.quote_problem = place.peg.problem
            desk.clock_problem = place.hub.clock_problem
            self._open(place, desk)
        return self.desks[name]

    def hub(self, exchange: str) -> Hub:
        """What all users of an exchange share."""
        found = self._place(exchange).hub
        assert found is not None, exchange
        return found

    def check(self) -> None:
        """Raises what ended a feed or a hub: one that is gone must be loud."""
        for task in self._tasks.values():
            if task.done():
                task.result()

    @property
    def hubs(self) -> list[Hub]:
        return [place.hub for place in self._places.values() if place.hub is not None]

    def _place(self, name: str) -> Place:
        if name not in self._places:
            hub = None if name == SIMULATED else self.hub_of(name)
            place = Place(self._simulated() if hub is None else PublicPrices(hub), hub)
            self._places[name] = place
            if hub is not None:
                hub.on_markets.append(lambda: self._renew(place))
                self._run(f"hub-{name}", hub.keep())
                publishing = keep_published(self.database, name, place.source, place.renewed)
                self._run(f"markets-{name}", publishing)
            if self.with_feeds:
                feed = Feed(name, place.desks, place.source, self.database, self.wake)
                feed.peg = lambda: place.peg
                feed.looked_at = lambda: self.looked_at.get(name, frozenset())
                self._run(f"feed-{name}", feed.run())
        return self._places[name]

    def _open(self, place: Place, desk: Desk) -> None:
        self.desks[desk.name] = desk
        place.desks.append(desk)

    def _run(self, name: str, work: object) -> None:
        self._tasks[name] = asyncio.create_task(work, name=name)  # type: ignore[arg-type]

    def _simulated(self) -> PriceSource:
        return SimulatedPrices() if self.replay is None else self.replay

    def _renew(self, place: Place) -> None:
        """The markets were loaded again: whoever uses one gets its rules as they are now."""
        assert place.hub is not None
        place.renewed.set()
        for desk in place.desks:
            for symbol in desk.symbols:
                try:
                    market = place.hub.market(symbol)
                except InvalidInput as problem:  # its exits keep the rules that they had
                    log.error("%s", problem)
                    desk.gone(symbol, str(problem))
                    place.hub.reload_soon()
                    continue
                desk.refresh(symbol, market)
                if desk.name in self.venues:
                    self.venues[desk.name].renew(market)

    async def close(self) -> None:
        for live in self.live_venues.values():
            await live.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for place in self._places.values():
            await place.source.close()
