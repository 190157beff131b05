"""Any parameters that the table allows, for property tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.parameter_reading import read_parameters
from core.parameter_table import ENTRIES, REQUIRED, Choice, Count, Number, ParameterEntry, Switch

SHAPE = frozenset(
    {"max_safety_orders", "active_safety_orders", "price_deviation", "step_scale", "volume_scale",
     "custom_levels"}
)  # fmt: skip
"""They must fit together, so they are drawn together."""


@st.composite
def parameter_sets(draw: st.DrawFn) -> dict[str, Any]:
    """What `read_parameters` takes."""
    source = {
        entry.name: draw(_value(entry))
        for entry in ENTRIES
        if entry.name not in SHAPE and (entry.default is REQUIRED or draw(st.booleans()))
    }
    source |= draw(_by_hand() if draw(st.booleans()) else _reckoned())
    try:
        read_parameters(source)
    except InvalidInput:
        assume(False)
    return source


def _value(entry: ParameterEntry) -> st.SearchStrategy[Any]:
    rule = entry.rule
    if isinstance(rule, Number):
        high = min(rule.high, Decimal(10) ** 6)
        found: st.SearchStrategy[Any] = st.decimals(rule.low, high, places=6).map(str)
        return found | st.none() if entry.can_be_off else found
    if isinstance(rule, Count):
        counts = st.integers(rule.low, rule.high)
        return counts | st.none() if entry.can_be_off else counts
    if isinstance(rule, Choice):
        return st.sampled_from([option.value for option in rule.options])
    assert isinstance(rule, Switch)
    return st.booleans()


def _by_hand() -> st.SearchStrategy[dict[str, Any]]:
    deviations = st.lists(st.integers(1, 900), min_size=1, max_size=6, unique=True).map(sorted)
    return deviations.map(
        lambda found: {
            "custom_levels": [{"deviation": f"0.{each:03d}", "size": f"{each}.5"} for each in found]
        }
    )


def _reckoned() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "max_safety_orders": st.integers(1, 6),
            "active_safety_orders": st.integers(1, 1),
            "price_deviation": st.sampled_from(["0.001", "0.02", "0.013579"]),
            "step_scale": st.sampled_from(["0.1", "1", "1.3333", "1.5"]),
            "volume_scale": st.sampled_from(["0.1", "1", "1.4142135", "2"]),
        }
    )
