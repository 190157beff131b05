"""Prices that move by themselves, for drills: seeded, and lively enough for a cycle in a minute or two."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

from tests.exchange.exchange import Exchange


class Restless:
    """Each symbol swings around its first price (`swing` of it, once in `period` seconds) with noise."""

    def __init__(
        self, exchange: Exchange, seed: int, *, swing: float = 0.03, period: float = 90.0
    ) -> None:
        self._exchange = exchange
        self._random = Random(seed)
        self._swing = swing
        self._period = period
        self._centre = {name: float(one.last) for name, one in exchange.symbols.items()}
        self._phase = {name: self._random.uniform(0, 1) for name in self._centre}
        self._wander = dict.fromkeys(self._centre, 0.0)

    def step(self, seconds: float) -> None:
        """`seconds` have passed since the last step."""
        for name, centre in self._centre.items():
            symbol = self._exchange.symbols[name]
            if not symbol.is_open:
                continue
            self._phase[name] += seconds / self._period * self._random.uniform(0.5, 1.5)
            self._wander[name] = self._wander[name] * 0.99 + self._random.gauss(0, 0.0008)
            factor = (
                1 + self._swing * math.sin(2 * math.pi * self._phase[name]) + self._wander[name]
            )
            tick = symbol.rules.tick
            price = Decimal(round(centre * factor / float(tick))) * tick
            self._exchange.move(name, max(price, tick))
