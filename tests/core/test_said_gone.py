"""An order in quarantine that its person says is not on the exchange."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.actual_state import ActualState, state_of
from core.cycle import BASE, TAKE_PROFIT, DesiredState
from core.doubt import Evidence, OwnTrade, contradiction, evidence_words, too_early
from core.events import OrderReported
from core.market import Side
from core.orders import GONE, VANISHED, Kind, said_gone
from core.slots import attention
from core.story import tell
from tests.builders import a_fill, at, price, report, started
from tests.core.engine_steps import LEVELS, D, S, live, partly, want
from tests.faults import fault

pytestmark = [fault("E10")]
NOTHING = Evidence(strays=(), more=D(0), fewer=D(0))
HOUR = 3600


def quarantined(slot, **parameters):
    play = started(**parameters)
    play(report(play.order(slot), S.QUARANTINED, 1, reason=VANISHED))
    play.cancel_all(2)
    return play


def say_gone(play, slot, seconds=HOUR, quote=None):
    event = report(play.order(slot), seconds=seconds, quote=quote)
    return replace(event, update=said_gone(play.order(slot)))


def trade(quantity, paid, side=Side.BUY, number="77"):
    return OwnTrade("5", number, at(60), side, D(paid), D(quantity))


# --- what may be believed


def test_nobody_is_asked_about_an_order_that_was_just_sent():
    order = quarantined(LEVELS[1]).order(LEVELS[1])
    assert too_early(order, order.created_at + timedelta(minutes=14)) is not None
    assert too_early(order, order.created_at + timedelta(minutes=15)) is None
    assert too_early(replace(order, status=S.OPEN), at(HOUR)) is not None


def test_silence_of_every_source_contradicts_nobody():
    play = quarantined(LEVELS[1])
    order, market = play.order(LEVELS[1]), play.cycle.market
    assert contradiction(order, market, NOTHING) is None
    assert "no more BTC than before" in evidence_words(order, market, NOTHING)
    unknown = replace(NOTHING, more=None)
    assert "is not known" in evidence_words(order, market, unknown)


@pytest.mark.parametrize(
    ("found", "believed"),
    [
        (trade("0.5", 98), False),
        (trade("0.5", "97.5"), False),
        (trade("0.5", "98.5"), True),
        (trade("5", 98), True),
        (trade("0.5", 98, Side.SELL), True),
        (trade("0.5", 98, None), False),
    ],
)
def test_a_trade_that_may_be_of_the_order_contradicts(found, believed):
    play = quarantined(LEVELS[1])
    order, evidence = play.order(LEVELS[1]), replace(NOTHING, strays=(found,))
    assert (contradiction(order, play.cycle.market, evidence) is None) is believed


def test_an_order_whose_number_there_is_known_is_told_from_trades_by_hand():
    play = quarantined(LEVELS[1])
    order = replace(play.order(LEVELS[1]), venue_order_id="9")
    market = play.cycle.market
    assert contradiction(order, market, replace(NOTHING, strays=(trade("0.5", 98),))) is None
    own = replace(NOTHING, strays=(trade("0.5", 98, number="9"),))
    assert contradiction(order, market, own) is not None


def test_coins_that_came_contradict_a_buy_and_coins_that_went_a_sale():
    play = quarantined(LEVELS[1])
    buy, market = play.order(LEVELS[1]), play.cycle.market
    assert "0.5 BTC more" in str(contradiction(buy, market, replace(NOTHING, more=D("0.5"))))
    assert contradiction(buy, market, replace(NOTHING, more=D("0.0005"))) is None
    sale = quarantined(TAKE_PROFIT).order(TAKE_PROFIT)
    assert "0.5 BTC fewer" in str(contradiction(sale, market, replace(NOTHING, fewer=D("0.5"))))
    assert contradiction(sale, market, replace(NOTHING, more=D(3))) is None


def test_while_another_order_on_the_coin_is_in_doubt_any_change_of_the_coins_contradicts():
    """What one bought may hide what the other sold."""
    play = quarantined(LEVELS[1])
    buy, market = play.order(LEVELS[1]), play.cycle.market
    sale = quarantined(TAKE_PROFIT).order(TAKE_PROFIT)
    more, fewer = replace(NOTHING, more=D("0.5")), replace(NOTHING, fewer=D("0.5"))
    assert contradiction(buy, market, fewer) is None
    assert contradiction(sale, market, more) is None
    for order, evidence in ((buy, fewer), (sale, more)):
        assert contradiction(order, market, replace(evidence, is_alone=False)) is not None
    for order in (buy, sale):
        assert contradiction(order, market, replace(NOTHING, is_alone=False)) is None


def test_trades_that_never_came_contradict():
    play = started()
    partly(play, LEVELS[1], "0.1", 1)
    order = replace(play.order(LEVELS[1]), reported_filled=D("0.4"), status=S.QUARANTINED)
    assert "0.4 BTC" in str(contradiction(order, play.cycle.market, NOTHING))


# --- what it does


def test_the_slot_is_free_and_the_strategy_goes_on():
    play = quarantined(LEVELS[1])
    before, event = play.cycle, say_gone(play, LEVELS[1])
    play(event)
    order = play.cycle.attempts(LEVELS[1])[0]
    assert (order.status, order.reason) == (S.CANCELLED, GONE)
    assert not order.cancelled_by_hand
    assert next(e.code for e in tell(before, play.cycle, event)) == "order_said_gone"
    assert attention(play.cycle) is None
    play(price(100, HOUR + 1))
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}


def test_what_had_filled_before_stays():
    play = started()
    partly(play, LEVELS[0], "0.4", 1)
    play(report(play.order(LEVELS[0]), S.QUARANTINED, 2, filled=D("0.4"), reason=VANISHED))
    play.cancel_all(3)
    play(say_gone(play, LEVELS[0]))
    first = play.cycle.attempts(LEVELS[0])[0]
    assert (first.status, first.filled) == (S.CANCELLED, D("0.4"))
    play(price(100, HOUR + 1))
    assert play.order(LEVELS[0]).quantity == first.quantity - D("0.4")


def test_levels_that_the_price_has_passed_meanwhile_are_not_bought_at_once():
    play = quarantined(LEVELS[1])
    play(price("97.5", HOUR))
    play(say_gone(play, LEVELS[1], quote=price("97.5").quote))
    assert set(live(play)) == {TAKE_PROFIT, LEVELS[2]}
    play(price(100, HOUR + 2))
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}


@pytest.mark.parametrize("wanted", [DesiredState.STOPPED, DesiredState.CLOSED])
def test_a_stop_and_a_close_go_on(wanted):
    play = quarantined(LEVELS[1])
    play(want(wanted, 3, 100))
    play.cancel_all(4)
    play(say_gone(play, LEVELS[1]))
    play(price(100, HOUR + 1))
    assert attention(play.cycle) is None
    if wanted is DesiredState.STOPPED:
        assert state_of(play.cycle, at(HOUR + 1), None)[0] is ActualState.STOPPED
    else:
        (sale,) = play.cycle.live()
        assert (sale.side, sale.kind) == (Side.SELL, Kind.MARKET)


def test_a_sale_that_is_gone_is_placed_again():
    play = quarantined(TAKE_PROFIT)
    play(say_gone(play, TAKE_PROFIT))
    play(price(100, HOUR + 1))
    first, second = play.cycle.attempts(TAKE_PROFIT)
    assert (first.status, second.status, second.quantity) == (
        S.CANCELLED,
        S.SENDING,
        first.quantity,
    )


def test_a_first_buy_that_is_gone_is_tried_anew():
    play = started()
    order = replace(play.order(BASE), status=S.QUARANTINED, fills=(), reported_filled=D(0))
    play.cycle = replace(play.cycle, orders=(order,))
    play(say_gone(play, BASE))
    play(price(100, HOUR + 1))
    assert [o.status for o in play.cycle.attempts(BASE)] == [S.CANCELLED, S.SENDING]


# --- it turns up after all


@pytest.mark.parametrize("whole", [False, True])
def test_what_it_bought_after_all_is_booked_with_an_alarm(whole):
    play = quarantined(LEVELS[1])
    play(say_gone(play, LEVELS[1]))
    play(price(100, HOUR + 1))
    play.open_all(HOUR + 2)
    gone = play.cycle.attempts(LEVELS[1])[0]
    quantity = gone.quantity if whole else D("0.4")
    fill = a_fill(gone, play.cycle.market, quantity, seconds=HOUR + 3)
    event = report(gone, S.CANCELLED, HOUR + 3, filled=quantity, fills=(fill,))
    before = play.cycle
    play(event)
    known = play.cycle.find(gone.client_order_id)
    assert known is not None
    assert (known.status, known.filled) == (S.FILLED if whole else S.CANCELLED, quantity)
    told = [e.code for e in tell(before, play.cycle, event)]
    assert told[:2] == ["order_turned_up", "bought"]
    play.cancel_all(HOUR + 4)
    play(price(100, HOUR + 5))
    bought = sum((o.filled for o in play.cycle.attempts(LEVELS[1])), D(0))
    resting = sum((o.quantity for o in play.cycle.live() if o.slot == LEVELS[1]), D(0))
    assert bought + resting == gone.quantity, "the level is bought once"


def test_a_report_that_comes_twice_changes_nothing():
    play = quarantined(LEVELS[1])
    event = say_gone(play, LEVELS[1])
    play(event)
    known = play.cycle
    play(OrderReported(at(HOUR + 1), event.update))
    assert play.cycle.attempts(LEVELS[1])[0] == known.attempts(LEVELS[1])[0]
