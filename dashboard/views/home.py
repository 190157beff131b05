"""Home: every strategy of the person, money at risk first, what needs them on top."""

from __future__ import annotations

import streamlit as st

from dashboard import access, live_card, pages
from dashboard.database import read
from dashboard.formatting import escape, money, price, quantity, utc_now
from dashboard.page_parts import BOX, empty, facts, figure, header, losses, signed, worker_silent
from dashboard.risk import risk_of
from dashboard.strategy_cards import Shelf, shelves
from dashboard.words import DESIRED_WORDS, KIND_COLOURS, KIND_WORDS, STATE_COLOURS, state_word
from db import accounts, reports
from db.reports import StrategyCard
from db.sessions import Principal

LOSS_HELP = (
    "What selling everything would bring after all prices have fallen so far from now, with the extra buys"
    " made on the way."
)
STILL_HELP = "What the extra buys that are not filled yet would cost, fees included."


def draw(person: Principal) -> None:
    kinds = {account.kind for account in read(lambda s: accounts.accounts(s, person.user_id))}
    header("Your strategies", kinds)
    _live()


@access.guarded(run_every=4)
def _live(person: Principal) -> None:
    now = utc_now()
    for live in read(lambda session: reports.live_accounts(session, person.user_id)):
        live_card.alarm(live, now)
    cards = read(lambda session: reports.home(session, person.user_id, at=now))
    if not cards:
        empty(
            "You have no strategy yet. A new one starts with a made-up balance, so you can watch how a"
            " Martingale behaves before anything real is at stake."
        )
        st.page_link(pages.new_strategy(), label="Set up your first strategy")
        st.page_link(pages.help_page(), label="Read first how it can ruin you")
        return
    if any(card.silent for card in cards if card.actual_state not in ("stopped", "closed")):
        worker_silent()
    for shelf in shelves(cards):
        _shelf(shelf)


def _shelf(shelf: Shelf) -> None:
    badge = f":{KIND_COLOURS[shelf.kind]}-badge[**{KIND_WORDS[shelf.kind]}**]"
    st.subheader(f"{badge} {escape(shelf.quote)}", anchor=False)
    risk, quote = shelf.risk, shelf.quote
    with st.grid(min_column_width=BOX, gap="small"):
        losses(risk.results, quote, LOSS_HELP)
        figure("Still to be spent", money(risk.still_to_spend, quote), STILL_HELP)
        figure("In positions now", money(risk.in_position, quote), "What the coins held cost.")
        figure("Unrealized PnL", money(shelf.unrealized, quote, signed=True))
        figure("Realized PnL", money(shelf.realized, quote, signed=True), "After all fees.")
    if not risk.is_complete:
        st.caption("A price is missing for some of them; these sums leave them out.")
    for card in shelf.cards:
        _card(card)


def _card(card: StrategyCard) -> None:
    colour = STATE_COLOURS.get(card.actual_state or "", "gray")
    with st.container(border=True, key=f"card-{card.strategy_id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                pages.strategy(), label=f"**{escape(card.name)}**", width="content",
                query_params={"id": str(card.strategy_id)},
            )  # fmt: skip
            st.badge(state_word(card.actual_state), color=colour)  # type: ignore[arg-type]
            st.caption(f"{escape(card.symbol)} · {escape(card.account_name)}")
        if card.is_settling:
            st.caption(f"You asked to {DESIRED_WORDS[card.desired_state]}; the worker is at it.")
        if card.reason:
            st.markdown(escape(card.reason))
        facts(_facts(card))


def _facts(card: StrategyCard) -> list[tuple[str, str]]:
    risk, quote = risk_of(card), card.quote
    base = card.symbol.partition("/")[0]
    held = card.position.quantity if card.position else None
    return [
        ("Position", escape(quantity(held, base)) if held else "nothing held"),
        ("It cost", escape(money(risk.in_position, quote))),
        ("Still to be spent", escape(money(risk.still_to_spend, quote))),
        ("Extra buys filled", f"{card.levels_filled} of {card.level_count}"),
        (
            "Price now",
            escape(f"{price(card.last_price)} {quote}" if card.last_price else "none yet"),
        ),
        ("Unrealized PnL", signed(card.unrealized_pnl, quote)),
        ("Realized PnL", signed(card.realized_pnl, quote)),
        ("Cycles done", str(card.cycles_closed)),
    ]


draw(access.require())
