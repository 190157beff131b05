"""Levels typed by hand: a small table instead of the four numbers that make a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from core.parameter_table import BY_NAME
from core.parameters import CustomLevel

SWITCH = "field_on_custom_levels"
ROWS = "_custom_levels_start"
EDITED = "_custom_levels_now"
EDITOR = "custom_levels_editor"
FALL, SIZE = "fall", "size"
START = ((2.0, 100.0), (5.0, 150.0), (10.0, 250.0))
# These make the ladder where no levels are typed by hand.
REPLACED = (
    "max_safety_orders",
    "safety_order_size",
    "price_deviation",
    "step_scale",
    "volume_scale",
)


def put(levels: Sequence[CustomLevel] | None) -> None:
    st.session_state[SWITCH] = levels is not None
    pairs = (
        [(float(level.deviation * 100), float(level.size)) for level in levels]
        if levels
        else list(START)
    )
    st.session_state[ROWS] = pairs
    st.session_state.pop(EDITED, None)
    st.session_state.pop(EDITOR, None)


def are_on() -> bool:
    return bool(st.session_state.get(SWITCH))


def draw(quote: str) -> bool:
    """True when the levels are typed by hand."""
    entry = BY_NAME["custom_levels"]
    st.toggle(entry.label, key=SWITCH, help=f"{entry.what} {entry.advice}")
    if not are_on():
        return False
    frame = pd.DataFrame(st.session_state.get(ROWS, START), columns=[FALL, SIZE])
    edited = st.data_editor(
        frame, num_rows="dynamic", hide_index=True, width="stretch", key=EDITOR,
        column_config={
            FALL: st.column_config.NumberColumn("Below the first buy (%)", format="%.3f"),
            SIZE: st.column_config.NumberColumn(f"Spends ({quote})", format="%.2f"),
        },
    )  # fmt: skip
    st.session_state[EDITED] = edited.to_dict("records")
    return True


def read() -> list[dict[str, Any]] | None:
    if not are_on():
        return None
    rows = st.session_state.get(EDITED)
    if rows is None:
        rows = [{FALL: fall, SIZE: size} for fall, size in st.session_state.get(ROWS, START)]
    return [
        {"deviation": _number(row[FALL], Decimal("0.01")), "size": _number(row[SIZE], Decimal(1))}
        for row in rows
        if not (pd.isna(row[FALL]) and pd.isna(row[SIZE]))
    ]


def _number(value: object, factor: Decimal) -> str:
    """Text for the one gate that judges numbers; an empty cell stays empty."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return ""
    number = Decimal(repr(float(value)))  # type: ignore[arg-type]
    return format(number * factor, "f") if number.is_finite() else str(number)
