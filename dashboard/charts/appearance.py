"""Colours and the layout that all charts share; the light ones are those of `.streamlit/config.toml`.

Each colour of a palette is readable as text on both of its backgrounds (WCAG 2.1 AA, 4.5 to 1), because lines
carry labels of their own colour. What a line stands for is never told by its colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Palette:
    """`background`: of the page. `raised`: of boxes and the sidebar. `grid`: only decoration."""

    background: str
    raised: str
    text: str
    quiet: str
    grid: str
    accent: str
    gain: str
    loss: str
    warn: str
    violet: str


LIGHT = Palette(
    background="#ffffff",
    raised="#eef2f6",
    text="#16212c",
    quiet="#5c6874",
    grid="#e6ebf0",
    accent="#0f5f8c",
    gain="#157a4a",
    loss="#b3261e",
    warn="#a85a00",
    violet="#6b4fa0",
)
DARK = Palette(
    background="#10171e",
    raised="#1a242d",
    text="#e6edf3",
    quiet="#9aa7b4",
    grid="#26323d",
    accent="#6cb6e6",
    gain="#4cc38a",
    loss="#ff8a80",
    warn="#f0a94a",
    violet="#b9a3e8",
)


def layout(palette: Palette, height: int, **more: Any) -> dict[str, Any]:
    """Quiet, no background of its own, no title, legend below: it must be readable at 390 px."""
    return {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": palette.text, "size": 12, "family": "sans-serif"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "legend": {"orientation": "h", "y": -0.12, "x": 0, "yanchor": "top"},
        "hoverlabel": {"bgcolor": palette.background, "font": {"color": palette.text}},
        "dragmode": "pan",
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)", "color": palette.quiet, "activecolor": palette.accent,
        },
        **more,
    }  # fmt: skip


def axis(palette: Palette, **more: Any) -> dict[str, Any]:
    return {
        "gridcolor": palette.grid, "zeroline": False, "automargin": True, "linecolor": palette.grid,
        **more,
    }  # fmt: skip
