"""Coins that are not on the account any more: no buys, sells of what exists, and the person decides."""

from __future__ import annotations

from dataclasses import replace

from core.actual_state import ActualState, state_of
from core.cycle import BASE, TAKE_PROFIT, DesiredState, Holding
from core.engine import is_over
from core.events import CoinsMissing, PlaceOrder
from core.market import Side
from core.money import plain
from core.slots import attention
from core.story import tell
from core.succession import next_cycle, totals
from tests.builders import Play, a_cycle, a_quote, at, price, report, started
from tests.core.engine_steps import CLOSE, LEVELS, D, S, live, want
from tests.faults import fault

pytestmark = [fault("E26")]


def missing(quantity: object, seconds: float = 0, quote=None) -> CoinsMissing:
    return CoinsMissing(at(seconds), D(quantity), None if quote is None else a_quote(quote))


def test_buys_are_cancelled_and_the_take_profit_shrinks_to_what_exists():
    play = started()
    play(missing("0.4", 1))
    assert all(play.order(slot).status is S.CANCELLING for slot in LEVELS)
    play.cancel_all(2)
    assert play.order(TAKE_PROFIT).quantity == D("0.6")
    assert live(play) == {TAKE_PROFIT: "sending"}


def test_the_amounts_are_told_and_shown():
    play = started()
    before = play.cycle
    event = missing("0.4", 1)
    play(event)
    (told,) = [e for e in tell(before, play.cycle, event) if e.code == "coins_missing"]
    assert "Of the 1 BTC" in told.sentence
    assert "0.4 BTC are not on the account" in told.sentence
    assert state_of(play.cycle, at(1), None) == (ActualState.NEEDS_ATTENTION, told.sentence)


def test_trying_again_frees_nothing_while_the_coins_are_not_back():
    play = started()
    play(missing("0.4", 1))
    play.cancel_all(2)
    commands = play(want(DesiredState.RUNNING, 3, 100))
    assert not [c for c in commands if isinstance(c, PlaceOrder) and c.order.side is Side.BUY]
    assert attention(play.cycle) is not None


def test_when_they_are_back_it_goes_on_and_levels_that_were_passed_wait():
    play = started()
    play(missing("0.4", 1))
    play.cancel_all(2)
    play.open_all(2)
    play(missing("0", 3, quote="98.5"))
    play(price("98.5", 4))
    assert attention(play.cycle) is None
    assert play.cycle.held == {1}
    assert {order.slot for order in play.cycle.live() if order.side is Side.BUY} == set(LEVELS[1:])


def test_less_than_a_lot_only_shrinks_what_is_sold():
    play = started()
    play(missing("0.0000001", 1))
    assert attention(play.cycle) is None
    play.cancel_all(2)
    assert play.order(TAKE_PROFIT).quantity == D("0.999")


def test_a_stop_loss_sells_what_exists_and_the_cycle_waits_for_the_person():
    play = started(stop_loss="0.1")
    play(missing("0.4", 1))
    play.cancel_all(2)
    play.open_all(2)
    play(price("80", 3))
    play.cancel_all(4)
    play(price("80", 5))
    (sale,) = [order for order in play.cycle.live() if order.side is Side.SELL]
    assert sale.quantity == D("0.6")
    play.fill(sale.slot, seconds=6, price=80)
    play(price("80", 7))
    assert not is_over(play.cycle)
    assert not live(play)


def test_closing_sells_what_exists_and_books_the_rest_at_the_same_price():
    play = started()
    play(missing("0.4", 1))
    play.cancel_all(2)
    play.open_all(2)
    play(want(DesiredState.CLOSED, 3, 90))
    play.cancel_all(4)
    play(price("90", 5))
    sale = play.order(CLOSE)
    assert sale.quantity == D("0.6")
    play.fill(CLOSE, seconds=6, price=90)
    assert is_over(play.cycle)
    assert totals(play.cycle).realized_pnl == -10
    after = next_cycle(play.cycle, at(7), play.cycle.parameters, play.cycle.market)
    assert (after.missing, after.carried.quantity) == (D(0), D(0))


def test_letting_go_books_them_and_says_that_they_were_missing():
    play = started()
    play(missing("1", 1))
    play(want(DesiredState.STOPPED, 2))
    play.cancel_all(3)
    before, event = play.cycle, want(DesiredState.RUNNING, 4, 80, release_at=D(80))
    play(event)
    assert is_over(play.cycle)
    assert totals(play.cycle).realized_pnl == -20
    (told,) = [e for e in tell(before, play.cycle, event) if e.code == "released"]
    assert "1 BTC of them were missing" in told.sentence


def test_dust_that_is_gone_holds_the_next_cycle_until_it_is_let_go():
    dusty = replace(a_cycle(), carried=Holding(D("0.002"), D("0.2")))
    play = Play(dusty)
    play(missing("0.002", 1))
    assert play(price(100, 2)) == ()
    before, event = play.cycle, want(DesiredState.CLOSED, 3, 100)
    play(event)
    assert is_over(play.cycle)
    assert [e.code for e in tell(before, play.cycle, event)][-1] == "cycle_ended"
    after = next_cycle(play.cycle, at(4), play.cycle.parameters, play.cycle.market)
    assert plain(after.carried.quantity) == "0"


def test_coins_that_fill_meanwhile_are_sold_too():
    play = started()
    play(missing("0.4", 1))
    play.fill(LEVELS[0], seconds=2)
    play.cancel_all(3)
    assert play.order(TAKE_PROFIT).quantity == play.cycle.market.round_quantity(D("1.610"))
    assert play.order(BASE).status is S.FILLED


def refused_for_funds(play: Play, seconds: float) -> None:
    """The exchange says that there are fewer coins than the take profit sells."""
    refused = report(play.order(TAKE_PROFIT), S.NOT_PLACED, seconds, reason="funds")
    play(refused)


def test_a_take_profit_that_was_refused_is_placed_smaller_with_the_loss_and_not_after_its_pause():
    play = just_bought()
    refused_for_funds(play, 1)
    play(price(100, 6))
    refused_for_funds(play, 6)
    assert play(price(100, 8)) == (), "the same order waits for its turn"
    play(missing("0.4", 9, quote=100))
    (order,) = play.placed()
    assert (order.slot, order.quantity) == (TAKE_PROFIT, D("0.6"))


def test_an_order_that_was_refused_for_another_reason_waits_for_its_turn_however_small():
    play = just_bought()
    play(report(play.order(TAKE_PROFIT), S.NOT_PLACED, 1, reason="maintenance"))
    play(missing("0.4", 2, quote=100))
    assert play.placed() == []
    play(price(100, 6))
    assert play.order(TAKE_PROFIT).quantity == D("0.6")


def test_no_order_is_larger_at_once_than_the_one_that_was_refused():
    play = just_bought()
    refused_for_funds(play, 1)
    play(missing("0.4", 2, quote=100))
    refused_for_funds(play, 2)
    play(missing("0", 3, quote=100))
    assert play.placed() == []


def just_bought() -> Play:
    """The base order has filled, and the take profit is on its way."""
    play = Play(a_cycle())
    play(price(100))
    play.fill(BASE)
    play(price(100))
    return play
