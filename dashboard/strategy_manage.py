"""The numbers a strategy runs with; renaming it, changing them, putting it away."""

from __future__ import annotations

import streamlit as st

from core.errors import StepladderError
from core.parameter_table import ENTRIES
from core.parameters import Parameters
from dashboard import access, pages
from dashboard.database import write
from dashboard.form_fields import FIELDS, HOURS, MINUTES, PERCENT, PRICE, QUOTE, shown
from dashboard.formatting import duration, escape, money, price, short_percent, utc_now
from dashboard.tables import wrapped
from db import strategies
from db.reports import StrategyDetail

WORDS = {True: "yes", False: "no"}


def draw(detail: StrategyDetail) -> None:
    card = detail.card
    if detail.parameters is None:
        st.error(
            "The stored settings of this strategy cannot be read, so it does not buy. Change them to"
            " mend it."
        )
    else:
        wrapped(rows_of(detail.parameters, card.quote))
        st.caption(f"Version {card.parameters_version}. A running cycle keeps its version.")
    st.page_link(
        pages.new_strategy(), label="Change the settings", icon=":material/tune:",
        query_params={"edit": str(card.strategy_id)},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", value=card.name, max_chars=60, key="rename")
        if st.button("Rename", disabled=name == card.name):
            _act(lambda user_id: _rename(user_id, card.strategy_id, name), "Renamed.")
    st.caption("Putting it away takes it off the home page. What it did stays stored.")
    if st.button("Put away", icon=":material/archive:", key="archive"):
        _archive(card.strategy_id, card.name)


def rows_of(parameters: Parameters, quote: str) -> list[dict[str, str]]:
    """Every parameter in the words and units of the form."""
    found = []
    for entry in ENTRIES:
        value = getattr(parameters, entry.name)
        if entry.name == "custom_levels":
            text = "off" if value is None else f"{len(value)} levels"
        else:
            text = "off" if value is None else _text(entry.name, value, quote)
        found.append({"Setting": entry.label, "Value": text, "What it means": entry.what})
    return found


def _text(name: str, value: object, quote: str) -> str:
    field = FIELDS[name]
    if isinstance(value, bool):
        return WORDS[value]
    if field.unit == PERCENT:
        return short_percent(value)  # type: ignore[arg-type]
    if field.unit == QUOTE:
        return money(value, quote)  # type: ignore[arg-type]
    if field.unit == PRICE:
        return f"{price(value)} {quote}"  # type: ignore[arg-type]
    if field.unit in (MINUTES, HOURS):
        return duration(value)  # type: ignore[arg-type]
    text = shown(field, value)
    return f"× {text:g}" if isinstance(text, float) else str(text).replace("_", " ")


def _rename(user_id: int, strategy_id: int, name: str) -> None:
    write(
        lambda session: strategies.rename_strategy(
            session, user_id, strategy_id, name=name, at=utc_now()
        )
    )


def _act(action: object, done: str) -> None:
    person = access.require()
    try:
        action(person.user_id)  # type: ignore[operator]
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[access.NOTICE] = done
    st.rerun()


@st.dialog("Put this strategy away?")
def _archive(strategy_id: int, name: str) -> None:
    person = access.require()
    st.markdown(
        f"- {escape(name)} leaves the home page.\n- Its history stays stored.\n- It must be stopped or"
        " closed, with no coins left in it."
    )
    if not st.button("Put away", type="primary", key="confirm_archive", width="stretch"):
        return
    try:
        write(
            lambda session: strategies.archive_strategy(
                session, person.user_id, strategy_id, at=utc_now()
            )
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[access.NOTICE] = "Put away."
    st.switch_page(pages.home())
