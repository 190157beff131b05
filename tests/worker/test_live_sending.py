"""Orders to the test exchange through the unmodified ccxt client: each once, whatever the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from core.market import Side
from core.orders import OrderStatus
from tests.faults import fault
from tests.worker.live import ACCOUNT, SYMBOL, LiveRig, earlier, until
from worker.errors import AccountLost, KeyRefused, OutcomeUnknown, VenueUnavailable

D = Decimal
S = OrderStatus


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        yield made


async def test_a_limit_order_is_accepted_with_our_id_and_signed_with_the_time_it_was_written(
    rig: LiveRig,
):
    order = rig.an_order()
    [update] = await rig.place(order)
    assert (update.status, update.filled) == (S.OPEN, D(0))
    [there] = rig.there(order)
    assert (there.price, there.quantity, str(there.order_id)) == (
        D(49000),
        D("0.01"),
        update.venue_order_id,
    )
    [create] = [request for request in rig.sent if request.is_create]
    written = int(order.created_at.timestamp() * 1000)
    assert create.params["timestamp"] == str(written)
    assert create.params["recvWindow"] == "5000"


async def test_a_market_order_is_known_with_its_trades_at_once(rig: LiveRig):
    order = rig.an_order(None, "0.02")
    [update] = await rig.place(order)
    assert (update.status, update.filled) == (S.FILLED, D("0.02"))
    known = rig.known(order)
    assert (known.status, known.is_settled, known.fills[0].fee_asset) == (S.FILLED, True, "BTC")
    assert known.fills[0].fee_value == known.fills[0].fee * known.fills[0].price


async def test_many_orders_go_out_exits_first_and_each_once(rig: LiveRig):
    buys = [rig.an_order(str(49000 - n)) for n in range(6)]
    sale = rig.an_order("60000", "0.5", Side.SELL)
    updates = await rig.place(*buys, sale)
    assert {u.status for u in updates} == {S.OPEN}
    sent = [r.client_order_id for r in rig.sent if r.is_create]
    assert (sent[0], len(sent), len(set(sent))) == (sale.client_order_id, 7, 7)


LOST = [
    ("E1", {"how": "lost"}),
    ("E1", {"how": "cut"}),
    ("E1", {"how": "short"}),
    ("E1", {"how": "slow", "ms": 2000}),
    *[
        ("E3", {"how": how, "accepted": True})
        for how in ("502", "-1006", "-1007", "html", "empty", "null", "list", "object", "cut_json")
    ],
]


@fault("E1", "E3")
@pytest.mark.parametrize(("name", "how"), LOST)
async def test_an_order_whose_answer_is_lost_is_unknown_and_then_found(
    rig: LiveRig, name: str, how: dict[str, Any]
):
    rig.exchange.faults.arm(name, **how)
    order = rig.an_order()
    assert await rig.place(order) == []
    [update] = await rig.look(order)
    assert (update.status, len(rig.there(order))) == (S.OPEN, 1)


@fault("E2", "E3")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("E2", {"how": "lost"}),
        ("E2", {"how": "cut"}),
        ("E3", {"how": "500", "accepted": False}),
        ("E3", {"how": "-1007", "accepted": False}),
    ],
)
async def test_an_order_that_never_arrived_is_unknown_too_and_both_sources_say_so(
    rig: LiveRig, name: str, how: dict[str, Any]
):
    rig.exchange.faults.arm(name, **how)
    order = rig.an_order()
    assert await rig.place(order) == []
    for _ in range(3):
        assert await rig.look(order) == []
    assert (rig.count("GET", "order"), rig.count("GET", "allOrders")) == (2, 1)
    assert rig.there(order) == []


@fault("E4")
async def test_a_duplicate_id_means_that_it_exists(rig: LiveRig):
    rig.exchange.faults.arm("E4")
    order = rig.an_order()
    [update] = await rig.place(order)
    assert (update.status, len(rig.there(order))) == (S.OPEN, 1)


@fault("E33")
async def test_insufficient_funds_are_for_now(rig: LiveRig):
    [update] = await rig.place(rig.an_order("49000", "100"))
    assert (update.status, update.reason) == (S.NOT_PLACED, "funds")


@fault("E17")
async def test_a_broken_rule_is_for_good_and_the_rules_are_loaded_again(rig: LiveRig):
    told: list[Decimal | None] = []
    rig.hub.on_markets.append(lambda: told.append(rig.hub.market(SYMBOL).tick_size))
    rig.exchange.faults.act("E17", rig.books, tick="1", lot="0.00001")
    [update] = await rig.place(rig.an_order("49000.5"))
    assert (update.status, update.reason) == (S.REFUSED, "filters")
    rig.hub._loaded_at -= 60
    rig.hub.reload_soon()
    await rig.hub.tend()
    assert told == [D(1)]
    again = rig.an_order("49000.5")
    [update] = await rig.place(again)
    assert (update.status, rig.there(again)) == (S.REFUSED, [])
    assert (await rig.place(rig.an_order("49001")))[0].status is S.OPEN


@fault("E16")
async def test_a_halted_symbol_is_for_now_and_others_are_not_concerned(rig: LiveRig):
    rig.exchange.faults.act("E16", rig.books, symbol="BTC/USDT")
    [update] = await rig.place(rig.an_order())
    assert (update.status, update.reason) == (S.NOT_PLACED, "symbol")


@fault("E15")
async def test_an_overloaded_exchange_has_surely_not_placed(rig: LiveRig):
    rig.exchange.faults.arm("E15", when=lambda request: request.is_create, how="-1008")
    [update] = await rig.place(rig.an_order())
    assert (update.status, update.reason) == (S.NOT_PLACED, "maintenance")


async def test_what_is_too_late_is_not_even_sent(rig: LiveRig):
    [update] = await rig.place(earlier(rig.an_order(), 6))
    assert (update.status, update.reason) == (S.NOT_PLACED, "too_late")
    assert not any(request.is_create for request in rig.sent)


@fault("E2", "P6")
async def test_a_request_that_arrives_late_is_refused_by_the_exchange_itself(rig: LiveRig):
    order = earlier(rig.an_order(), 4.9)
    rig.exchange.faults.arm("E2", how="late", ms=250)
    [update] = await rig.place(order)
    assert (update.status, update.reason, rig.there(order)) == (S.NOT_PLACED, "clock", [])


# --- the sender outlives who asked


async def test_a_buy_that_gets_too_late_in_the_queue_ends_there_and_keeps_nobody(rig: LiveRig):
    rig.hub.budget.used(76, 60)
    order, sent = earlier(rig.an_order(), 4.8), len(rig.sent)
    sale = rig.an_order("60000", "0.5", Side.SELL)
    async with asyncio.timeout(2):
        updates = {u.client_order_id: u for u in await rig.place(order, sale)}
    late = updates[order.client_order_id]
    assert (late.status, late.reason) == (S.NOT_PLACED, "too_late")
    assert updates[sale.client_order_id].status is S.OPEN
    assert len(rig.sent) == sent + 1
    assert not rig.there(order)


@fault("P3", "P2")
@fault("E1", "P14")
async def test_an_exit_without_an_answer_makes_no_buy_too_late(rig: LiveRig):
    """Seen in a drill: the answer to the sale was lost, and all buys written with it missed their window."""
    sale = rig.an_order("60000", "0.5", Side.SELL)
    buys = [rig.an_order(str(49000 - n)) for n in range(3)]
    rig.exchange.faults.arm(
        "E1", how="slow", ms=2000, when=lambda r: r.params.get("side") == "SELL"
    )
    updates = await rig.place(*buys, sale)
    assert {u.client_order_id for u in updates} >= {buy.client_order_id for buy in buys}
    accepted = [rig.there(buy)[0].time for buy in buys]
    assert max(accepted) - rig.there(sale)[0].time < 1500


async def test_a_cancelled_caller_does_not_cut_the_send(rig: LiveRig):
    order = rig.an_order()
    rig.exchange.faults.arm("E1", how="slow", ms=50)
    asked = asyncio.create_task(rig.venue.place(ACCOUNT, SYMBOL, [order]))
    await until(lambda: any(request.is_create for request in rig.sent))
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await rig.venue.detach(ACCOUNT)  # waits for what is on its way
    assert len(rig.there(order)) == 1
    with pytest.raises(AccountLost):
        await rig.venue.balances(ACCOUNT)


# --- silence


@fault("E14")
@pytest.mark.parametrize("how", ["418", "429"])
async def test_nothing_goes_out_during_a_ban_and_nothing_unsent_is_in_doubt(rig: LiveRig, how: str):
    told: list[float] = []
    rig.hub.tell_ban = told.append
    rig.exchange.faults.act("E14", rig.books, how=how, ms=30_000)
    first = rig.an_order()
    assert await rig.place(first) == []  # 418 and 429 are not "refused": it is looked up later
    asked = len(rig.sent)
    [update] = await rig.place(rig.an_order("48000"))
    assert (update.status, update.reason) == (S.NOT_PLACED, "ban")
    for question in (
        rig.venue.balances(ACCOUNT),
        rig.venue.open_orders(ACCOUNT),
        rig.venue.look_up(ACCOUNT, [first]),
        rig.venue.source.quotes([SYMBOL]),
    ):
        with pytest.raises(VenueUnavailable):
            await question
    with pytest.raises(OutcomeUnknown):
        await rig.venue.cancel(ACCOUNT, SYMBOL, [first])
    assert len(rig.sent) == asked
    assert told == [30]
    assert rig.exchange.weights.requests_during_bans(0) == []


# --- keys


@fault("E31")
async def test_a_key_is_given_up_only_after_it_was_refused_three_times(rig: LiveRig):
    rig.exchange.faults.act("E31", rig.books)
    [update] = await rig.place(rig.an_order())
    assert update.status is S.NOT_PLACED
    with pytest.raises(KeyRefused, match="three times") as refused:
        await rig.venue.balances(ACCOUNT)
    assert "test-secret" not in str(refused.value)
    assert "127.0.0.1, where it sees this server now" in str(refused.value)
    rig.exchange.faults.heal()


@fault("E31")
async def test_one_refusal_of_a_good_key_is_forgiven(rig: LiveRig):
    rig.exchange.faults.arm(
        "error", when=lambda r: r.path.endswith("account"), code=-2015, text="x", status=401
    )
    with pytest.raises(VenueUnavailable):
        await rig.venue.balances(ACCOUNT)
    assert (await rig.venue.balances(ACCOUNT))["USDT"].free == D(100_000)
