"""Parts that several screens share: the banner, the worker warning, amounts with colour, empty states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import streamlit as st

from core.exposure import FALLS
from dashboard.formatting import escape, money, percent
from dashboard.words import KIND_COLOURS, KIND_SENTENCES, KIND_WORDS
from db.accounts import AccountKind


def header(title: str, kinds: Iterable[AccountKind]) -> None:
    """Banner first, then the title: nobody should have to look for what kind of money this is."""
    shown = [kind for kind in AccountKind if kind in set(kinds)]
    for kind in shown:
        st.markdown(f":{KIND_COLOURS[kind]}-badge[**{KIND_WORDS[kind]}**] {KIND_SENTENCES[kind]}")
    st.header(escape(title), anchor=False)


def signed(value: Decimal | None, coin: str) -> str:
    """Gains green, losses red, in Markdown."""
    text = escape(money(value, coin, signed=True))
    if value is None or value == 0:
        return text
    return f":{'green' if value > 0 else 'red'}[{text}]"


def figure(label: str, value: str, help_text: str | None = None, delta: str | None = None) -> None:
    """One number in a box that wraps where `st.metric` would cut; `delta`: small words below."""
    with st.container(border=True, height="stretch", gap=None):
        st.caption(escape(label), help=help_text)
        below = f"\n\n:small[:gray[{escape(delta)}]]" if delta else ""
        st.markdown(f"##### {escape(value)}{below}")


BOX = 165
"""Two boxes side by side fit a phone of 390 px, four a desktop."""


def losses(results: Mapping[Decimal, Decimal], quote: str, help_text: str) -> None:
    """One box per fall. Without a price nothing can be said."""
    for fall in FALLS:
        result = results.get(fall)
        word = "Result" if result is not None and result > 0 else "Loss"
        label = f"{word} at {percent(-fall, 0)}"
        figure(
            label,
            "no price yet" if result is None else money(result, quote, signed=True),
            help_text,
        )


def empty(sentence: str) -> None:
    with st.container(border=True):
        st.write(sentence)


def worker_silent() -> None:
    st.warning(
        "**The worker does not answer.** It is the part that trades: until it is back, nothing new is"
        " bought or sold and stop losses are not watched. Orders that rest on an exchange stay there."
        " It is started together with the dashboard by `make run`; an administrator sees more under"
        " Administration.",
        icon=":material/warning:",
    )


def facts(pairs: Iterable[tuple[str, str]], width: int = 150) -> None:
    """Small labelled values (Markdown, escaped by the caller) that wrap instead of overflowing on a phone."""
    with st.container(horizontal=True, gap="small"):
        for label, value in pairs:
            with st.container(width=width, gap=None):
                st.caption(label)
                st.markdown(value)
