"""Every colour that carries words can be read: WCAG 2.1 AA, in both themes, reckoned from the colours."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import pytest

from core.ladder import build_ladder
from dashboard.charts.appearance import DARK, LIGHT
from dashboard.charts.ladder import ladder_figure
from dashboard.charts.market import LineKind, PriceLine, market_figure
from dashboard.charts.profit import profit_figure
from dashboard.equity import Drawn
from tests.builders import a_market, candles, some_parameters

AA, AA_OF_SHAPES = 4.5, 3.0
PALETTES = {"light": LIGHT, "dark": DARK}
GROUNDS = ("background", "raised")
CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.1)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_reckoned_as_the_standard_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("name", [n for n in asdict(LIGHT) if n not in ("grid", *GROUNDS)])
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_can_carry_words(theme, name, ground):
    palette = PALETTES[theme]
    assert contrast(getattr(palette, name), getattr(palette, ground)) >= AA


@pytest.mark.parametrize("name", ["textColor", "linkColor", "primaryColor", "greenColor", "redColor",
                                  "orangeColor", "yellowTextColor"])  # fmt: skip
def test_the_colours_of_the_pages_can_carry_words(name):
    theme = tomllib.loads(CONFIG.read_text())["theme"]
    assert contrast(theme[name], theme["backgroundColor"]) >= AA
    if name == "textColor":
        assert contrast(theme[name], theme["sidebar"]["backgroundColor"]) >= AA


def test_charts_and_pages_share_their_colours():
    theme = tomllib.loads(CONFIG.read_text())["theme"]
    assert (LIGHT.text, LIGHT.accent) == (theme["textColor"], theme["primaryColor"])
    assert (LIGHT.gain, LIGHT.loss) == (theme["greenColor"], theme["redColor"])
    assert (LIGHT.background, LIGHT.raised) == (
        theme["backgroundColor"],
        theme["sidebar"]["backgroundColor"],
    )
    for colour in theme["chartCategoricalColors"]:
        assert contrast(colour, theme["backgroundColor"]) >= AA_OF_SHAPES


@pytest.mark.parametrize("theme", PALETTES)
def test_a_chart_uses_the_colours_of_its_palette_only(theme):
    palette = PALETTES[theme]
    other = set(asdict(PALETTES["dark" if theme == "light" else "light"]).values())
    lines = [PriceLine(kind, Decimal(90), kind.value) for kind in LineKind]
    ladder = build_ladder(some_parameters(), Decimal(100), a_market())
    for figure in (
        market_figure(candles((1, 2, 1, 2)), lines, [], view="1", palette=palette),
        ladder_figure(ladder, "USDT", palette=palette),
        profit_figure(Drawn([0], [1.0], [1.0], [0.0]), "USDT", view="1", palette=palette),
    ):
        drawn = figure.to_json()
        assert palette.text in drawn
        assert not [colour for colour in other if colour in drawn]
