"""Counting coins while fills are on their way: no false alarm, and nothing that is gone stays unseen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT, Cycle
from core.market import Side
from core.money import ONE, ZERO
from core.orders import Fill, Order, OrderStatus
from tests.builders import NOON, a_cycle, started
from tests.faults import fault
from worker.coins import APART, Coins, Known
from worker.tracked import Tracked
from worker.venues.protocol import Balance

D = Decimal
pytestmark = [fault("E26", "E27", "E6")]


def tracked(cycle: Cycle, strategy_id: int = 1) -> Tracked:
    return Tracked(strategy_id, 1, 1, cycle.market.symbol, cycle, True, None, None, 0)  # type: ignore[arg-type]


def balance(quantity: object, used: object = 0) -> dict[str, Balance]:
    return {"BTC": Balance(D(str(quantity)), D(str(used)))}


def read(coins: Coins, cycle: Cycle, there: dict[str, Balance], at: float) -> dict[int, Decimal]:
    mine = {1: tracked(cycle)}
    return coins.compare(coins.before(mine.values()), there, mine, at)


def test_missing_coins_are_believed_after_two_readings_some_seconds_apart():
    coins, cycle = Coins(), started().cycle
    assert read(coins, cycle, balance("0.6"), 100.0) == {}
    assert (coins.is_unsure, coins.again_at) == (True, 105.0)
    assert read(coins, cycle, balance("0.6"), 103.0) == {}
    assert read(coins, cycle, balance("0.6"), 105.0) == {1: D("0.4")}


def test_the_smaller_of_two_readings_counts():
    coins, cycle = Coins(), started().cycle
    read(coins, cycle, balance("0.2"), 100.0)
    assert read(coins, cycle, balance("0.6"), 110.0) == {1: D("0.4")}


def test_a_reading_that_fits_between_them_forgets_the_first():
    coins, cycle = Coins(), started().cycle
    read(coins, cycle, balance("0.6"), 100.0)
    assert read(coins, cycle, balance("1"), 110.0) == {}
    assert read(coins, cycle, balance("0.6"), 120.0) == {}


def test_coins_that_are_locked_in_orders_are_there():
    assert read(Coins(), started().cycle, balance(0, used=1), 100.0) == {}


def test_coins_that_come_back_are_believed_at_once():
    cycle = replace(started().cycle, missing=D("0.4"))
    assert read(Coins(), cycle, balance("0.9"), 100.0) == {1: D("0.1")}
    assert read(Coins(), cycle, balance("7"), 100.0) == {1: D(0)}


def test_no_coins_at_all_is_a_balance_of_zero():
    coins, cycle = Coins(), started().cycle
    read(coins, cycle, {}, 100.0)
    assert read(coins, cycle, {}, 106.0) == {1: D(1)}


def test_dust_of_earlier_cycles_counts():
    coins = Coins()
    dusty = replace(a_cycle(), carried=replace(a_cycle().carried, quantity=D("0.0007"), cost=D(1)))
    read(coins, dusty, balance(0), 100.0)
    assert read(coins, dusty, balance(0), 106.0) == {1: D("0.0007")}


def test_strategies_that_share_a_coin_share_what_is_missing():
    coins, cycle = Coins(), started().cycle
    mine = {1: tracked(cycle), 2: tracked(cycle, 2)}
    for at in (100.0, 106.0):
        found = coins.compare(coins.before(mine.values()), balance("0.7"), mine, at)
    assert found == {1: D(1), 2: D("0.3")}


def test_a_sell_whose_answer_is_missing_may_have_sold():
    play, coins = started(), Coins()
    doubted = replace(play.order(TAKE_PROFIT), status=OrderStatus.SENDING)
    cycle = play.cycle.with_order(doubted)
    for at in (100.0, 106.0, 112.0):
        assert read(coins, cycle, balance(0), at) == {}


def test_a_sell_whose_trades_have_not_arrived_has_sold():
    play, coins = started(), Coins()
    cycle = play.cycle.with_order(replace(play.order(TAKE_PROFIT), reported_filled=D("0.5")))
    for at in (100.0, 106.0, 112.0):
        assert read(coins, cycle, balance("0.5"), at) == {}


def test_a_cycle_that_ended_while_we_asked_is_looked_at_again():
    coins, cycle = Coins(), started().cycle
    before = coins.before([tracked(cycle)])
    after = tracked(replace(cycle, number=2))
    assert coins.compare(before, balance(0), {1: after}, 100.0) == {}
    assert before == {1: Known(1, D(1), D(1))}


# --- fills, withdrawals and deposits at every moment


@dataclass
class Exchange:
    """What is really there, and what we know of it: fills are told late, one by one, in any order."""

    luck: Random
    cycle: Cycle
    there: Decimal = ONE
    foreign: Decimal = ZERO
    taken: Decimal = ZERO
    untold: list[tuple[str, Fill]] = field(default_factory=list)
    trades: int = 0

    @property
    def total(self) -> Decimal:
        return self.there + self.foreign - self.taken

    def trade(self) -> None:
        """A buy or a sell of ours fills a little."""
        side = self.luck.choice([Side.BUY, Side.SELL])
        quantity = D(self.luck.randint(1, 30)) / 100
        order = self._order(side)
        if side is Side.SELL:
            quantity = min(quantity, self.there, order.quantity - self._sold())
            if quantity <= 0 or quantity > self.total:
                return
        self.there += quantity if side is Side.BUY else -quantity
        self.trades += 1
        fill = Fill(str(self.trades), NOON, D(100), quantity, ZERO, "USDT", ZERO)
        self.untold.append((order.client_order_id, fill))

    def _order(self, side: Side) -> Order:
        slot = BASE if side is Side.BUY else TAKE_PROFIT
        return self.cycle.attempts(slot)[-1]

    def _sold(self) -> Decimal:
        return sum(
            (f.quantity for i, f in self.untold if i == self._order(Side.SELL).client_order_id),
            ZERO,
        )

    def tell(self, everything_sold: bool = False) -> None:
        """A trade arrives; a look-up brings all that was sold until then."""
        sells = self._order(Side.SELL).client_order_id
        told = [u for u in self.untold if everything_sold and u[0] == sells]
        if not told and self.untold:
            told = [self.luck.choice(self.untold)]
        for name, fill in told:
            self.untold.remove((name, fill))
            order = self.cycle.find(name)
            assert order is not None
            fills = (*order.fills, fill)
            filled = sum((f.quantity for f in fills), ZERO)
            self.cycle = self.cycle.with_order(
                replace(order, fills=fills, reported_filled=filled, quantity=order.quantity + 1)
            )

    def person(self) -> None:
        """Takes coins out or puts some in, ours or foreign ones."""
        if self.luck.random() < 0.5:
            self.foreign += D(self.luck.randint(0, 50)) / 100
        else:
            self.taken += min(D(self.luck.randint(0, 50)) / 100, max(self.total, ZERO))

    def noise(self, people: bool) -> None:
        for _ in range(self.luck.randint(0, 3)):
            self.luck.choice([self.trade, self.tell, self.person if people else self.trade])()


def a_reading(world: Exchange, coins: Coins, at: float, people: bool) -> None:
    """Each line is a moment at which anything can happen in between."""
    world.noise(people)
    before = coins.before([tracked(world.cycle)])
    world.noise(people)
    total = world.total
    world.noise(people)
    world.tell(everything_sold=True)
    world.noise(people)
    found = coins.compare(before, balance(total), {1: tracked(world.cycle)}, at)
    if 1 in found:
        world.cycle = replace(world.cycle, missing=found[1])


def a_world(luck: Random) -> Exchange:
    play = started()
    big = replace(play.order(TAKE_PROFIT), quantity=D(1_000))
    return Exchange(luck, play.cycle.with_order(big))


@given(st.integers(0, 2**32))
def test_no_fill_in_flight_is_ever_taken_for_missing_coins(seed: int):
    luck, coins = Random(seed), Coins()
    world = a_world(luck)
    for number in range(12):
        a_reading(world, coins, number * 6.0, people=False)
        assert world.cycle.missing == 0
        assert not coins.is_unsure


@given(st.integers(0, 2**32))
def test_what_was_taken_out_is_found_exactly_once_it_is_quiet(seed: int):
    luck, coins = Random(seed), Coins()
    world = a_world(luck)
    for number in range(8):
        a_reading(world, coins, number * 6.0, people=True)
        most = position(world.cycle).quantity
        assert world.cycle.missing >= 0
        assert world.cycle.missing <= max(most, world.taken)
    while world.untold:
        world.tell()
    for number in (20, 21, 22):
        held = {1: tracked(world.cycle)}
        found = coins.compare(
            coins.before(held.values()), balance(world.total), held, number * (APART + 1)
        )
        if 1 in found:
            world.cycle = replace(world.cycle, missing=found[1])
    short = position(world.cycle).quantity - world.total
    assert world.cycle.missing == max(short, ZERO)
