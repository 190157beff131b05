"""The parameters of a strategy, DESIGN 2.1: frozen values that `core.parameter_reading` has checked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.money import ZERO


class StopLossReference(StrEnum):
    AVERAGE_ENTRY_PRICE = "average_entry_price"
    BASE_ORDER_PRICE = "base_order_price"


class AfterStopLoss(StrEnum):
    STOP = "stop"
    CONTINUE = "continue"


class BaseOrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class CustomLevel:
    """`deviation`: distance from the base order's fill price, a fraction; `size` in quote."""

    deviation: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class Parameters:
    """Sizes in quote, rates and distances as fractions, durations in seconds. None: switched off."""

    base_order_size: Decimal
    safety_order_size: Decimal
    max_safety_orders: int = 6
    active_safety_orders: int = 6
    price_deviation: Decimal = Decimal("0.02")
    step_scale: Decimal = Decimal("1.5")
    volume_scale: Decimal = Decimal("1.4")
    custom_levels: tuple[CustomLevel, ...] | None = None
    take_profit: Decimal = Decimal("0.015")
    take_profit_includes_fees: bool = True
    trailing_deviation: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_reference: StopLossReference = StopLossReference.AVERAGE_ENTRY_PRICE
    after_stop_loss: AfterStopLoss = AfterStopLoss.STOP
    stop_loss_cooldown: int = 86_400
    max_stop_losses: int | None = 3
    trigger_price: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    base_order_type: BaseOrderType = BaseOrderType.MARKET
    cooldown: int = 0
    max_cycles: int | None = None
    reinvest: Decimal = ZERO

    @property
    def level_count(self) -> int:
        """N: how many safety orders a cycle has at most."""
        return self.max_safety_orders if self.custom_levels is None else len(self.custom_levels)

    def deviations(self) -> tuple[Decimal, ...]:
        """D_1 .. D_N, each a fraction below the base order's fill price (DESIGN 2.1)."""
        if self.custom_levels is not None:
            return tuple(level.deviation for level in self.custom_levels)
        found, gap, reached = [], self.price_deviation, ZERO
        for _ in range(self.max_safety_orders):
            reached += gap
            gap *= self.step_scale
            found.append(reached)
        return tuple(found)

    def sizes(self) -> tuple[Decimal, ...]:
        """Quote of safety orders 1 .. N; level 1 is exactly `safety_order_size`."""
        if self.custom_levels is not None:
            return tuple(level.size for level in self.custom_levels)
        found, size = [], self.safety_order_size
        for _ in range(self.max_safety_orders):
            found.append(size)
            size *= self.volume_scale
        return tuple(found)
