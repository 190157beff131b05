"""For administrators: the worker, the halt, everybody's strategies and live accounts, the people, the log."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import access, administration_halt, administration_live, administration_people
from dashboard.database import read
from dashboard.formatting import ago, count, escape, money, short_when, utc_now
from dashboard.page_parts import empty, facts, header
from dashboard.tables import sentences, table
from dashboard.words import DESIRED_WORDS, KIND_WORDS, state_word
from db import reports
from db.sessions import Principal

LEVELS = ("everything", "INFO", "WARNING", "ERROR", "CRITICAL")


def draw(person: Principal) -> None:
    cards = read(lambda session: reports.all_strategies(session, person.user_id, at=utc_now()))
    header("Administration", {card.account_kind for card in cards})
    section = st.segmented_control(
        "What to show", list(SECTIONS), default="Worker and halt", required=True,
        key="administration_section", label_visibility="collapsed",
    )  # fmt: skip
    SECTIONS[section or "Worker and halt"]()


def worker_and_halt() -> None:
    administration_halt.draw()
    st.subheader("Worker", anchor=False)
    _workers()


@access.guarded(run_every=3, administrator=True)
def _workers(person: Principal) -> None:
    now = utc_now()
    found = read(lambda session: reports.worker_health(session, person.user_id, at=now))
    if not any(worker.is_alive for worker in found):
        st.error(
            "No worker is alive: nothing is traded and no stop loss is watched. `make run` starts one"
            " together with the dashboard; its messages stand in that window and in var/log.",
            icon=":material/error:",
        )
    for worker in found[:10]:
        with st.container(border=True, key=f"worker-{worker.pid}-{worker.name[-12:]}"):
            word = ":green-badge[alive]" if worker.is_alive else ":gray-badge[gone]"
            st.markdown(f"**{escape(worker.name)}** {word}")
            pairs = [
                ("Last sign of life", escape(ago(worker.beat_at, now))),
                ("Started", escape(short_when(worker.started_at, person.time_zone))),
            ]
            if worker.is_alive:
                pairs += [
                    ("Accounts", str(worker.accounts)),
                    ("Strategies", str(worker.strategies)),
                    ("Runs late by", f"{worker.lag_ms:.0f} ms"),
                ]
            facts(pairs)


@access.guarded(run_every=5, administrator=True)
def strategies(person: Principal) -> None:
    cards = read(lambda session: reports.all_strategies(session, person.user_id, at=utc_now()))
    if not cards:
        empty("Nobody has a strategy yet.")
        return
    table(
        [
            {
                "Person": card.owner,
                "Strategy": card.name,
                "Kind": KIND_WORDS[card.account_kind],
                "Symbol": card.symbol,
                "State": state_word(card.actual_state) + (" (no worker)" if card.silent else ""),
                "Wanted": DESIRED_WORDS[card.desired_state],
                "Unrealized PnL": money(card.unrealized_pnl, card.quote, signed=True),
                "Realized PnL": money(card.realized_pnl, card.quote, signed=True),
                "Why": card.reason,
            }
            for card in cards
        ],
    )
    st.caption(
        f"{count(len(cards), 'strategy', 'strategies')} of everybody. You can pause all of them by a halt;"
        " you can never buy or sell for somebody else."
    )


@access.guarded(run_every=5, administrator=True)
def journal(person: Principal) -> None:
    rows = read(lambda session: reports.all_journal(session, person.user_id, limit=100))
    if not rows:
        empty("Nothing has happened yet.")
        return
    sentences(
        [
            (
                row.at,
                row.level,
                row.sentence if row.strategy_id is None else f"[{row.strategy_id}] {row.sentence}",
            )
            for row in rows
        ],
        person.time_zone,
    )
    st.caption("In brackets: the number of the strategy.")


@access.guarded(run_every=5, administrator=True)
def log(person: Principal) -> None:
    chosen = st.selectbox("Show", LEVELS, key="log_level")
    level = None if chosen == LEVELS[0] else chosen
    rows = read(
        lambda session: reports.log_records(session, person.user_id, level=level, limit=200)
    )
    if not rows:
        empty("No messages of this kind.")
        return
    table(
        [
            {
                "Time": short_when(row.at, person.time_zone),
                "Level": row.level,
                "Program": row.process,
                "Message": row.sentence,
            }
            for row in rows
        ],
    )
    st.caption(f"Newest first. Time in {person.time_zone}.")


SECTIONS: dict[str, Callable[[], None]] = {
    "Worker and halt": worker_and_halt,
    "People": administration_people.draw,
    "Strategies": strategies,
    "Live accounts": administration_live.accounts,
    "Audit": administration_live.audit,
    "Journal": journal,
    "Log": log,
}

draw(access.require(administrator=True))
