"""What an exchange has forgotten, and what it does not say of an order, is not made up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from core.market import Side
from core.orders import Kind, OrderStatus
from tests.faults import fault
from tests.worker.live import ACCOUNT, LiveRig, earlier
from worker.errors import PartlyAnswered
from worker.exchanges.adapters.binance import BINANCE

REMEMBERS = timedelta(days=2)


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        made.venue.symbol_of = lambda account, order: "BTC/USDT"
        yield made


@fault("E10", "P3")
@pytest.mark.parametrize("days", [1, 3])
async def test_silence_about_an_order_older_than_their_lists_proves_nothing(
    rig: LiveRig, days: int
):
    rig.venue._looker.adapter = replace(BINANCE, remembers=REMEMBERS)
    never_sent = earlier(rig.an_order(), days * 86_400)

    if days < 2:
        assert await rig.venue.look_up(ACCOUNT, [never_sent]) == []
        return
    with pytest.raises(PartlyAnswered) as caught:
        await rig.venue.look_up(ACCOUNT, [never_sent])
    assert caught.value.unasked == {never_sent.client_order_id}


@fault("E10")
async def test_an_order_that_was_shown_once_is_missed_however_old_it_is(rig: LiveRig):
    rig.venue._looker.adapter = replace(BINANCE, remembers=REMEMBERS)
    known = replace(earlier(rig.an_order(), 9 * 86_400), venue_order_id="7")

    assert await rig.venue.look_up(ACCOUNT, [known]) == []


@fault("E34")
@pytest.mark.parametrize(("kind", "expired"), [(Kind.MARKET, True), (Kind.LIMIT, False)])
async def test_the_rest_of_an_immediate_order_was_not_cancelled_by_hand(
    rig: LiveRig, kind: Kind, expired: bool
):
    """Bitget shows an order without how long it was to stay."""

    async def as_bitget(client: Any, symbol: str, id: str, theirs: str | None) -> Any:
        row = await BINANCE.find(client, symbol, id, theirs)
        return None if row is None else {**row, "status": "canceled", "timeInForce": None}

    rig.venue._looker.adapter = replace(BINANCE, find=as_bitget)
    order = rig.an_order("49000", side=Side.BUY, kind=kind)
    await rig.place(order)
    rig.books.cancel_by_hand(order.client_order_id)

    await rig.look(order)

    known = rig.known(order)
    assert (known.status, known.expired) == (OrderStatus.CANCELLED, expired)
    assert known.cancelled_by_hand is not expired
    assert known.filled == Decimal(0)
