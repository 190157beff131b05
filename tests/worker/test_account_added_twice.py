"""Orders of ours on the exchange whose rows say something: of another account here, or over long ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.cycle import DesiredState
from core.order_ids import client_order_id
from core.orders import OrderStatus, Role, Slot
from db import account_status
from db.known_orders import known_orders
from tests.faults import fault
from tests.worker.house import SYMBOL, House
from tests.worker.test_account_orders import running
from worker.reconciliation import ADDED_TWICE_FOR

S = OrderStatus


async def both(house: House) -> tuple[int, int, set[str]]:
    """Two accounts with a ladder each; the second one's resting orders are seen on the first as well."""
    house.go_live(USDT="1000")
    second = house.add_account("10000", "The same money")
    mine, theirs = house.strategy(), house.strategy(account=second)
    await house.start()
    await house.stand(100)
    ids = set(house.open_on_venue(second))
    for name in ids:
        house.put_on_venue(name)
    return mine, theirs, ids


@fault("E28")
async def test_an_order_in_the_rows_of_another_account_is_never_cancelled_and_nothing_is_bought(
    house: House,
):
    mine, _, theirs = await both(house)
    await house.reconcile()
    await house.reconcile()
    assert house.venue.cancelled_by_id == []
    assert theirs <= house.open_on_venue()
    assert house.runner.foreign == len(theirs)
    assert house.journal().count("hold_added_twice") == 1
    assert "orphan_cancelled" not in house.journal()
    assert "foreign_orders" not in house.journal(), "they are ours, and nobody has the key"
    [sentence] = house.journal("hold_added_twice")
    assert "added twice" in sentence
    found = house.run(lambda s: account_status.load(s, [house.account]))[house.account]
    assert (found.foreign_orders, "added twice" in str(found.hold)) == (len(theirs), True)
    await house.want(mine, DesiredState.STOPPED)  # what only takes away goes on
    await house.want(mine, DesiredState.RUNNING, release=True)
    sent = len(house.venue.sent)
    await house.stand(100)
    assert len(house.venue.sent) == sent
    assert house.state(mine) == "needs_attention"


@fault("E28")
async def test_the_other_account_is_not_held_for_orders_that_are_not_on_its_own_list(house: House):
    mine, theirs, _ = await both(house)
    await house.reconcile()
    assert house.runners.home[mine].memory.no_buys(SYMBOL) is not None
    assert house.runners.home[theirs].memory.no_buys(SYMBOL) is None


async def test_it_ends_an_hour_after_the_last_order_of_the_other_one(house: House):
    mine, _, theirs = await both(house)
    await house.reconcile()
    for name in theirs:
        house.venue.cancel_by_hand(house.account, name)
    await house.reconcile()
    assert "hold_added_twice_ended" not in house.journal(), "between two cycles nothing rests"
    house.clock.advance(ADDED_TWICE_FOR.total_seconds())
    await house.reconcile()
    assert house.journal().count("hold_added_twice_ended") == 1
    await house.stand(100)
    assert house.state(mine) == "running"


@fault("E28")
async def test_a_halt_leaves_the_other_accounts_buys_alone_while_records_cannot_be_read(
    house: House,
):
    mine, _, theirs = await both(house)
    await house.reconcile()
    house.runner.unreadable[mine] = house.runner.tracked[mine].wish.revision
    house.runner.halted = True
    await house.reconcile()
    assert house.venue.cancelled_by_id == []
    assert theirs <= house.open_on_venue()


# --- orders whose rows are over


async def test_an_order_whose_row_is_final_is_cancelled_with_an_alarm(house: House):
    strategy = await running(house)
    [base] = house.attempts(strategy, Role.BASE)
    assert base.status is S.FILLED
    house.put_on_venue(base.client_order_id)
    await house.reconcile()
    assert house.venue.cancelled_by_id == [], "a list may be older than the answer that it filled"
    house.clock.advance(60)
    await house.reconcile()
    assert house.venue.cancelled_by_id == [base.client_order_id]
    assert house.journal().count("orphan_cancelled") == 1


async def test_an_order_of_a_closed_cycle_is_cancelled_with_an_alarm(house: House):
    strategy = await running(house)
    level = next(o.client_order_id for o in house.live(strategy) if o.slot == house.level(2))
    await house.price("101.5")
    await house.stand("101.5")
    assert house.stored(strategy).number == 2
    house.clock.advance(60)
    house.put_on_venue(level)
    await house.reconcile()
    assert house.venue.cancelled_by_id == [level]
    assert house.journal().count("orphan_cancelled") == 1
    assert house.nothing_was_sent_twice()


async def test_an_old_attempt_that_memory_has_dropped_is_not_adopted_again(house: House):
    """Its row is there: taken over once more it would be written twice, and nothing would go on."""
    strategy = await running(house)
    tracked = house.runner.tracked[strategy]
    old = next(o for o in tracked.cycle.live() if o.slot == house.level(3))
    house.venue.cancel_by_hand(house.account, old.client_order_id)
    house.runners.hint(house.account, {old.client_order_id})
    await house.settle()
    house.clock.advance(60)
    kept = tuple(o for o in tracked.cycle.orders if o.client_order_id != old.client_order_id)
    assert len(kept) == len(tracked.cycle.orders) - 1
    tracked.cycle = replace(tracked.cycle, orders=kept, dropped=1)
    house.put_on_venue(old.client_order_id)
    await house.reconcile()
    assert house.venue.cancelled_by_id == [old.client_order_id]
    assert "order_adopted" not in house.journal()


async def test_rows_are_asked_for_only_when_there_is_an_orphan(house: House):
    asked: list[int] = []
    strategy = await running(house)
    ask = house.runner.reconciliation.rows_of

    async def counted(ids):
        asked.append(len(ids))
        return await ask(ids)

    house.runner.reconciliation.rows_of = counted
    house.put_on_venue("x-somebody-else")
    await house.reconcile()
    assert asked == []
    stray = client_order_id(house.stored(strategy).identity, 99, Slot(Role.SAFETY, 1), 1)
    house.put_on_venue(stray)
    await house.reconcile()
    assert asked == [1]
    assert house.venue.cancelled_by_id == [stray]


async def test_rows_are_found_of_whatever_account_and_however_old(house: House):
    strategy = await running(house)
    rows = house.rows(strategy)
    wanted = [row.client_order_id for row in rows] + [f"s0000{n:013d}" for n in range(1200)]
    found = house.run(lambda s: known_orders(s, wanted))
    assert found.keys() == {row.client_order_id for row in rows}
    assert {known.account_id for known in found.values()} == {house.account}
    over = [known for known in found.values() if known.status == S.FILLED]
    assert all(
        known.finished_at and known.finished_at.utcoffset() == timedelta(0) for known in over
    )
