"""The same random lives, in which coins leave and return, orders vanish and trading rules change as well."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from core.accounting import position
from core.cycle import DesiredState, PassedLevels
from core.events import CoinsMissing, OrderReported, RulesChanged
from core.market import Market, Side
from core.orders import VANISHED, Order, OrderStatus, OrderUpdate
from core.parameters import Parameters
from core.rules import under
from core.succession import reparametrized
from tests.builders import some_parameters
from tests.core.test_engine_machine import LIVES, MARKETS, PAUSES
from tests.core.world import World
from tests.faults import fault

D = Decimal
pytestmark = [fault("E10", "E17", "E26", "E27")]


class Troubled(World):
    """`gone`: coins that the person took out and has not brought back."""

    def __init__(self, parameters: Parameters, market: Market, price: Decimal) -> None:
        super().__init__(parameters, market, price)
        self.gone = D(0)
        self.vanished: set[str] = set()

    def reconcile(self) -> None:
        """Vanished orders are not shown, whoever asks."""
        for order in self.cycle.orders:
            if order.client_order_id not in self.vanished:
                self._reconcile_one(order)
                continue
            known = self.cycle.find(order.client_order_id)
            if known is not None and known.is_live:
                gone = OrderUpdate(order.client_order_id, OrderStatus.QUARANTINED, reason=VANISHED)
                self.step(OrderReported(self.now, gone))
        held = position(self.cycle).quantity
        short = min(self.gone, max(held, D(0)))
        if short != self.cycle.missing:
            quote = self.quote() if self.luck.random() < 0.8 else None
            self.step(CoinsMissing(self.now, short, quote))

    def _reconcile_one(self, order: Order) -> None:
        known = self.cycle.find(order.client_order_id)
        if known is None or (not known.is_live and known.is_settled):
            return
        if order.client_order_id not in self.venue.orders:
            self._forget(order.client_order_id)
            update = OrderUpdate(order.client_order_id, OrderStatus.NOT_ACCEPTED)
        else:
            if known.status is OrderStatus.CANCELLING:
                self.venue.cancel(order.client_order_id)
            update = self.venue.snapshot(order.client_order_id)
        self.step(OrderReported(self.now, update))

    def check_place(self, before, order: Order) -> None:
        super().check_place(before, order)
        if order.side is Side.SELL:
            held = position(self.cycle).quantity
            assert order.quantity <= held - self.cycle.missing, "sells what is not there"
        else:
            assert not self.cycle.lacks_coins, "buys while coins are missing"

    def take_out(self) -> None:
        held = position(self.cycle).quantity
        if held > 0:
            self.gone = self.market.round_quantity(held * self.luck.randint(1, 100) / 100)

    def vanish(self) -> None:
        """What the venue has and the cycle knows to be there is not shown any more."""
        known = [
            o.client_order_id
            for o in self.cycle.live()
            if o.status is not OrderStatus.SENDING and o.client_order_id in self.venue.orders
        ]
        if known:
            self.vanished.add(self.luck.choice(known))

    def change_rules(self) -> None:
        tick = self.luck.choice(["0.01", "0.05", "0.001"])
        lot = self.luck.choice(["0.001", "0.002", "0.0001"])
        least = self.luck.choice([5, 6, 4])
        self.market = replace(
            self.market, tick_size=D(tick), lot_size=D(lot), min_notional=D(least)
        )
        self.venue.market = self.market
        if self.cycle.is_idle():
            self.cycle = reparametrized(self.cycle, self.parameters, self.market)
        else:
            event = RulesChanged(self.now, under(self.cycle, self.market), self.quote())
            self.step(event)

    def settle(self) -> None:
        """The coins are back and every order is shown again: then it must go on by itself."""
        self.gone = D(0)
        self.vanished.clear()
        self.market = self.venue.market = self.cycle.market
        super().settle()


def trouble(world: Troubled, luck: Random) -> None:
    match luck.choices(range(5), weights=[3, 2, 2, 2, 1])[0]:
        case 0:
            world.take_out()
        case 1:
            world.gone = D(0)
        case 2:
            world.vanish()
        case 3:
            world.vanished.clear()
        case 4:
            world.change_rules()


def business(world: Troubled, luck: Random) -> None:
    for _ in range(luck.randint(2, 10)):
        pull = 6 if world.venue.price < 97 else -6
        world.move(1 + D(luck.randint(-25, 25) + pull) / 1000)
        world.price_seen()
        for _ in range(luck.randint(0, 6)):
            world.deliver()
        world.wait(luck.choice([1, 2, 15, 60]))
        if luck.random() < 0.3:
            world.reconcile()


@pytest.mark.parametrize("seed", range(30))
def test_every_rule_holds_in_a_troubled_life(seed: int):
    luck = Random(seed)
    life: dict[str, Any] = luck.choice(LIVES)
    world = Troubled(some_parameters(**life), luck.choice(MARKETS), D(100))
    world.luck = luck
    world.price_seen()
    for _ in range(luck.randint(10, 40)):
        business(world, luck)
        if luck.random() < 0.4:
            trouble(world, luck)
        if luck.random() < 0.1:
            world.wait(luck.choice(PAUSES))
        if luck.random() < 0.15:
            world.want(luck.choice(list(DesiredState)), luck.choice(list(PassedLevels)))
        if luck.random() < 0.1:
            world.want(DesiredState.RUNNING, PassedLevels.BUY)
    world.settle()
    world.close()
