"""What the live venue says of orders: only what the exchange answered, with the trades that have arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from core.market import Side
from core.orders import OrderStatus
from tests.faults import fault
from tests.worker import live
from tests.worker.live import ACCOUNT, SYMBOL, LiveRig
from worker.errors import OutcomeUnknown, PartlyAnswered, VenueUnavailable
from worker.venues.live_account import LiveAccount

D = Decimal
S = OrderStatus


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        yield made


def account(rig: LiveRig) -> LiveAccount:
    return rig.venue._account(ACCOUNT)


@fault("E8", "E9")
@pytest.mark.parametrize("how", [{"how": "E8"}, {"how": "E9"}])
async def test_the_answer_to_a_cancel_proves_nothing(rig: LiveRig, how: dict[str, Any]):
    order = rig.an_order()
    await rig.place(order)
    rig.exchange.faults.arm(how["how"])
    await rig.venue.cancel(ACCOUNT, SYMBOL, [rig.known(order)])
    [update] = await rig.look(order)
    there = rig.there(order)[0]
    assert update.filled == there.filled
    assert rig.known(order).is_settled


async def test_a_cancel_without_an_answer_is_said_after_all_were_tried(rig: LiveRig):
    orders = [rig.an_order(str(49000 - n)) for n in range(3)]
    await rig.place(*orders)
    lost = orders[0].client_order_id
    rig.exchange.faults.arm(
        "error", when=lambda r: r.method == "DELETE" and lost in str(r.params), code=-1007, text="x"
    )
    with pytest.raises(OutcomeUnknown):
        await rig.venue.cancel(ACCOUNT, SYMBOL, [rig.known(order) for order in orders])
    updates = await rig.look(*orders)
    assert sorted(u.status for u in updates) == [S.CANCELLED, S.CANCELLED, S.OPEN]


@fault("E7")
async def test_a_cancelled_order_keeps_its_fills(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    rig.books.fill(order.client_order_id, D("0.004"))
    rig.books.cancel_by_hand(order.client_order_id)
    [update] = await rig.look(order)
    assert (update.status, update.filled, len(update.fills)) == (S.CANCELLED, D("0.004"), 1)
    assert rig.known(order).status is S.CANCELLED


@fault("E6")
async def test_trades_that_come_later_leave_the_order_unsettled_and_are_fetched_again(rig: LiveRig):
    rig.exchange.faults.arm("E6", ms=250)
    order = rig.an_order(None, "0.02")
    await rig.place(order)
    known = rig.known(order)
    assert (known.reported_filled, known.filled, known.is_live) == (D("0.02"), D(0), True)
    rig.exchange.clock = lambda: live.now_ms() + 300
    await rig.look(order)
    assert (rig.known(order).status, rig.known(order).is_settled) == (S.FILLED, True)


@fault("E5")
async def test_a_trade_told_twice_is_one(rig: LiveRig):
    order = rig.an_order(None, "0.02")
    rig.exchange.faults.arm("E5", when=lambda r: "myTrades" in r.path)
    await rig.place(order)
    assert rig.known(order).filled == D("0.02")
    assert len({fill.trade_id for fill in rig.known(order).fills}) == len(rig.known(order).fills)


@fault("E11")
async def test_an_accepted_order_that_is_not_shown_yet_stays_accepted(rig: LiveRig):
    rig.exchange.faults.arm("E11", ms=60_000)
    order = rig.an_order(None, "0.02")
    [update] = await rig.place(order)
    assert (update.status, update.venue_order_id is not None) == (S.OPEN, True)
    assert await rig.look(order) == []


@fault("E34")
async def test_more_executed_than_ordered_is_taken_as_it_is(rig: LiveRig):
    rig.exchange.faults.arm("E34")
    order = rig.an_order(None, "0.02")
    await rig.place(order)
    assert rig.known(order).filled == rig.there(order)[0].filled > D("0.02")


@fault("E35")
@pytest.mark.parametrize("status", ["EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"])
async def test_what_the_exchange_ends_by_itself_was_not_cancelled_by_hand(
    rig: LiveRig, status: str
):
    rig.exchange.faults.arm("E35", how=status)
    order = rig.an_order()
    await rig.place(order)
    await rig.look(order)
    known = rig.known(order)
    assert (known.status, known.cancelled_by_hand) == (S.CANCELLED, False)


@fault("E25")
async def test_an_order_cancelled_by_hand_is_seen_as_that(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    rig.books.cancel_by_hand(order.client_order_id)
    await rig.look(order)
    assert rig.known(order).cancelled_by_hand


# --- fees


@fault("E18", "E19")
@pytest.mark.parametrize(("mode", "asset"), [("base", "BTC"), ("quote", "USDT"), ("bnb", "BNB")])
async def test_fees_are_what_was_taken_and_what_that_is_worth(rig: LiveRig, mode: str, asset: str):
    rig.books.fees.mode = mode
    order = rig.an_order(None, "0.02")
    await rig.place(order)
    [fill] = rig.known(order).fills
    trade = rig.books.trades[-1]
    price = {"BTC": fill.price, "USDT": D(1), "BNB": D("600.005")}[asset]
    assert (fill.fee_asset, fill.fee, fill.fee_value) == (
        asset,
        trade.commission,
        trade.commission * price,
    )


@fault("E19")
async def test_a_fee_that_nobody_can_value_keeps_the_order_waiting_and_is_never_nothing(
    rig: LiveRig,
):
    rig.books.fees.mode = "bnb"
    rig.exchange.move("BNBUSDT", None, None)
    order = rig.an_order(None, "0.02")
    await rig.place(order)
    assert (rig.known(order).filled, rig.known(order).is_live) == (D(0), True)
    rig.exchange.move("BNBUSDT", "500", "500.01")
    await rig.look(order)
    assert rig.known(order).is_settled
    assert rig.known(order).fills[0].fee_value == rig.known(order).fills[0].fee * D("500.005")


@fault("E19")
@pytest.mark.parametrize("how", ["missing", "absent", "absurd"])
async def test_a_fee_that_is_missing_or_absurd_waits_too(rig: LiveRig, how: str):
    rig.exchange.faults.arm("E19", how=how, factor=800)
    order = rig.an_order(None, "0.02")
    await rig.place(order)
    assert rig.known(order).filled == 0
    await rig.look(order)
    assert rig.known(order).is_settled


@pytest.mark.parametrize("name", ["price", "qty"])
@pytest.mark.parametrize("number", ["1e400", "9" * 60, "1E-30"])
async def test_a_trade_whose_numbers_nobody_could_keep_has_not_arrived_yet(
    rig: LiveRig, monkeypatch: pytest.MonkeyPatch, name: str, number: str
):
    order = rig.an_order(None, "0.02")
    with monkeypatch.context() as spoilt:
        spoilt.setattr(
            rig.exchange.faults, "rows", lambda r, rows: [x | {name: number} for x in rows]
        )
        await rig.place(order)
    assert (rig.known(order).filled, rig.known(order).is_live) == (D(0), True)
    await rig.look(order)
    assert rig.known(order).is_settled


# --- what it costs


async def test_resting_orders_are_read_with_one_question(rig: LiveRig):
    orders = [rig.an_order(str(49000 - n)) for n in range(6)]
    await rig.place(*orders)
    asked = len(rig.sent)
    assert len(await rig.look(*orders)) == 6
    assert len(rig.sent) == asked + 1
    rig.books.fill(orders[0].client_order_id)
    updates = {u.client_order_id: u for u in await rig.look(*orders)}
    assert updates[orders[0].client_order_id].status is S.FILLED
    assert len(rig.sent) == asked + 1 + 3  # what rests, the one that does not, its trades


async def test_the_trades_of_one_order_cost_what_the_exchange_counts(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    rig.books.fill(order.client_order_id)
    spent, counted = rig.hub.budget.spent, rig.exchange.weights.heaviest()
    [update] = await rig.look(order)
    assert update.fills
    assert round((rig.hub.budget.spent - spent) * 5) == rig.exchange.weights.heaviest() - counted


async def test_a_foreign_order_elsewhere_is_remembered_between_the_dear_questions(rig: LiveRig):
    rig.books.rest_by_hand("BNBUSDT", "BUY", D(1), D(400))
    assert await rig.venue.open_orders(ACCOUNT) == []  # after a start what is in use comes first
    account(rig).whole_at = 0.0
    for _ in range(3):
        assert [o.symbol for o in await rig.venue.open_orders(ACCOUNT)] == ["BNB/USDT"]
    whole = [r for r in rig.sent if r.path.endswith("openOrders") and "symbol" not in r.params]
    assert len(whole) == 1
    account(rig).whole_at = rig.venue._next_whole = 0.0
    for order in list(rig.books.open.values()):
        rig.books.cancel_by_hand(order)
    assert await rig.venue.open_orders(ACCOUNT) == []


async def test_dear_questions_of_many_accounts_come_one_by_one(rig: LiveRig):
    """A thousand of them would leave no room for anything else."""
    await rig.venue.attach(ACCOUNT + 1, {})
    for account_id in (ACCOUNT, ACCOUNT + 1):
        rig.venue._account(account_id).whole_at = 0.0
    for account_id in (ACCOUNT, ACCOUNT + 1, ACCOUNT):
        await rig.venue.open_orders(account_id)
    whole = [r for r in rig.sent if r.path.endswith("openOrders") and "symbol" not in r.params]
    assert len(whole) == 1
    rig.venue._next_whole = 0.0
    await rig.venue.open_orders(ACCOUNT + 1)
    whole = [r for r in rig.sent if r.path.endswith("openOrders") and "symbol" not in r.params]
    assert len(whole) == 2


async def test_balances_are_asked_again_after_anything_was_sent_or_filled(rig: LiveRig):
    await rig.venue.balances(ACCOUNT)
    await rig.venue.balances(ACCOUNT)
    assert rig.count("GET", "account") == 1
    await rig.place(rig.an_order(None, "0.02"))
    found = await rig.venue.balances(ACCOUNT)
    assert rig.count("GET", "account") == 2
    assert found["USDT"].free == rig.books.balance("USDT").free


async def test_an_error_is_no_answer(rig: LiveRig):
    order = rig.an_order()
    await rig.place(order)
    for code in (-1000, -1006, -1007):
        rig.exchange.faults.arm("error", when=lambda r: r.method == "GET", code=code, text="x")
        with pytest.raises(VenueUnavailable):
            await rig.venue.look_up(ACCOUNT, [replace(order, status=S.OPEN)])


async def test_of_an_order_that_nobody_knows_nothing_is_concluded(rig: LiveRig):
    stranger = replace(rig.an_order(side=Side.SELL), client_order_id="s0000xxxxxxxxxxxx")
    with pytest.raises(VenueUnavailable, match="symbol"):
        await rig.venue.look_up(ACCOUNT, [stranger])
    rig.venue.symbol_of = lambda account, order: SYMBOL
    assert await rig.venue.look_up(ACCOUNT, [stranger]) == []
    assert account(rig).rounds == {stranger.client_order_id: 1}


# --- one order about which nothing can be asked


@fault("E16")
async def test_a_symbol_that_is_not_listed_any_more_keeps_no_other_order_waiting(rig: LiveRig):
    """After a restart nobody knows the symbol; the order there is in doubt, and so are others."""
    there, gone, rests = rig.an_order(), rig.an_order(), rig.an_order()
    await rig.place(there)
    account(rig).symbols |= {o.client_order_id: "GONE/USDT" for o in (gone, rests)}
    asked = [gone, replace(rests, status=S.OPEN), replace(there, status=S.SENDING)]
    with pytest.raises(PartlyAnswered, match="GONE/USDT is not listed") as part:
        await rig.venue.look_up(ACCOUNT, asked)
    assert part.value.unasked == {gone.client_order_id}
    found = {update.client_order_id: update.status for update in part.value.updates}
    assert found == {there.client_order_id: S.OPEN, rests.client_order_id: S.OPEN}


async def test_an_order_whose_symbol_nobody_knows_keeps_no_other_waiting(rig: LiveRig):
    there, stranger = rig.an_order(), rig.an_order()
    await rig.place(there)
    with pytest.raises(PartlyAnswered, match="symbol") as part:
        await rig.venue.look_up(ACCOUNT, [stranger, there])
    assert part.value.unasked == {stranger.client_order_id}
    assert [update.client_order_id for update in part.value.updates] == [there.client_order_id]


@pytest.mark.parametrize("count", [2, 4])
async def test_an_error_about_one_order_is_none_about_the_others(rig: LiveRig, count: int):
    orders = [rig.an_order(str(49000 - n)) for n in range(count)]
    await rig.place(*orders)
    odd = orders[0].client_order_id
    rig.books.cancel_by_hand(odd)
    rig.exchange.faults.arm(
        "error", when=lambda r: r.method == "GET" and odd in str(r.params), code=-1130, text="x"
    )
    with pytest.raises(PartlyAnswered) as part:
        await rig.venue.look_up(ACCOUNT, orders)
    assert part.value.unasked == {odd}
    assert len(part.value.updates) == count - 1
    assert len(await rig.venue.look_up(ACCOUNT, orders)) == count


async def test_where_the_exchange_does_not_answer_nobody_else_is_asked_about(rig: LiveRig):
    orders = [rig.an_order(str(49000 - n)) for n in range(2)]
    await rig.place(*orders)
    asked = len(rig.sent)
    rig.exchange.faults.arm(
        "error", when=lambda r: r.method == "GET", status=503, code=-1001, text="x"
    )
    with pytest.raises(VenueUnavailable) as error:
        await rig.venue.look_up(ACCOUNT, orders)
    assert not isinstance(error.value, PartlyAnswered)
    assert len(rig.sent) == asked + 1
