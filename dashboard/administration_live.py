"""Everybody's live accounts, and what the auditor found. Never a key: nobody but the worker can read one."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.money import ZERO
from dashboard import access, live_words
from dashboard.database import read
from dashboard.formatting import ago, amount, count, duration, escape, money, short_when, utc_now
from dashboard.page_parts import empty
from dashboard.tables import table
from db import reports
from db.reports import FindingRow, LiveAccount
from db.sessions import Principal
from db.verify.broken import INVARIANTS


@access.guarded(run_every=5, administrator=True)
def accounts(person: Principal) -> None:
    now = utc_now()
    _bans(person, now)
    found = read(lambda session: reports.all_live_accounts(session, person.user_id))
    if not found:
        empty("Nobody has an account with real money.")
        return
    table([_row(live, now) for live in found])
    foreign = sum(live.status.foreign_orders for live in found if live.status)
    st.caption(
        f"{count(len(found), 'live account', 'live accounts')} of everybody."
        f" {count(foreign, 'order', 'orders')} of others on their exchanges. You can halt all buying; you"
        " see no key, and you cannot trade for anybody."
    )
    for live in found:
        _urgent(live, now)


def _row(live: LiveAccount, now: datetime) -> dict[str, str]:
    checked = live_words.checked_said(live, now)
    caps = [
        f"{amount(live.in_use.get(coin, ZERO), coin)} of {money(cap, coin)}"
        for coin, cap in (live.account.caps or {}).items()
    ]
    return {
        "Person": live.owner,
        "Account": f"{live.account.name}, {live_words.exchange_name(live.account.exchange)}",
        "Key": live_words.key_said(live).word,
        "Self-test": live_words.self_test_said(live).word,
        "In use, and cap": ", ".join(caps) or "no cap",
        "Compared": "no" if checked is None else checked.word,
        "Others' orders": str(live.status.foreign_orders) if live.status else "–",
        "Worker": "silent" if live.silent else "serves it",
    }


def _urgent(live: LiveAccount, now: datetime) -> None:
    said = [each for each in live_words.everything_said(live, now) if each.is_urgent]
    if said:
        st.markdown(f"**{escape(live.owner)}** · {escape(live.account.name)}")
    for each in said:
        st.markdown(f":{each.colour}-badge[{escape(each.word)}] {escape(each.sentence)}")


def _bans(person: Principal, now: datetime) -> None:
    for ban in read(lambda session: reports.bans(session, person.user_id, at=now)):
        left = duration((ban.until - now).total_seconds())
        name = live_words.exchange_name(ban.exchange)
        st.error(
            escape(
                f"{name} refuses all requests from {ban.address} for another {left}: too many were sent from"
                " there. Nothing is asked and nothing is placed there meanwhile; resting orders stay."
            ),
            icon=":material/block:",
        )


@access.guarded(run_every=5, administrator=True)
def audit(person: Principal) -> None:
    now = utc_now()
    found = read(lambda session: reports.findings(session, person.user_id))
    broken = [row for row in found if row.resolved_at is None]
    if not broken:
        st.success(
            "The auditor finds nothing broken. It looks each minute at everything that has changed.",
            icon=":material/check_circle:",
        )
    for row in broken:
        st.error(_sentence(row, now), icon=":material/gpp_maybe:")
    if broken:
        st.caption(
            "None of this can happen unless the program, the database or the exchange is at fault. Halt all"
            " buying if in doubt, compare with the exchange, and keep the log."
        )
    whole = [row for row in found if row.resolved_at is not None]
    if whole:
        st.subheader("In order again", anchor=False)
        table(
            [
                {
                    "Rule": row.check_id,
                    "From": short_when(row.first_seen, person.time_zone),
                    "Until": short_when(row.resolved_at, person.time_zone),
                    "Person": row.owner,
                    "Account": row.account,
                    "Strategy": row.strategy,
                    "What was found": row.sentence,
                }
                for row in whole
            ],
        )
    with st.expander("The rules"):
        st.markdown(
            "\n".join(f"- **{name}** {escape(words)}" for name, words in INVARIANTS.items())
        )


def _sentence(row: FindingRow, now: datetime) -> str:
    whose = " · ".join(part for part in (row.owner, row.account, row.strategy) if part)
    rule = INVARIANTS.get(row.check_id, "")
    seen = f"Found {ago(row.first_seen, now)}, last seen {ago(row.last_seen, now)}."
    place = f"\n\n{escape(whose)}" if whose else ""
    return f"**{escape(row.check_id)}: {escape(rule)}** is broken. {escape(row.sentence)} {seen}{place}"
