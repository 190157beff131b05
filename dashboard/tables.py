"""Tables of text as people read them: what is long wraps or scrolls, and nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.formatting import escape, short_when

THIN = " .,:\u202f"
THIN_LETTER, LETTER, CAPITAL, BESIDE_TEXT, MOST_WIDE = 3.8, 7.2, 9.0, 18, 400
"""Pixels: how wide letters are in a table at most, the room around the text of a cell, and where sentences
are cut (no number is that long)."""
MARKS = {"info": "", "warning": ":material/warning:", "alarm": ":material/error:"}


def sentences(rows: Iterable[tuple[datetime, str, str]], time_zone: str) -> None:
    """(time, level, sentence) as rows whose text wraps instead of being cut."""
    wrapped(
        [
            {
                "Time": short_when(at, time_zone),
                "What and why": sentence,
                "": MARKS.get(level, ""),
            }
            for at, level, sentence in rows
        ]
    )


def wrapped(rows: list[dict[str, str]]) -> None:
    """Long text wraps here, where `st.dataframe` would cut it. Nothing in it is Markdown but our marks."""
    marks = set(MARKS.values())
    st.table(
        pd.DataFrame(
            [
                {name: text if text in marks else escape(text) for name, text in row.items()}
                for row in rows
            ]
        ),
        border="horizontal",
        hide_index=True,
    )


def widths(rows: list[dict[str, str]]) -> dict[str, int]:
    """Pixels by column: a table makes columns of equal share otherwise, and cuts what is longer."""
    names = rows[0].keys() if rows else ()
    texts = {name: (name, *(row[name] for row in rows)) for name in names}
    return {
        name: min(MOST_WIDE, BESIDE_TEXT + round(max(_length(text) for text in found)))
        for name, found in texts.items()
    }


def _length(text: str) -> float:
    return sum(
        THIN_LETTER if letter in THIN else CAPITAL if letter.isupper() else LETTER
        for letter in text
    )


def table(rows: list[dict[str, str]], pinned: str | None = None) -> None:
    """Text cells, so that nothing rounds or sorts them into something else. Each column is as wide as its
    longest text: where they do not fit beside each other the table scrolls, and `pinned` stays in sight."""
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(width=width, pinned=name == pinned)
        for name, width in widths(rows).items()
    }
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", column_config=config,
        height="auto" if len(rows) < 12 else 420,
    )  # fmt: skip
