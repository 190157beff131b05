"""Candle history: on demand (a request is a row), and each new minute of every symbol in use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.candles import EPOCH, LAST_OPENED, Candle
from core.errors import InvalidInput, StepladderError
from db import candle_requests, candles
from db.candle_requests import CandleRequest
from db.handles import Session
from worker.database import Database
from worker.desk import Desk
from worker.errors import VenueUnavailable

log = logging.getLogger(__name__)
PERIOD = 1.0
CHUNK = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FIRST_LOOK_BACK = timedelta(hours=6)


class CandleKeeper:
    """`desk_for(venue)` makes a market place ready that nobody trades on yet; raises InvalidInput."""

    def __init__(
        self,
        database: Database,
        owner: Callable[[], str],
        desks: Mapping[str, Desk],
        desk_for: Callable[[str], Desk],
    ) -> None:
        self.database = database
        self.owner = owner
        self.desks = desks
        self.desk_for = desk_for
        self._begun: CandleRequest | None = None
        self._kept: dict[tuple[str, str], datetime] = {}
        self._folded: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """A long history must not keep the charts of others waiting, so the two go on side by side."""
        await asyncio.gather(
            self._each_second(self.serve_one), self._each_second(self.keep_current)
        )

    async def _each_second(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except (StepladderError, OSError) as error:
                log.warning("candles: %s", error)
            await asyncio.sleep(PERIOD)

    # --- on demand

    async def serve_one(self) -> None:
        """Fulfil one request, a day at a time; after a failure of the database it goes on where it was."""
        owner = self.owner()
        if self._begun is None:
            self._begun = await self.database.write(lambda s: candle_requests.claim(s, owner))
        if self._begun is None:
            return
        number = self._begun.id
        try:
            done = await self._fulfil(owner)
        except InvalidInput as problem:
            sentence = str(problem)
            await self._tell(lambda s: candle_requests.fail(s, owner, number, sentence))
        except VenueUnavailable:
            sentence = "The exchange did not answer; ask again in a minute."
            await self._tell(lambda s: candle_requests.fail(s, owner, number, sentence))
        else:
            await self._tell(lambda s: candle_requests.finish(s, owner, number, done))
        self._begun = None

    async def _fulfil(self, owner: str) -> int:
        """Up to when it is done; returns early when another worker has the request now."""
        request = self._begun
        assert request is not None
        if not 0 <= request.since <= request.until < LAST_OPENED:
            raise InvalidInput("candles", "these are no times; ask for another stretch.")
        desk = self.desk_for(request.venue)
        await desk.venue.market(request.symbol)
        at = _time(request.since if request.done_until is None else request.done_until)
        until = min(_time(request.until), _whole_minute(desk.venue.now()))
        while at < until:
            end = min(at + CHUNK, until)
            found = await desk.venue.candles(request.symbol, at, end)
            await self._save(request.venue, request.symbol, found, desk.venue.now())
            at, reached = end, _ms(end)
            if not await self._progress(owner, request.id, reached):
                break
            self._begun = replace(request, done_until=reached)
        return _ms(at)

    async def _progress(self, owner: str, number: int, reached: int) -> bool:
        return await self._tell(lambda s: candle_requests.progress(s, owner, number, reached))

    async def _tell(self, say: Callable[[Session], bool]) -> bool:
        return await self.database.write(say)

    # --- kept current

    async def keep_current(self) -> None:
        """Once a minute for each symbol in use: the minutes that have closed since."""
        for desk in list(self.desks.values()):
            now = _whole_minute(desk.venue.now())
            try:
                for symbol in desk.symbols:
                    await self._keep(desk, symbol, now)
            except (InvalidInput, VenueUnavailable) as error:  # the other places go on
                log.warning("candles of %s: %s", desk.name, error)

    async def _keep(self, desk: Desk, symbol: str, now: datetime) -> None:
        key = (desk.stored_as, symbol)
        since = self._kept.get(key, now - FIRST_LOOK_BACK)
        if since < now:
            found = await desk.venue.candles(symbol, since, now)
            await self._save(desk.stored_as, symbol, found, now)
            self._kept[key] = now

    async def _save(self, venue: str, symbol: str, found: Sequence[Candle], now: datetime) -> None:
        """Today as rows, earlier days into their month."""
        today = _ms(now) - _ms(now) % candles.DAY_MS
        fresh = [candle for candle in found if candle.opened >= today]
        old = [candle for candle in found if candle.opened < today]
        fold = self._folded.get((venue, symbol)) != today

        def unit(session: Session) -> None:
            if old:
                candles.save_history(session, venue, symbol, old)
            if fold:
                candles.fold_closed_days(session, venue, symbol, _ms(now))
            candles.save_open_day(session, venue, symbol, fresh)

        if fresh or old or fold:
            await self.database.write(unit)
            self._folded[(venue, symbol)] = today


def _whole_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _time(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def _ms(at: datetime) -> int:
    return int((at - EPOCH) / timedelta(milliseconds=1))
