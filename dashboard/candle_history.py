"""Candles for a chart: what is missing is asked of the worker once, and its progress is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core.candles import Candle
from dashboard import prices
from dashboard.candle_gaps import OPEN, Span, fraction_done, to_ask
from dashboard.database import read, write
from dashboard.formatting import escape, percent_done
from db import candle_requests
from db.candle_requests import CandleRequest, RequestState
from db.candles import milliseconds
from db.sessions import Principal

SPANS = {"1 hour": (1, 1.0), "3 hours": (1, 3.0), "1 day": (5, 24.0), "1 week": (60, 168.0)}
"""By name: minutes of a candle, hours in all."""
FIRST_SPAN = "1 hour"
ASKED = "_history_asked"

Place = tuple[str, str, str]
"""Venue, symbol, and what the history is for: charts with different spans do not share requests."""


def choose_span(key: str) -> tuple[str, int, float]:
    """(name, minutes of a candle, hours)."""
    span = st.segmented_control(
        "Time shown", list(SPANS), default=FIRST_SPAN, required=True, key=key,
        label_visibility="collapsed",
    )  # fmt: skip
    return (span or FIRST_SPAN, *SPANS[span or FIRST_SPAN])


def shown(
    person: Principal, venue: str, symbol: str, minutes: int, hours: float, now: datetime
) -> tuple[Candle, ...]:
    """What there is of the last `hours`; for the rest a request is written, and its progress drawn."""
    span, now_ms = prices.recent(hours, now), milliseconds(now)
    place = (venue, symbol, "chart")
    last = last_request(person, place)
    # With each step of the worker the candles are read anew, not when the cache runs out.
    fetched = 0 if last is None else (last.done_until or 0)
    history = prices.history(venue, symbol, minutes, span.since, span.until, fetched)
    last = ask_for(person, place, history.missing, span.until, now)
    if history.missing and last is not None:
        say(last, place, now_ms)
    return history.candles


def ask_for(
    person: Principal, place: Place, missing: Sequence[Span], until: int, now: datetime
) -> CandleRequest | None:
    """The request that what is missing waits for; written unless one was."""
    last = last_request(person, place)
    wish = to_ask(missing, until, last, milliseconds(now))
    return last if wish is None else _ask(person, place, wish, now)


def last_request(person: Principal, place: Place) -> CandleRequest | None:
    """The one that this tab waits for or waited for."""
    number = st.session_state.get(ASKED, {}).get(place)
    if number is None:
        return None
    return read(lambda session: candle_requests.request(session, person.user_id, number))


def _ask(person: Principal, place: Place, wish: Span, now: datetime) -> CandleRequest | None:
    venue, symbol, _ = place
    number = write(
        lambda session: candle_requests.ask(
            session, person.user_id, venue, symbol, wish.since, wish.until, now
        )
    )
    st.session_state.setdefault(ASKED, {})[place] = number
    return last_request(person, place)


def say(request: CandleRequest, place: Place, now_ms: int) -> None:
    if request.state in OPEN:
        done = fraction_done(request, now_ms)
        waiting = request.state is RequestState.WANTED
        how_far = "waiting for the worker" if waiting else f"{percent_done(done)} done"
        st.progress(done, text=f"History is being fetched: {how_far}.")
    elif request.state is RequestState.FAILED:
        reason = request.reason or "The worker did not say why."
        st.warning(f"The history could not be fetched. {escape(reason)}")
        st.button(
            "Ask again", key=f"ask-again-{place[2]}-{request.id}", on_click=_forget, args=(place,)
        )
    else:
        st.caption("The exchange has no candles for a part of this time: nothing was traded then.")


def _forget(place: Place) -> None:
    st.session_state.get(ASKED, {}).pop(place, None)
