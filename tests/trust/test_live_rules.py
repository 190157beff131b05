"""Rules of the live venue that seeded bugs showed nobody was watching closely enough."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from core.orders import OrderStatus
from tests.faults import fault
from tests.worker.live import ACCOUNT, LiveRig
from worker.errors import VenueUnavailable


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        yield made


@fault("E2", "P6")
async def test_however_late_a_request_leaves_it_is_signed_with_the_committed_time(rig: LiveRig):
    """So that the exchange itself refuses what was held up for longer than the window."""
    written = rig.venue.now() - timedelta(seconds=3)
    order = rig.an_order(created_at=written)
    await rig.place(order)
    [create] = [request for request in rig.sent if request.is_create]
    assert create.params["timestamp"] == str(int(written.timestamp() * 1000))


@pytest.mark.parametrize("how", [{"code": -1000, "text": "x"}, {"code": -1003, "text": "x"}])
async def test_what_is_said_of_a_failed_question_holds_no_address_and_no_signature(
    rig: LiveRig, how
):
    """ccxt's texts hold the signed URL, and what we raise is logged."""
    order = rig.an_order()
    await rig.place(order)
    rig.exchange.faults.arm("error", when=lambda r: r.method == "GET", **how)
    with pytest.raises(VenueUnavailable) as raised:
        await rig.venue.look_up(ACCOUNT, [replace(order, status=OrderStatus.OPEN)])
    said = str(raised.value)
    assert "://" not in said
    assert "signature" not in said
    assert "msg" not in said
    assert raised.value.__cause__ is None
