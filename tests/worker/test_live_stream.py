"""The private stream over real sockets: it says "look sooner", and what happens to it reaches nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.exchange.events import stream_terminated
from tests.faults import fault
from tests.worker.live import ACCOUNT, LiveRig, until
from worker.exchanges import stream
from worker.exchanges.budget import Urgency, _urgency
from worker.exchanges.stream import PrivateStream

D = Decimal


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    monkeypatch.setattr(stream, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(stream, "LONGEST_PAUSE", 0.05)
    async with LiveRig(monkeypatch, sockets=True) as made:
        await until(lambda: made.books.listeners)
        yield made


async def test_a_fill_is_hinted_at_once_and_changes_nothing_by_itself(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    await until(lambda: {order.client_order_id} in rig.hints)
    before = len(rig.hints)
    rig.books.fill(order.client_order_id, D("0.004"))
    await until(lambda: len(rig.hints) > before)
    assert rig.known(order).filled == 0
    await rig.look(order)
    assert rig.known(order).filled == D("0.004")


async def test_many_events_in_one_go_are_all_hinted(rig: LiveRig):
    orders = [rig.an_order(str(49000 - n)) for n in range(5)]
    await rig.place(*orders)
    for order in orders:
        rig.books.fill(order.client_order_id)
    ids = {order.client_order_id for order in orders}
    await until(lambda: ids <= set().union(*rig.hints))


@fault("P14")
async def test_after_a_broken_connection_everything_is_looked_at(rig: LiveRig):
    rig.hints.clear()
    await rig.server.streams.drop()
    await until(lambda: set() in rig.hints)
    await until(lambda: rig.books.listeners)


@fault("E14")
async def test_a_stream_begins_before_those_who_start_and_compare(rig: LiveRig):
    budget = rig.hub.budget
    asked: list[Urgency] = []

    async def noted(cost: float | None = None) -> None:
        asked.append(_urgency.get())

    rig.hub.budget = noted  # type: ignore[assignment]
    await rig.server.streams.drop()
    await until(lambda: asked)
    rig.hub.budget = budget
    assert asked[0] is Urgency.PROOF


async def test_a_subscription_that_was_ended_in_silence_is_made_anew(
    rig: LiveRig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "SILENT_FOR", 0.2)
    rig.hints.clear()
    rig.books.cancel_by_hand("nothing")
    await rig.place(rig.an_order())  # an event: from the next question on the watchdog is 0.2 s
    rig.books.tell(stream_terminated(rig.exchange.now()))
    await until(lambda: set() in rig.hints)
    await until(lambda: rig.books.listeners)


async def test_it_ends_with_its_account_and_leaves_no_connection(rig: LiveRig):
    account = rig.venue._account(ACCOUNT)
    assert account.stream is not None
    await rig.venue.detach(ACCOUNT)
    assert account.stream.done()
    await until(lambda: not rig.books.listeners)
    assert account.client.clients == {}


async def test_whatever_it_raises_stays_in_it(rig: LiveRig):
    class Broken:
        id = "broken"
        hub = rig.hub
        clients: dict[str, object] = {}  # noqa: RUF012

        async def watch_orders(self) -> list[object]:
            raise KeyError("junk")

    hints: list[set[str]] = []
    task = asyncio.create_task(PrivateStream(Broken(), hints.append).run())
    await until(lambda: len(hints) > 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
