"""All tasks of one worker, each with a name. If one of them dies the worker stops itself, loudly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path

from core.cycle import Cycle
from db import audit
from db.errors import CommitUnknown, DatabaseUnavailable
from worker import memory
from worker.auditor import Auditor
from worker.candle_keeper import CandleKeeper
from worker.clock import monotonic
from worker.database import Database
from worker.desk import LIVE
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.bans import Bans
from worker.exchanges.hub import Hub
from worker.group_commit import GroupCommit
from worker.heartbeat import Heartbeat
from worker.housekeeping import Housekeeping
from worker.keys.erasing import KeyEraser
from worker.keys.keyring import KeyRing
from worker.keys.self_tests import SelfTests
from worker.lags import LagReport
from worker.lockstep import Lockstep
from worker.onlookers import Onlookers
from worker.ownership import Ownership
from worker.places import Places
from worker.poller import Poller
from worker.prices.replay import ReplayPrices
from worker.prices.source import PriceSource
from worker.restored import Restored
from worker.rounds import Rounds
from worker.runners import Runners
from worker.settings import WorkerSettings
from worker.symbols import publish_symbols
from worker.units import Unit, Writer
from worker.venues.ledger import Ledger
from worker.venues.live_admission import Admission
from worker.venues.live_keys import LiveKeys
from worker.venues.live_venue import LiveVenue

log = logging.getLogger(__name__)
CHAIN_EACH = 5.0
SETTLE_AFTER = 10


class Supervisor:
    """Composition root: the only place that knows all the parts.

    key_folder: of the key files (None: config/). position_file: where `worker.restored` remembers how far
    the journal went (None: it does not). live_on_any_database: for simulations only."""

    def __init__(
        self,
        database: Database,
        settings: WorkerSettings,
        replay: ReplayPrices | None,
        audit_key: bytes | None,
        *,
        key_folder: Path | None = None,
        position_file: Path | None = None,
        live_on_any_database: bool = False,
    ) -> None:
        self.database = database
        self.settings = settings
        self.replay = replay
        self.audit_key = audit_key
        self.key_folder = key_folder
        self.stopping = asyncio.Event()
        self._settled_at = 0
        self.rounds = Rounds()
        self.writer: GroupCommit[Unit, None] = GroupCommit(database, Writer(database.engine).commit)
        self.ledger = Ledger(database)
        self.places = Places(
            database,
            self.ledger,
            replay,
            self._hub,
            self._live_venue,
            with_feeds=not settings.replay_lockstep,
        )
        self.bans = Bans(database, lambda: self.places.hubs)
        ring = KeyRing(database, audit_key or b"", key_folder, settings.public_address)
        self.keys = LiveKeys(database, ring, lambda: self.runners, self.places.hub)
        self.restored = Restored(database, position_file) if position_file else None
        self.admission = Admission(
            database,
            allow_live=settings.allow_live,
            live_on_any_database=live_on_any_database,
            set_back=lambda: self.restored.problem if self.restored else None,
        )
        self.runners = Runners(database, self.places.of_account, self.writer)
        self.lags = LagReport(self.runners.lags, settings.lag_file, self._gauges)
        self.ownership = Ownership(
            database,
            lambda: self.runners,
            self.lags.take_largest,
            self.admission.refuses,
            self.admission.say,
        )
        self.runners.aside.tell = self.keys.refused
        self.self_tests = SelfTests(
            database, lambda: self.runners, lambda e: self.places.live_venues.get(e + LIVE)
        )
        self.poller = Poller(database, self.runners, lambda: self.ownership.name)
        self.keeper = CandleKeeper(
            database, lambda: self.ownership.name, self.places.desks, self.places.named
        )
        self.places.hint = self.runners.hint
        self.places.wake = self.runners.wake

    async def run(self) -> None:
        """Until `stopping` is set (SIGTERM), or a task dies."""
        await self.ownership.register()
        await publish_symbols(self.database)
        await self.bans.read()
        if self.restored is not None:
            await self.restored.look()
        tasks = [asyncio.create_task(work(), name=name) for name, work in self._tasks().items()]
        stop = asyncio.create_task(self.stopping.wait(), name="stop")
        try:
            done, _ = await asyncio.wait({*tasks, stop}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                log.error("task %s ended", task.get_name())
                task.result()
        finally:
            await self._leave(tasks, stop)

    def _tasks(self) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
        tasks: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "writer": self.writer.run,
            "ledger": self.ledger.commits.run,
            "beat": self.ownership.beat,
            "claim": self.ownership.claim,
            "wishes": self.poller.run,
            "clock": self._clock,
            "lags": self.lags.run,
            "candles": self.keeper.run,
            "onlookers": Onlookers(self.database, self.places).run,
            "bans": self.bans.run,
            "keys": self.keys.keep,
            "erased keys": KeyEraser(self.database, self.key_folder).run,
            "self-tests": self.self_tests.keep,
            "housekeeping": Housekeeping(self.database, self.settings.log_retention_days).run,
            "auditor": Auditor(self.database, self._name, live=False).run,
            "live auditor": Auditor(
                self.database, self._name, live=True, audit_key=self.audit_key
            ).run,
        }
        if self.audit_key is not None:
            tasks["audit"] = self._chain
        if self.restored is not None:
            tasks["restored"] = self.restored.keep
        if self.settings.heartbeat_url:
            tasks["heartbeat"] = Heartbeat(self.settings.heartbeat_url).run
        if self.settings.replay_lockstep and self.replay is not None:
            tasks["lockstep"] = self._lockstep
        return tasks

    async def _leave(self, tasks: list[asyncio.Task[None]], stop: asyncio.Task[bool]) -> None:
        """Finish the turns under way while the writers still write, then end the rest."""
        try:
            async with asyncio.timeout(15):
                await self.ownership.leave()
        except (TimeoutError, DatabaseUnavailable, CommitUnknown) as error:
            log.warning("left without a goodbye: %s", type(error).__name__)
        for task in (*tasks, stop):
            task.cancel()
        await asyncio.gather(*tasks, stop, return_exceptions=True)
        await self.places.close()

    async def _clock(self) -> None:
        """Each second: alarms, repeated questions; each minute a reconciliation of every account."""
        while True:
            started = monotonic()
            self.places.check()
            self._settle()
            if not self.settings.replay_lockstep:
                self._ring_alarms()
            running = list(self.runners.running.values())
            for runner in running:
                await runner.each_second()
            for runner in self.rounds.due(running):
                runner.inbox.reconcile()
            await asyncio.sleep(max(0.05, 1.0 - (monotonic() - started)))

    def _settle(self) -> None:
        """Once all accounts are open, and again after many more were taken over."""
        if self.runners.opened < self._settled_at + SETTLE_AFTER or not self.runners.are_all_open:
            return
        self._settled_at = self.runners.opened
        self.database.shared.clear()
        memory.settle()

    def _ring_alarms(self) -> None:
        for desk in self.places.desks.values():
            self.runners.wake(self.runners.alarms.due(desk.venue.now()))

    async def _chain(self) -> None:
        """Chain the audit rows that people's actions added."""
        assert self.audit_key is not None
        key = self.audit_key
        while True:
            try:
                await self.database.write(lambda session: audit.chain(session, key))
            except (DatabaseUnavailable, CommitUnknown) as error:
                log.warning("audit rows wait to be chained: %s", error)
            await asyncio.sleep(CHAIN_EACH)

    async def _lockstep(self) -> None:
        assert self.replay is not None
        desk = self.places.named("simulated")
        drive = Lockstep(
            desk, self.places.venues["simulated"], self.replay,
            self._cycles, self._settled, self.runners.wake,
        )  # fmt: skip
        while not self.runners.are_all_open:  # noqa: ASYNC110  (accounts come from rows)
            await asyncio.sleep(0.05)
        await drive.run()
        self.stopping.set()
        await asyncio.Event().wait()

    def _name(self) -> str:
        return self.ownership.name

    def _hub(self, exchange: str) -> Hub:
        adapter = ADAPTERS.get(exchange) if self.settings.allow_live else None
        hub = Hub(exchange, self.settings.routes, adapter)
        self.bans.watch(hub)
        return hub

    def _live_venue(self, hub: Hub, source: PriceSource) -> LiveVenue:
        venue = LiveVenue(
            hub, self.keys.key_of, source, hint=self.runners.hint, seen_until=self.keys.seen_until
        )
        venue.symbol_of, venue.symbols_of = self.runners.symbol_of, self.runners.symbols_of
        return venue

    def _gauges(self) -> dict[str, int]:
        runners = self.runners
        return {
            "accounts": len(runners.running),
            "strategies": len(runners.home),
            "working": sum(not runner.inbox.is_settled for runner in runners.running.values()),
        }

    def _cycles(self) -> dict[int, Cycle]:
        return {
            strategy_id: runner.tracked[strategy_id].cycle
            for strategy_id, runner in self.runners.home.items()
            if strategy_id in runner.tracked
        }

    async def _settled(self) -> None:
        for runner in list(self.runners.running.values()):
            await runner.inbox.settled()
