"""The halt: everybody's buying is paused, at once, by one button that says so first."""

from __future__ import annotations

import streamlit as st

from core.errors import StepladderError
from dashboard import access
from dashboard.database import read, write
from dashboard.formatting import count, escape, utc_now, when
from db import halt, reports
from db.sessions import Principal

HALTING = (
    "Every strategy of everybody is paused: waiting buys are cancelled, no new cycle starts.",
    "Take profits and stop losses stay on: what is held is still sold when they are reached.",
    "Nothing is sold by the halt itself.",
    "Each person sees it in their journal, with your reason.",
)
LIFTING = (
    "People may start their strategies again.",
    "Nothing starts by itself: each strategy stays paused until its owner presses Run.",
)


@access.guarded(run_every=3, administrator=True)
def draw(person: Principal) -> None:
    now = read(halt.read_halt)
    if now.on:
        workers = read(lambda session: reports.worker_health(session, person.user_id, at=utc_now()))
        alive = [worker for worker in workers if worker.is_alive]
        obeyed = sum(1 for worker in alive if worker.halt_rev == now.rev)
        since = when(now.at, person.time_zone)
        text = f"**All buying is halted** since {escape(since)}."
        if now.reason:
            text += f" Reason: {escape(now.reason)}."
        st.error(text, icon=":material/front_hand:")
        if not alive:
            st.warning("No worker is alive to acknowledge it; nothing is traded without one.")
        elif obeyed < len(alive):
            st.warning(
                f"Acknowledged by {obeyed} of {count(len(alive), 'worker', 'workers')}. Until all have,"
                " a buy may still be placed."
            )
        else:
            st.success(
                f"Acknowledged by all of {count(len(alive), 'worker', 'workers')}: nothing is bought."
            )
        if st.button("Lift the halt", key="lift_halt", icon=":material/play_arrow:"):
            _change(False)
    else:
        st.success(
            "No halt: strategies trade as their owners want.", icon=":material/check_circle:"
        )
        if st.button("Halt all buying", key="halt", type="primary", icon=":material/front_hand:"):
            _change(True)


def _change(on: bool) -> None:
    st.dialog("Halt all buying?" if on else "Lift the halt?")(_body)(on)


def _body(on: bool) -> None:
    person = access.require(administrator=True)
    for sentence in HALTING if on else LIFTING:
        st.markdown(f"- {escape(sentence)}")
    reason = ""
    if on:
        reason = st.text_input("Reason, shown to everybody", max_chars=200, key="halt_reason")
    if not st.button(
        "Halt all buying" if on else "Lift the halt", type="primary", key="confirm_halt",
        width="stretch",
    ):  # fmt: skip
        return
    try:
        write(
            lambda session: halt.set_halt(
                session, person.user_id, on=on, reason=reason, at=utc_now()
            )
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.rerun()
