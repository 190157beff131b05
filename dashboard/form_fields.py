"""The fields of the strategy form: which widget shows a parameter, and how its value is read back.

Percent, minutes and hours exist on the screen only; `read` turns them into fractions and seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import streamlit as st

from core.errors import InvalidInput
from core.money import plain
from core.parameter_table import BY_NAME, REQUIRED, Choice, Count, Number, Switch
from core.parameters import AfterStopLoss, BaseOrderType, StopLossReference
from dashboard.formatting import short_percent

PREFIX = "field_"
ON = "on_"
PERCENT, MINUTES, HOURS, TIMES, QUOTE, PRICE, PIECES = (
    "%", "minutes", "hours", "×", "quote", "price", "",
)  # fmt: skip
FACTORS = {PERCENT: Decimal("0.01"), MINUTES: Decimal(60), HOURS: Decimal(3600)}
CHOICE_WORDS = {
    StopLossReference.AVERAGE_ENTRY_PRICE.value: "the average entry price",
    StopLossReference.BASE_ORDER_PRICE.value: "the price of the first buy",
    AfterStopLoss.STOP.value: "stop",
    AfterStopLoss.CONTINUE.value: "go on after a pause",
    BaseOrderType.MARKET.value: "a market order, at once",
    BaseOrderType.LIMIT.value: "a limit order at the best bid",
}


@dataclass(frozen=True, slots=True)
class Field:
    """`start`: what a parameter that can be off begins with when it is switched on, in screen units."""

    name: str
    unit: str = PIECES
    step: float = 1
    places: int = 0
    start: float = 1

    @property
    def key(self) -> str:
        return PREFIX + self.name

    @property
    def switch_key(self) -> str:
        return PREFIX + ON + self.name

    @property
    def factor(self) -> Decimal:
        return FACTORS.get(self.unit, Decimal(1))

    def label(self, quote: str) -> str:
        label = BY_NAME[self.name].label
        unit = {QUOTE: quote, PRICE: quote}.get(self.unit, self.unit)
        return f"{label} ({unit})" if unit else label

    def help(self) -> str:
        entry = BY_NAME[self.name]
        what, advice = entry.what, entry.advice
        if self.unit in (MINUTES, HOURS):
            what = what.replace("Seconds to wait", f"{self.unit.capitalize()} to wait")
        return f"{what} {advice}"


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    fields: tuple[Field, ...]


SIZES = Group(
    "How much it buys",
    (
        Field("base_order_size", QUOTE, 10.0, 2),
        Field("safety_order_size", QUOTE, 10.0, 2),
        Field("volume_scale", TIMES, 0.1, 3),
    ),
)
LADDER = Group(
    "How far down it buys",
    (
        Field("max_safety_orders"),
        Field("price_deviation", PERCENT, 0.1, 3),
        Field("step_scale", TIMES, 0.1, 3),
        Field("active_safety_orders", start=3),
    ),
)
EXIT = Group(
    "When it sells",
    (
        Field("take_profit", PERCENT, 0.1, 3),
        Field("take_profit_includes_fees"),
        Field("trailing_deviation", PERCENT, 0.1, 3, start=0.5),
        Field("stop_loss", PERCENT, 1.0, 2, start=50.0),
        Field("stop_loss_reference"),
        Field("after_stop_loss"),
        Field("stop_loss_cooldown", HOURS, 1.0, 2),
        Field("max_stop_losses", start=3),
    ),
)
START = Group(
    "When a cycle starts",
    (
        Field("base_order_type"),
        Field("trigger_price", PRICE, 1.0, 8, start=0.0),
        Field("min_price", PRICE, 1.0, 8, start=0.0),
        Field("max_price", PRICE, 1.0, 8, start=0.0),
        Field("cooldown", MINUTES, 1.0, 2),
        Field("max_cycles", start=10),
        Field("reinvest", PERCENT, 10.0, 2),
    ),
)
GROUPS = (SIZES, LADDER, EXIT, START)
FIELDS = {field.name: field for group in GROUPS for field in group.fields}
WITH_STOP_LOSS = {
    "stop_loss_reference", "after_stop_loss", "stop_loss_cooldown", "max_stop_losses"
}  # fmt: skip
CAN_BE_OFF = {name for name in FIELDS if BY_NAME[name].can_be_off} | {"active_safety_orders"}


def shown(field: Field, value: Any) -> Any:
    """A parameter's JSON-like value as its widget holds it."""
    rule = BY_NAME[field.name].rule
    if isinstance(rule, Choice | Switch):
        return getattr(value, "value", value)
    if isinstance(rule, Count) and field.unit == PIECES:
        return int(value)
    return float(Decimal(str(value)) / field.factor)


def put(name: str, value: Any) -> None:
    """Writes a value into the widget's state, before the widget is drawn."""
    field = FIELDS[name]
    if name in CAN_BE_OFF:
        st.session_state[field.switch_key] = value is not None
    if value is not None:
        st.session_state[field.key] = shown(field, value)


def is_on(field: Field) -> bool:
    return field.name not in CAN_BE_OFF or bool(st.session_state.get(field.switch_key))


def is_asked(field: Field) -> bool:
    """What only matters beside a stop loss is not asked without one."""
    return field.name not in WITH_STOP_LOSS or is_on(FIELDS["stop_loss"])


def draw(field: Field, quote: str, price: Decimal | None) -> None:
    if not is_asked(field):
        return
    if field.name in CAN_BE_OFF:
        st.toggle(BY_NAME[field.name].label, key=field.switch_key, help=field.help())
        if not is_on(field):
            return
        start = float(price) if field.unit == PRICE and price is not None else field.start
        st.session_state.setdefault(field.key, start)
    elif BY_NAME[field.name].default is not REQUIRED:
        st.session_state.setdefault(field.key, shown(field, BY_NAME[field.name].default))
    _widget(field, quote)


def _widget(field: Field, quote: str) -> None:
    rule = BY_NAME[field.name].rule
    label, help_text = field.label(quote), field.help()
    if isinstance(rule, Switch):
        st.toggle(label, key=field.key, help=help_text)
    elif isinstance(rule, Choice):
        st.selectbox(
            label, [option.value for option in rule.options], key=field.key, help=help_text,
            format_func=lambda value: CHOICE_WORDS[value],
        )  # fmt: skip
    elif isinstance(rule, Count) and field.unit == PIECES:
        # No bounds on the widget: it would clamp in silence where the sentence explains.
        st.number_input(label, key=field.key, help=help_text, step=1, value=None)
    else:
        st.number_input(
            label, key=field.key, help=help_text, step=float(field.step), value=None,
            format=f"%.{field.places}f" if field.places <= 3 else "%.8g",
        )  # fmt: skip


def read(skip: Collection[str] = ()) -> dict[str, Any]:
    """What the widgets hold, as `core.parameter_reading` wants it. Raises InvalidInput."""
    source: dict[str, Any] = {}
    for field in FIELDS.values():
        if field.name in skip or not is_asked(field):
            continue
        if not is_on(field):
            if field.name != "active_safety_orders":
                source[field.name] = None
            continue
        source[field.name] = _read_one(field, st.session_state.get(field.key))
    return source


def _read_one(field: Field, value: Any) -> Any:
    rule = BY_NAME[field.name].rule
    if isinstance(rule, Switch | Choice):
        return value
    if value is None:
        raise InvalidInput(field.name, "is empty; type a number.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(field.name, "is not a number; type one.")
    if abs(value) > 10**15:
        raise InvalidInput(field.name, "is far too large; type a smaller number.")
    number = Decimal(repr(value)) * field.factor
    if field.unit == PERCENT and isinstance(rule, Number):
        _check_percent(field.name, number, rule)
    if field.unit in (MINUTES, HOURS):
        number = number.to_integral_value()
        if isinstance(rule, Count) and not rule.low <= number <= rule.high:
            most = plain(Decimal(rule.high) / field.factor, 6)
            raise InvalidInput(field.name, f"must be from 0 to {most} {field.unit}.")
    return plain(number, 36)


def _check_percent(name: str, number: Decimal, rule: Number) -> None:
    """The range in percent, because that is what the person typed."""
    low, high = short_percent(rule.low), short_percent(rule.high)
    if number > rule.high or number < rule.low or (rule.open_low and number <= rule.low):
        start = "above" if rule.open_low else "from"
        raise InvalidInput(name, f"must be {start} {low} and at most {high}; change it.")


NAMES = re.compile(r"\b(" + "|".join(sorted(BY_NAME, key=len, reverse=True)) + r")\b")
IN_BRACKETS = re.compile(r"“([^”]+)” \(([0-9.]+)\)")
PERCENT_LABELS = {BY_NAME[name].label for name, f in FIELDS.items() if f.unit == PERCENT}


ONE_LEVEL = re.compile(r"custom_levels\[(\d+)\](\.(\w+))?")


def speak(problem: InvalidInput) -> str:
    """The sentence with the words of the form instead of the names of the code."""
    return in_words(str(problem))


def in_words(sentence: str) -> str:
    sentence = ONE_LEVEL.sub(
        lambda match: f"level {match.group(1)}, {LEVEL_WORDS.get(match.group(3), 'the row')}",
        sentence,
    )
    sentence = NAMES.sub(lambda match: f"“{BY_NAME[match.group(1)].label}”", sentence)

    def in_percent(match: re.Match[str]) -> str:
        if match.group(1) not in PERCENT_LABELS:
            return match.group(0)
        return f"“{match.group(1)}” ({short_percent(Decimal(match.group(2)))})"

    return IN_BRACKETS.sub(in_percent, sentence)


LEVEL_WORDS = {"deviation": "distance", "size": "money"}
