"""Fees in the coin that is traded (BNB on BNB/USDT): never more of it is gone than the cycle held."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT
from core.engine import is_over
from core.orders import OrderStatus
from core.slots import attention
from core.succession import next_cycle, totals
from tests.builders import Play, a_cycle, a_fill, at, price, report

D = Decimal
S = OrderStatus
RATE = D("0.00075")


def fills_with_fee_in_base(
    play: Play, slot, seconds: float, quantity: object | None = None
) -> None:
    """A trade of that order, its fee taken in the coin that is traded."""
    order = play.order(slot)
    fill = a_fill(order, play.cycle.market, quantity, seconds=seconds)
    fee = fill.quantity * RATE
    fill = replace(fill, fee=fee, fee_asset="BTC", fee_value=fee * fill.price)
    done = sum((f.quantity for f in order.fills), fill.quantity)
    status = S.FILLED if done == order.quantity else S.OPEN
    play(report(order, status, seconds, filled=done, fills=(*order.fills, fill)))


def bought() -> Play:
    play = Play(a_cycle())
    play(price(100))
    fills_with_fee_in_base(play, BASE, 0)
    play(price(100))
    play.open_all()
    return play


def test_a_fee_on_a_sale_takes_what_the_cycle_has_left_and_the_rest_is_a_cost_in_quote():
    play = bought()
    assert position(play.cycle).quantity == D("0.99925")
    assert play.order(TAKE_PROFIT).quantity == D("0.999")
    fills_with_fee_in_base(play, TAKE_PROFIT, 5)
    held = position(play.cycle)
    assert (held.quantity, held.cost) == (D(0), D(0))
    price_sold = play.order(TAKE_PROFIT).fills[0].price
    beyond = D("0.999") * RATE - D("0.00025")
    assert held.realized == D("0.999") * price_sold - D(100) - beyond * price_sold


def test_the_next_cycle_begins_with_nothing_below_zero():
    play = bought()
    fills_with_fee_in_base(play, TAKE_PROFIT, 5)
    for order in list(play.cycle.live()):
        play(report(order, S.CANCELLED, 6))
    assert attention(play.cycle) is None
    assert is_over(play.cycle)
    assert totals(play.cycle).dust.quantity == 0
    after = next_cycle(play.cycle, at(7), play.cycle.parameters, play.cycle.market)
    assert after.carried.quantity == 0
