"""The real worker and ccxt before the test exchange: orders that nobody can prove, and a person answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.accounts import VenueOrder
from tests.faults import fault
from tests.simulation.patches import replaced
from tests.simulation.world import Plan, Result, World, simulate

pytestmark = [fault("E10")]
VANISHES, ANSWERED, TURNS_UP, LATE = 60.0, 130.0, 210.0, 295.0
LADDER = {
    "base_order_size": "100", "safety_order_size": "50", "max_safety_orders": 3,
    "price_deviation": "0.03", "take_profit": "0.05",
}  # fmt: skip
Deed = Callable[[World, Any, VenueOrder], None]


class Script:
    """One strategy on one symbol. At VANISHES `happens` befalls its lowest resting buy, or its resting sale;
    at ANSWERED its person says that it is gone, at TURNS_UP `later` happens. `rows`: of its place, LATE."""

    def __init__(self, happens: Deed, later: Deed | None = None, side: str = "BUY") -> None:
        self.happens, self.later, self.side = happens, later, side
        self.order: VenueOrder | None = None
        self.before: dict[str, Any] = {}
        self.rows: list[dict[str, Any]] = []
        self.codes: list[str] = []

    def __call__(self, world: World) -> None:
        self.world = world
        world.schedule.at(VANISHES, self._vanish)
        world.schedule.at(ANSWERED, self._answer)
        world.schedule.at(TURNS_UP, lambda: self._do(self.later))
        world.schedule.at(LATE, self._look)

    @property
    def account(self) -> Any:
        (account,) = self.world.place.accounts.values()
        return account

    def _vanish(self) -> None:
        resting = [one for one in self.account.open.values() if one.side == self.side]
        self.order = min(resting, key=lambda one: one.price)
        self._do(self.happens)

    def _do(self, deed: Deed | None) -> None:
        if deed is not None:
            assert self.order is not None
            deed(self.world, self.account, self.order)

    def _answer(self) -> None:
        self.before = dict(self._row())
        (wisher,) = self.world.people.wishers
        self.said = self.world.people._answer(wisher)

    def _row(self) -> dict[str, Any]:
        assert self.order is not None
        return self.world.facts.mirror.orders[self.order.client_order_id]

    def _look(self) -> None:
        own = self._row()
        same = ("strategy_id", "cycle_number", "role", "level")
        rows = self.world.facts.mirror.orders.values()
        place = [row for row in rows if all(row[name] == own[name] for name in same)]
        self.rows = sorted((dict(row) for row in place), key=lambda row: row["attempt"])
        self.own = dict(own)
        found = self.world.store.rows("SELECT code FROM journal ORDER BY id")
        self.codes = [code for (code,) in found]


def play(script: Script) -> Result:
    """The ladder is far from where the price goes within minutes."""
    plan = Plan(3, seconds=300.0, each=0, persons=1, symbols=1)
    with replaced("tests.simulation.people", "shape", lambda luck: dict(LADDER)):
        return simulate(plan, prepare=script)


def purge(world: World, account: Any, order: VenueOrder) -> None:
    account.purge(order)


def fill_and_purge(world: World, account: Any, order: VenueOrder) -> None:
    account.fill(order)
    account.purge(order)


def hide(world: World, account: Any, order: VenueOrder) -> None:
    """It rests, and no list shows it."""
    order.visible_at = world.place.exchange.now() + 10**9


def show(world: World, account: Any, order: VenueOrder) -> None:
    order.visible_at = 0


def fill_and_show(world: World, account: Any, order: VenueOrder) -> None:
    account.fill(order)
    order.visible_at = 0


def test_one_that_was_purged_without_fills_ends_and_its_place_is_taken_again() -> None:
    script = Script(purge)
    result = play(script)
    assert result.breaches == []
    assert script.before["status"] == "quarantined"
    assert (script.own["status"], script.own["reason"]) == ("cancelled", "person_says_gone")
    assert [row["status"] for row in script.rows] == ["cancelled", "open"]
    assert script.codes.count("order_said_gone") == 1


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_one_that_was_purged_with_fills_stays_whatever_its_person_says(side: str) -> None:
    script = Script(fill_and_purge, side=side)
    result = play(script)
    assert result.breaches == []
    assert script.own["status"] == "quarantined"
    assert "answer_not_believed" in script.codes
    assert "order_said_gone" not in script.codes


@pytest.mark.parametrize("later", [show, fill_and_show])
def test_one_that_turns_up_after_all_is_cancelled_or_booked_with_an_alarm(later: Deed) -> None:
    """The person was wrong: for a while two orders of the place are open, and nothing else is broken."""
    script = Script(hide, later)
    result = play(script)
    assert {breach.partition(":")[0] for breach in result.breaches} <= {"V1"}
    assert script.own["reason"] == "person_says_gone"
    if later is show:
        assert script.order is not None
        assert not script.order.is_open
        assert "gone_order_cancelled" in script.codes
    else:
        assert script.own["status"] == "filled"
        assert Decimal(script.own["reported_filled"]) == Decimal(script.own["quantity"])
        assert "order_turned_up" in script.codes
        assert [row["status"] for row in script.rows[1:]] != ["open"], (
            "its place is not taken twice"
        )
