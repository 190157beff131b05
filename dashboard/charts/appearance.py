"""Colours and the layout that all charts share; the colours are those of `.streamlit/config.toml`."""

from __future__ import annotations

from typing import Any

TEXT = "#16212c"
QUIET = "#6b7885"
GRID = "#e6ebf0"
ACCENT = "#0f5f8c"
GAIN = "#157a4a"
LOSS = "#b3261e"
WARN = "#a85a00"
VIOLET = "#6b4fa0"


def layout(height: int, **more: Any) -> dict[str, Any]:
    """White, quiet, no title, legend below: it must be readable at 390 px."""
    return {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": TEXT, "size": 12, "family": "sans-serif"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "legend": {"orientation": "h", "y": -0.12, "x": 0, "yanchor": "top"},
        "hoverlabel": {"bgcolor": "#ffffff", "font": {"color": TEXT}},
        "dragmode": "pan",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": QUIET, "activecolor": ACCENT},
        **more,
    }


def axis(**more: Any) -> dict[str, Any]:
    return {
        "gridcolor": GRID, "zeroline": False, "automargin": True, "linecolor": GRID, **more
    }  # fmt: skip
