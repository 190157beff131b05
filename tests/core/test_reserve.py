"""What a running cycle may still need, and what the venue has set aside for it already."""

from __future__ import annotations

from decimal import Decimal

from core.cycle import BASE, DesiredState
from core.events import WantedChanged
from core.ladder import required_capital
from core.market import FeeCurrency
from core.orders import OrderStatus, Role, Slot
from core.reserve import locked_on_venue, still_to_spend
from tests.builders import Play, a_cycle, a_fill, a_market, at, price, report, started

LEVELS = Decimal("1.01") * 99 + Decimal("1.02") * 98 + Decimal("1.03") * 97


def test_an_idle_cycle_needs_nothing():
    assert still_to_spend(a_cycle()) == 0


def test_before_the_first_fill_the_whole_ladder_is_needed():
    play = Play(a_cycle())
    play(price(100))
    assert still_to_spend(play.cycle) == required_capital(play.cycle.parameters, play.cycle.market)
    assert locked_on_venue(play.cycle) == 0  # its base order may not exist yet


def test_after_the_base_order_the_levels_are_needed_and_all_of_them_are_locked():
    play = started()
    assert still_to_spend(play.cycle) == LEVELS
    assert locked_on_venue(play.cycle) == LEVELS


def test_what_waits_outside_the_venue_is_needed_and_not_locked():
    play = started(active_safety_orders=1)
    assert still_to_spend(play.cycle) == LEVELS
    assert locked_on_venue(play.cycle) == Decimal("1.01") * 99


def test_a_level_that_has_filled_is_needed_no_more():
    play = started()
    play.fill(Slot(Role.SAFETY, 1), seconds=1)
    play.cancel_all(2)
    assert still_to_spend(play.cycle) == LEVELS - Decimal("1.01") * 99


def test_an_order_in_doubt_counts_whole_and_is_not_counted_as_locked():
    play = Play(a_cycle())
    play(price(100))
    play.fill(BASE, price=100)
    assert all(o.status is OrderStatus.SENDING for o in play.cycle.live())
    assert (still_to_spend(play.cycle), locked_on_venue(play.cycle)) == (LEVELS, Decimal(0))


def test_a_paused_cycle_keeps_what_it_will_need_when_it_goes_on():
    play = started()
    play(WantedChanged(at(5), DesiredState.PAUSED))
    play.cancel_all(6)
    assert (still_to_spend(play.cycle), locked_on_venue(play.cycle)) == (LEVELS, Decimal(0))


def test_a_stopped_cycle_needs_only_what_may_still_fill():
    play = started()
    play(WantedChanged(at(5), DesiredState.STOPPED))
    assert still_to_spend(play.cycle) == locked_on_venue(play.cycle) == LEVELS
    play.cancel_all(6)
    assert still_to_spend(play.cycle) == 0


def test_fees_are_part_of_it_unless_they_are_taken_in_coins():
    fee = Decimal("0.001")
    play = started(a_market(maker_fee=fee, taker_fee=fee))
    assert still_to_spend(play.cycle) == LEVELS * (1 + fee)
    assert locked_on_venue(play.cycle) == LEVELS * (1 + fee)
    play = started(a_market(maker_fee=fee, taker_fee=fee, fee_currency=FeeCurrency.BASE))
    assert still_to_spend(play.cycle) == LEVELS


def test_a_base_order_that_filled_in_part_still_needs_its_rest():
    play = Play(a_cycle(max_safety_orders=0))
    play(price(100))
    base = play.order(BASE)
    half = a_fill(base, play.cycle.market, "0.4", 100)
    play(report(base, OrderStatus.CANCELLED, 1, filled=half.quantity, fills=(half,), expired=True))
    assert still_to_spend(play.cycle) == Decimal("0.6") * 100
