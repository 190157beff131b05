"""Every parameter of DESIGN 2.1 once: its range, default and words. Form, command line and database
rows are all read through this table, so they say the same sentences."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.parameters import AfterStopLoss, BaseOrderType, StopLossReference

LARGEST_SIZE = Decimal(10) ** 12
DAYS_30 = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal in a range. `open_low`: the low end itself is refused."""

    low: Decimal
    high: Decimal
    open_low: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Choice:
    options: type[StrEnum]


@dataclass(frozen=True, slots=True)
class Switch:
    pass


@dataclass(frozen=True, slots=True)
class Levels:
    most: int


Rule = Number | Count | Choice | Switch | Levels
REQUIRED = object()


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """`default` is REQUIRED where the table gives none; `can_be_off`: null is allowed."""

    name: str
    rule: Rule
    default: Any
    label: str
    what: str
    advice: str
    can_be_off: bool = False


_D = Decimal
SIZE = Number(_D(0), LARGEST_SIZE, open_low=True)
SCALE = Number(_D("0.1"), _D(10))
FRACTION = Number(_D(0), _D(1), open_low=True)

ENTRIES: tuple[ParameterEntry, ...] = (
    ParameterEntry(
        "base_order_size", SIZE, REQUIRED, "First buy",
        "Money spent by the first buy of each cycle, in the quote coin.",
        "Keep it small: the extra buys below it need several times as much.",
    ),
    ParameterEntry(
        "safety_order_size", SIZE, REQUIRED, "First extra buy",
        "Money spent by the first extra buy; the later ones grow from it.",
        "Larger pulls the average down faster and needs more money.",
    ),
    ParameterEntry(
        "max_safety_orders", Count(0, 100), 6, "Extra buys",
        "How many extra buys a cycle makes at most while the price falls.",
        "More extra buys cover a deeper fall and tie up more money.",
    ),
    ParameterEntry(
        "active_safety_orders", Count(0, 100), None, "Extra buys resting at once",
        "How many of the extra buys wait on the exchange at the same time.",
        "All of them is safest; fewer keeps money free until it is needed.",
    ),
    ParameterEntry(
        "price_deviation", Number(_D(0), _D("0.5"), open_low=True), _D("0.02"),
        "First step down",
        "How far below the first buy the first extra buy waits.",
        "Smaller buys sooner and more often; larger waits for a real fall.",
    ),
    ParameterEntry(
        "step_scale", SCALE, _D("1.5"), "Step growth",
        "Each gap between extra buys is this many times the gap before it.",
        "Above 1 the ladder reaches deeper with the same number of buys.",
    ),
    ParameterEntry(
        "volume_scale", SCALE, _D("1.4"), "Size growth",
        "Each extra buy is this many times the size of the one before it.",
        "Above 1 the average follows the price closely, and the money needed grows fast.",
    ),
    ParameterEntry(
        "custom_levels", Levels(100), None, "Levels typed by hand",
        "Your own list of distances and sizes instead of the four numbers above.",
        "Leave it off unless you have a ladder of your own.",
        can_be_off=True,
    ),
    ParameterEntry(
        "take_profit", Number(_D(0), _D(10), open_low=True), _D("0.015"), "Take profit",
        "How far above the average entry price everything is sold.",
        "Smaller ends cycles sooner with less; it must pay the fees.",
    ),
    ParameterEntry(
        "take_profit_includes_fees", Switch(), True, "Take profit is after fees",
        "On: the take profit is what you keep after buy and sell fees.",
        "Leave it on unless you compare with a product that ignores fees.",
    ),
    ParameterEntry(
        "trailing_deviation", FRACTION, None, "Trailing",
        "After the take profit is reached, sell when the price has fallen this far from its peak.",
        "Works only while the worker runs. Must be smaller than the take profit.",
        can_be_off=True,
    ),
    ParameterEntry(
        "stop_loss", Number(_D(0), _D("0.99"), open_low=True), None, "Stop loss",
        "Sell everything at a loss when the price is this far below the reference.",
        "Works only while the worker runs. It must lie below the last extra buy.",
        can_be_off=True,
    ),
    ParameterEntry(
        "stop_loss_reference", Choice(StopLossReference),
        StopLossReference.AVERAGE_ENTRY_PRICE, "Stop loss is measured from",
        "The average entry price, or the price of the first buy.",
        "From the first buy it stays where it is while extra buys fill.",
    ),
    ParameterEntry(
        "after_stop_loss", Choice(AfterStopLoss), AfterStopLoss.STOP, "After a stop loss",
        "Stop, or continue with the next cycle after a pause.",
        "Stop lets you look before more money is risked.",
    ),
    ParameterEntry(
        "stop_loss_cooldown", Count(0, DAYS_30), 86_400, "Pause after a stop loss",
        "Seconds to wait after a stop loss before the next cycle.",
        "A day keeps it from buying back into the same fall.",
    ),
    ParameterEntry(
        "max_stop_losses", Count(1, 1000), 3, "Stop losses in a row",
        "After this many stop losses in a row the strategy stops.",
        "Off means no limit.",
        can_be_off=True,
    ),
    ParameterEntry(
        "trigger_price", SIZE, None, "Start at or below",
        "Every cycle starts only when the price is at or below this.",
        "Use it to wait for a price you like.",
        can_be_off=True,
    ),
    ParameterEntry(
        "min_price", SIZE, None, "Lowest start price",
        "No new cycle starts below this price.",
        "Keeps the strategy from starting into a collapse.",
        can_be_off=True,
    ),
    ParameterEntry(
        "max_price", SIZE, None, "Highest start price",
        "No new cycle starts above this price.",
        "Keeps the strategy from starting at a top.",
        can_be_off=True,
    ),
    ParameterEntry(
        "base_order_type", Choice(BaseOrderType), BaseOrderType.MARKET, "First buy as",
        "A market order, or a limit order at the best bid that follows the price for 5 minutes.",
        "Limit can save a little fee and may not fill.",
    ),
    ParameterEntry(
        "cooldown", Count(0, DAYS_30), 0, "Pause between cycles",
        "Seconds to wait after a cycle before the next one starts.",
        "0 starts the next cycle at once.",
    ),
    ParameterEntry(
        "max_cycles", Count(1, 1_000_000), None, "Cycles at most",
        "The strategy stops after this many cycles.",
        "Off means it goes on.",
        can_be_off=True,
    ),
    ParameterEntry(
        "reinvest", Number(_D(0), _D(1)), _D(0), "Reinvest",
        "Share of what was earned that makes the next cycle larger.",
        "0 keeps all sizes as they are.",
    ),
)  # fmt: skip
BY_NAME = {entry.name: entry for entry in ENTRIES}
