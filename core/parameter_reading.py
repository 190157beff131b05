"""Where text becomes parameters: the one gate for the form, the command line and database rows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.errors import InvalidInput
from core.money import LARGEST, PLACES, PLAIN_NUMBER, exact, plain
from core.parameter_table import (
    BY_NAME,
    ENTRIES,
    REQUIRED,
    Choice,
    Count,
    Levels,
    Number,
    ParameterEntry,
    Switch,
)
from core.parameters import CustomLevel, Parameters

DEVIATION = Number(Decimal(0), Decimal("0.99"), open_low=True)
SIZE = Number(Decimal(0), Decimal(10) ** 12, open_low=True)


@exact
def read_parameters(source: object) -> Parameters:
    """Parameters from a JSON-like object. Raises `InvalidInput` naming the field and the way out."""
    if not isinstance(source, Mapping):
        raise InvalidInput("parameters", 'must be an object such as {"base_order_size": "100"}.')
    for name in source:
        if name not in BY_NAME:
            raise _unknown(str(name))
    values = {entry.name: _value(entry, source) for entry in ENTRIES}
    _fill_in(values, source)
    parameters = Parameters(**values)
    _check_together(parameters)
    return parameters


def write_parameters(parameters: Parameters) -> dict[str, Any]:
    """The JSON-like object that `read_parameters` reads back equal."""
    written: dict[str, Any] = {}
    for entry in ENTRIES:
        value = getattr(parameters, entry.name)
        if isinstance(value, Decimal):
            value = plain(value, 60)
        elif isinstance(value, StrEnum):
            value = value.value
        elif isinstance(value, tuple):
            value = [
                {"deviation": plain(level.deviation, 60), "size": plain(level.size, 60)}
                for level in value
            ]
        written[entry.name] = value
    if parameters.custom_levels is not None:
        del written["max_safety_orders"]
    return written


def read_number(field: str, value: object, rule: Number) -> Decimal:
    """A finite decimal in the range of `rule` with at most 18 digits after the point."""
    number = _decimal(field, value)
    low, high = plain(rule.low), plain(rule.high)
    if rule.open_low and number <= rule.low:
        raise InvalidInput(field, f"must be above {low}; use a number up to {high}.")
    if number < rule.low or number > rule.high:
        raise InvalidInput(field, f"must be from {low} to {high}; choose a number in that range.")
    return number


WANTED = "write a plain number such as 0.015 or 100"


def _decimal(field: str, value: object) -> Decimal:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, str):
        value = _digits(field, value)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise InvalidInput(field, f"is not a number; {WANTED}.")
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise InvalidInput(field, f"is too large; use a number up to {plain(SIZE.high)}.")
    number = Decimal(value)
    if not number.is_finite():
        raise InvalidInput(field, f"must be a finite number; {WANTED}.")
    return _at_most_18_places(field, number)


def _digits(field: str, text: str) -> str:
    text = text.strip()
    if text == "":
        raise InvalidInput(field, f"is empty; {WANTED}.")
    if len(text) > 60 or not PLAIN_NUMBER.fullmatch(text):
        raise InvalidInput(field, f"is not a number; {WANTED}, without an exponent.")
    return text


def _at_most_18_places(field: str, number: Decimal) -> Decimal:
    if number == 0:
        return abs(number)  # never a minus zero
    if number.adjusted() >= 18 or number.adjusted() < -PLACES:
        raise InvalidInput(field, f"is out of range; {WANTED}.")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -PLACES:
        raise InvalidInput(field, f"has more than {PLACES} digits after the point; round it.")
    return number


def _unknown(name: str) -> InvalidInput:
    close = difflib.get_close_matches(name, BY_NAME, n=1)
    hint = f"did you mean {close[0]}?" if close else "remove it."
    return InvalidInput(name[:60], f"is not a parameter; {hint}")


def _value(entry: ParameterEntry, source: Mapping[str, Any]) -> Any:
    if entry.name not in source:
        return None if entry.default is REQUIRED else entry.default
    value = source[entry.name]
    if value is None:
        if entry.can_be_off:
            return None
        raise InvalidInput(entry.name, "cannot be switched off; give a value or leave it out.")
    rule = entry.rule
    if isinstance(rule, Number):
        return read_number(entry.name, value, rule)
    if isinstance(rule, Count):
        return _count(entry.name, value, rule)
    if isinstance(rule, Choice):
        return _choice(entry.name, value, rule)
    if isinstance(rule, Switch):
        if not isinstance(value, bool):
            raise InvalidInput(entry.name, "must be true or false.")
        return value
    return _levels(entry.name, value, rule)


def _count(field: str, value: object, rule: Count) -> int:
    number = _decimal(field, value)
    if number != number.to_integral_value():
        raise InvalidInput(field, f"must be a whole number from {rule.low} to {rule.high}.")
    if not rule.low <= number <= rule.high:
        raise InvalidInput(field, f"must be from {rule.low} to {rule.high}; choose one in between.")
    return int(number)


def _choice(field: str, value: object, rule: Choice) -> Any:
    options = [option.value for option in rule.options]
    if not isinstance(value, str) or value not in options:
        raise InvalidInput(field, f"must be one of: {', '.join(options)}.")
    return rule.options(value)


def _levels(field: str, value: object, rule: Levels) -> tuple[CustomLevel, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise InvalidInput(
            field, 'must be a list such as [{"deviation": "0.02", "size": "50"}], or null for none.'
        )
    if len(value) > rule.most:
        raise InvalidInput(field, f"has {len(value)} levels; use at most {rule.most}.")
    levels: list[CustomLevel] = []
    for number, item in enumerate(value, start=1):
        here = f"{field}[{number}]"
        if not isinstance(item, Mapping) or set(item) != {"deviation", "size"}:
            raise InvalidInput(here, "must have exactly a deviation and a size.")
        deviation = read_number(f"{here}.deviation", item["deviation"], DEVIATION)
        if levels and deviation <= levels[-1].deviation:
            raise InvalidInput(
                f"{here}.deviation", "must be larger than that of the level before it."
            )
        levels.append(CustomLevel(deviation, read_number(f"{here}.size", item["size"], SIZE)))
    return tuple(levels)


def _fill_in(values: dict[str, Any], source: Mapping[str, Any]) -> None:
    """Defaults that depend on other parameters."""
    custom = values["custom_levels"]
    if custom is not None:
        if "max_safety_orders" in source and values["max_safety_orders"] != len(custom):
            raise InvalidInput(
                "max_safety_orders",
                f"does not fit custom_levels, which has {len(custom)}; leave max_safety_orders out.",
            )
        values["max_safety_orders"] = len(custom)
    if values["base_order_size"] is None:
        raise InvalidInput("base_order_size", "is missing; give the size of the first buy.")
    if values["safety_order_size"] is None:
        if custom is None and values["max_safety_orders"] > 0:
            raise InvalidInput(
                "safety_order_size",
                "is missing; give the size of the first extra buy, or set max_safety_orders to 0.",
            )
        values["safety_order_size"] = values["base_order_size"]
    if values["active_safety_orders"] is None:
        values["active_safety_orders"] = values["max_safety_orders"]


def _check_together(parameters: Parameters) -> None:
    count, active = parameters.level_count, parameters.active_safety_orders
    if not (1 <= active <= count or active == count == 0):
        allowed = f"from 1 to {count}" if count else "0, because there are no safety orders"
        raise InvalidInput("active_safety_orders", f"must be {allowed}; leave it out for all.")
    trailing, profit = parameters.trailing_deviation, parameters.take_profit
    if trailing is not None and trailing >= profit:
        raise InvalidInput(
            "trailing_deviation", f"must be smaller than take_profit ({plain(profit)}); lower it."
        )
    low, high = parameters.min_price, parameters.max_price
    if low is not None and high is not None and low > high:
        raise InvalidInput("min_price", f"is above max_price ({plain(high)}); swap them.")
    trigger = parameters.trigger_price
    if low is not None and trigger is not None and low > trigger:
        raise InvalidInput(
            "min_price", f"is above trigger_price ({plain(trigger)}): no cycle could ever start."
        )
    _check_depth(parameters)


def _check_depth(parameters: Parameters) -> None:
    for level, deviation in enumerate(parameters.deviations(), start=1):
        if deviation >= 1:
            raise InvalidInput(
                "max_safety_orders",
                f"level {level} would lie {plain(deviation * 100, 6)} % below the first buy, under"
                f" a price of zero; {level - 1} safety orders fit. Use at most {level - 1}, or"
                " lower price_deviation or step_scale.",
            )
    total = parameters.base_order_size + sum(parameters.sizes())
    if total > SIZE.high:
        raise InvalidInput(
            "volume_scale",
            f"the whole ladder would need {plain(total, 6)}; lower volume_scale,"
            " max_safety_orders or safety_order_size.",
        )
