"""Random lives of a strategy on a venue and a network that fail in every way they can."""

from __future__ import annotations

import os
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core.cycle import DesiredState, PassedLevels
from core.market import FeeCurrency
from tests.builders import a_market, some_parameters
from tests.core.world import World

PAUSES = [0, 1, 5, 11, 30, 31, 300, 86_400]
FEE = Decimal("0.001")
LIVES: list[dict[str, Any]] = [
    {},
    {"trailing_deviation": "0.005"},
    {"stop_loss": "0.06", "after_stop_loss": "continue", "stop_loss_cooldown": 60},
    {"base_order_type": "limit"},
    {"base_order_type": "limit", "stop_loss": "0.05", "stop_loss_reference": "base_order_price"},
    {"active_safety_orders": 1, "cooldown": 30},
    {"custom_levels": [{"deviation": "0.01", "size": "10"}, {"deviation": "0.03", "size": "200"}]},
    {"reinvest": "1", "max_cycles": 3},
    {"max_safety_orders": 0, "trigger_price": "101", "min_price": "90"},
    {"base_order_size": "6", "safety_order_size": "6"},
]
MARKETS = [
    a_market(),
    a_market(maker_fee=FEE, taker_fee=FEE),
    a_market(maker_fee=FEE, taker_fee=FEE, fee_currency=FeeCurrency.BASE),
    a_market(maker_fee=FEE, taker_fee=FEE, fee_currency=FeeCurrency.OTHER),
    a_market(lot_size=Decimal("0.01"), taker_fee=FEE, maker_fee=FEE, fee_currency=FeeCurrency.BASE),
]
LUCK = st.integers(0, 2**20).map(Random)


class Life(RuleBasedStateMachine):
    world: World

    @initialize(life=st.sampled_from(LIVES), market=st.sampled_from(MARKETS))
    def begin(self, life, market):
        self.world = World(some_parameters(**life), market, Decimal(100))
        self.world.price_seen()

    @rule(percent=st.integers(-40, 40), luck=LUCK)
    def price_moves(self, percent, luck):
        """Up to 4 % in one tick."""
        self.world.luck = luck
        self.world.move(1 + Decimal(percent) / 1000)
        self.world.price_seen()

    @rule(luck=LUCK, ticks=st.integers(2, 12))
    def business_as_usual(self, luck, ticks):
        """Small moves with the updates that they cause, a second to a minute apart."""
        self.world.luck = luck
        for _ in range(ticks):
            pull = 6 if self.world.venue.price < 97 else -6
            self.world.move(1 + Decimal(luck.randint(-25, 25) + pull) / 1000)
            self.world.price_seen()
            for _ in range(luck.randint(0, 8)):
                self.world.deliver()
            self.world.wait(luck.choice([1, 2, 15, 60]))
            if luck.random() < 0.2:
                self.world.reconcile()

    @rule(percent=st.integers(-30, 30), luck=LUCK)
    def price_gaps(self, percent, luck):
        self.world.luck = luck
        self.world.move(1 + Decimal(percent) / 100)
        self.world.price_seen()

    @rule()
    def price_repeats(self):
        self.world.previous = self.world.venue.price
        self.world.price_seen()

    @rule(luck=LUCK, count=st.integers(1, 6))
    def updates_arrive(self, luck, count):
        self.world.luck = luck
        for _ in range(count):
            self.world.deliver()

    @rule(luck=LUCK)
    def worker_reconciles(self, luck):
        self.world.luck = luck
        self.world.reconcile()

    @rule(seconds=st.sampled_from(PAUSES), luck=LUCK)
    def time_passes(self, seconds, luck):
        self.world.luck = luck
        self.world.wait(seconds)

    @rule(
        wanted=st.sampled_from(DesiredState),
        passed=st.sampled_from(PassedLevels),
        release=st.booleans(),
        luck=LUCK,
    )
    def person_decides(self, wanted, passed, release, luck):
        self.world.luck = luck
        if luck.random() < 0.3:
            self.world.want(wanted, passed, release=release)

    @rule(luck=LUCK)
    def person_tries_again(self, luck):
        self.world.luck = luck
        self.world.want(DesiredState.RUNNING, PassedLevels.BUY)

    @rule(luck=LUCK)
    def person_cancels_by_hand(self, luck):
        self.world.luck = luck
        self.world.cancel_by_hand()

    def teardown(self):
        if hasattr(self, "world"):
            self.world.settle()
            self.world.close()


TestLife = Life.TestCase


@pytest.mark.parametrize("seed", range(int(os.environ.get("RANDOM_LIVES", "40"))))
def test_every_rule_holds_in_a_long_random_life(seed):
    """Longer than what Hypothesis tries by itself, and the same lives each time."""
    luck = Random(seed)
    life = Life()
    life.begin(luck.choice(LIVES), luck.choice(MARKETS))
    for _ in range(luck.randint(10, 50)):
        match luck.choices(range(7), weights=[50, 6, 10, 10, 7, 8, 3])[0]:
            case 0:
                life.business_as_usual(luck, luck.randint(2, 12))
            case 1:
                life.price_gaps(luck.randint(-30, 30), luck)
            case 2:
                life.worker_reconciles(luck)
            case 3:
                life.time_passes(luck.choice(PAUSES), luck)
            case 4:
                wanted, passed = luck.choice(list(DesiredState)), luck.choice(list(PassedLevels))
                life.person_decides(wanted, passed, luck.random() < 0.7, luck)
            case 5:
                life.person_tries_again(luck)
            case 6:
                life.person_cancels_by_hand(luck)
    life.teardown()
