"""Asking the test exchange about one order by every source there is, before a person's word is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from core.doubt import Evidence, contradiction, may_be_of
from core.market import Market, Side
from core.orders import OrderStatus, merge
from tests.faults import fault
from tests.worker.live import ACCOUNT, LiveRig, earlier
from worker.errors import VenueUnavailable
from worker.exchanges.adapters.binance import BINANCE

D = Decimal
S = OrderStatus
pytestmark = [fault("E10")]


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        yield made


def quarantined(order, **changes):
    return replace(order, status=S.QUARANTINED, **changes)


async def rig_trades(rig: LiveRig, order):
    """The numbers of the orders that traded, in turn."""
    rows = await BINANCE.trades(
        rig.venue._account(ACCOUNT).client, "BTC/USDT", None, order.created_at
    )
    return [row["order"] for row in rows]


async def inquire(rig: LiveRig, order):
    rig.venue.know(ACCOUNT, order.client_order_id, "BTC/USDT")
    return await rig.venue.inquire(ACCOUNT, order)


async def test_an_order_that_was_lost_is_nowhere_and_every_source_was_asked(rig: LiveRig):
    asked = await inquire(rig, quarantined(rig.an_order()))
    assert (asked.is_there, asked.update, asked.trades) == (False, None, ())
    for path in ("order", "openOrders", "allOrders", "myTrades"):
        assert rig.count("GET", path) == 1, path


async def test_trades_of_an_order_that_is_older_than_the_lists_are_not_known(rig: LiveRig):
    rig.venue._inquirer.adapter = replace(BINANCE, remembers=timedelta(seconds=1))
    order = quarantined(earlier(rig.an_order(), seconds=60))
    asked = await inquire(rig, order)
    assert (asked.is_there, asked.update, asked.trades) == (False, None, None)


@pytest.mark.parametrize("ends", [False, True])
async def test_an_order_that_any_list_shows_is_there(rig: LiveRig, ends: bool):
    order = rig.an_order()
    await rig.place(order)
    if ends:
        rig.books.cancel_by_hand(rig.there(order)[0])
    assert (await inquire(rig, quarantined(rig.known(order)))).is_there


async def test_an_order_that_was_purged_without_fills_leaves_no_trace(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    rig.books.purge(rig.there(order)[0])
    asked = await inquire(rig, quarantined(rig.known(order)))
    assert (asked.is_there, asked.update, asked.trades) == (False, None, ())


async def test_trades_of_an_order_that_no_list_shows_are_booked_by_its_number_there(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    known = rig.known(order)
    rig.books.fill(order.client_order_id, D("0.004"))
    hide_from_lists(rig, order.client_order_id)
    asked = await inquire(rig, quarantined(known))
    assert not asked.is_there
    assert asked.update is not None
    after = merge(quarantined(known), asked.update, rig.venue.now())
    assert (after.status, after.filled) == (S.QUARANTINED, D("0.004"))
    assert after.is_settled


def hide_from_lists(rig: LiveRig, ours: str) -> None:
    """Their lists of orders lose it, their list of trades does not."""
    order = rig.books.of(ours)[0]
    order.visible_at = rig.exchange.now() + 3_600_000


async def test_a_trade_of_an_order_that_never_answered_is_told_and_contradicts(rig: LiveRig):
    order = rig.an_order("51000")
    await rig.place(order)
    hide_from_lists(rig, order.client_order_id)
    asked = await inquire(rig, quarantined(order))
    assert (asked.is_there, asked.update) == (False, None)
    (trade,) = asked.trades
    assert (trade.side, trade.quantity) == (Side.BUY, order.quantity)
    assert may_be_of(order, trade)
    market = Market(symbol="BTC/USDT")
    told = contradiction(quarantined(order), market, Evidence(asked.trades, None, None))
    assert told is not None


async def test_the_number_of_a_trade_says_whose_order_it_was(rig: LiveRig):
    order = rig.an_order("51000")
    await rig.place(order)
    rig.books.trade_by_hand("BTCUSDT", "BUY", D("0.01"))
    own, foreign = (await rig_trades(rig, order))[:2]
    rig.venue.know(ACCOUNT, order.client_order_id, "BTC/USDT")
    update = await rig.venue.by_number(ACCOUNT, order, own)
    assert update is not None
    assert (update.status, update.filled) == (OrderStatus.FILLED, order.quantity)
    assert [fill.quantity for fill in update.fills] == [order.quantity]
    assert await rig.venue.by_number(ACCOUNT, order, foreign) is None


async def test_a_number_that_is_not_told_says_nothing(rig: LiveRig):
    order = rig.an_order()
    rig.venue.know(ACCOUNT, order.client_order_id, "BTC/USDT")
    with pytest.raises(VenueUnavailable):
        await rig.venue.by_number(ACCOUNT, order, "987654321")


async def test_trades_from_before_it_was_written_are_not_its_own(rig: LiveRig):
    rig.books.trade_by_hand("BTCUSDT", "BUY", D("0.01"))
    late = rig.an_order()
    late = replace(late, created_at=late.created_at + timedelta(seconds=30))
    assert (await inquire(rig, quarantined(late))).trades == ()
    soon = earlier(rig.an_order(), 30)
    assert len((await inquire(rig, quarantined(soon))).trades) == 1


@fault("E15")
@pytest.mark.parametrize("path", ["order", "openOrders", "allOrders", "myTrades"])
async def test_without_one_of_the_sources_there_is_no_answer(rig: LiveRig, path: str):
    rig.exchange.faults.arm(
        "error", when=lambda r: r.path.endswith(f"/{path}"), code=-1001, text="x", times=9
    )
    with pytest.raises(VenueUnavailable):
        await inquire(rig, quarantined(rig.an_order()))
