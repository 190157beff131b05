"""The form of a strategy: all widgets in one fragment, so that every change shows what it means at once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import streamlit as st

from core import feasibility
from core.errors import InvalidInput, StepladderError
from core.ladder import Ladder, build_ladder
from core.market import Market
from core.parameter_reading import read_parameters, write_parameters
from core.parameters import Parameters
from dashboard import (
    access,
    custom_levels,
    form_fields,
    form_results,
    live_start,
    pages,
    past_prices,
    prices,
    proposals,
)
from dashboard.charts.strategy_lines import lines_of_ladder
from dashboard.database import read, write
from dashboard.formatting import escape, money, price, utc_now
from dashboard.words import KIND_WORDS
from db import accounts, reports, strategies
from db.accounts import Account, AccountKind
from db.reports import StrategyDetail
from db.sessions import Principal

CLICK = "_form_click"
LOADED = "_form_loaded"
BUDGET = "form_budget"
PRESETS = {True: "form_preset_practice", False: "form_preset"}
PROBLEM = "_form_preset_problem"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the strategy is to trade, and what is known there now."""

    account: Account
    symbol: str
    price: Decimal | None
    market: Market | None
    free: Decimal | None
    is_practice: bool

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]


@access.guarded()
def draw(person: Principal, editing: int | None = None) -> None:
    detail = None
    if editing is not None:
        number = editing
        detail = read(
            lambda session: reports.strategy_detail(session, person.user_id, number, at=utc_now())
        )
    left, right = st.columns([3, 5], gap="medium")
    with left:
        place = _place(person, detail)
    if place is None:
        return
    with left:
        _load_once(place, detail)
        if detail is None:
            _presets(place)
        _fine_tuning(place)
    with right:
        _results(person, place, detail)


def _place(person: Principal, detail: StrategyDetail | None) -> Place | None:
    mine = read(lambda session: accounts.accounts(session, person.user_id))
    if detail is not None:
        account = next(a for a in mine if a.account_id == detail.card.account_id)
        return _known(person, account, detail.card.symbol)
    if not mine:
        st.info("Add an account first.")
        st.page_link(pages.accounts(), label="Accounts")
        return None
    account = st.selectbox(
        "Account", mine, key="form_account",
        format_func=lambda a: f"{a.name} ({KIND_WORDS[a.kind]})",
    )  # fmt: skip
    if account.kind is AccountKind.LIVE:
        st.error(
            "**LIVE** · Real money on a real exchange: you can lose all of it.",
            icon=":material/warning:",
        )
    offered = prices.tradable(account.venue)
    if not offered:
        st.info(
            f"The worker has not yet fetched what can be traded on {escape(account.exchange)}. It does so"
            " within a minute when it runs and reaches the exchange."
        )
        return None
    chosen = st.selectbox(
        "Symbol", offered, index=prices.usual(offered), key=f"form_symbol_{account.venue}",
        format_func=lambda each: each.symbol,
        help="What is bought, and the coin it is paid with.",
    )  # fmt: skip
    if chosen.note:
        st.caption(escape(chosen.note))
    return _known(person, account, chosen.symbol, chosen.is_practice)


def _known(person: Principal, account: Account, symbol: str, is_practice: bool = False) -> Place:
    now = utc_now()
    prices.look_at(person.user_id, account.venue, symbol, now)
    return Place(
        account,
        symbol,
        prices.last_price(account.venue, symbol, now),
        prices.market(account.venue, symbol),
        proposals.free_balance(person.user_id, account, symbol.partition("/")[2]),
        is_practice,
    )


def _load_once(place: Place, detail: StrategyDetail | None) -> None:
    """Fills the widgets when the form is opened, or when account or symbol change."""
    edited = detail.card.strategy_id if detail else None
    this = (edited, place.account.account_id, place.symbol)
    if st.session_state.get(LOADED) == this:
        return
    st.session_state[LOADED] = this
    st.session_state[CLICK] = access.fresh_key()
    if detail is not None and detail.parameters is not None:
        _put(detail.parameters)
        return
    st.session_state[BUDGET] = float(proposals.first_budget(place.free))
    st.session_state[PRESETS[place.is_practice]] = proposals.usual(place.is_practice)
    _use_preset(place)


def _presets(place: Place) -> None:
    st.number_input(
        f"Money for this strategy ({place.quote})", key=BUDGET, step=100.0, format="%.2f",
        value=None, on_change=_use_preset, args=(place,),
        help="The most that all buys of a cycle together may cost. The presets are sized by it.",
    )  # fmt: skip
    if place.free is not None:
        st.caption(escape(f"{money(place.free, place.quote)} of {_whole(place)}."))
    offered = proposals.presets(place.is_practice)
    chosen = st.radio(
        "How deep a fall should the extra buys cover?", list(offered),
        key=PRESETS[place.is_practice], on_change=_use_preset, args=(place,),
        help="Deeper survives more and ties up money longer; shallower earns faster and breaks sooner.",
    )  # fmt: skip
    if chosen:
        st.caption(escape(offered[chosen].advice))
    problem = st.session_state.get(PROBLEM)
    if problem:
        st.error(escape(problem))


def _whole(place: Place) -> str:
    """What `free` is a part of. Of a live account only its cap is known here."""
    is_live = place.account.kind is AccountKind.LIVE
    return "this account's cap is not in use" if is_live else "this account is free"


def _use_preset(place: Place) -> None:
    """A preset, or the money for it, was chosen: the fields below follow."""
    name = st.session_state.get(PRESETS[place.is_practice]) or proposals.usual(place.is_practice)
    preset = proposals.presets(place.is_practice)[name]
    budget = Decimal(repr(st.session_state.get(BUDGET) or 0.0))
    st.session_state[PROBLEM] = None
    try:
        _put(proposals.sized(preset, budget, place.market, place.price))
    except InvalidInput as problem:
        st.session_state[PROBLEM] = f"The money for this strategy {problem.sentence}"
        _put(proposals.roughly_sized(preset, budget))


def _put(parameters: Parameters) -> None:
    custom_levels.put(parameters.custom_levels)
    for name in form_fields.FIELDS:
        value: Any = getattr(parameters, name)
        if name == "active_safety_orders" and value == parameters.level_count:
            value = None
        form_fields.put(name, value)


def _fine_tuning(place: Place) -> None:
    with st.expander("Fine tuning", icon=":material/tune:"):
        st.caption("Touch the question mark of a field to read what it is and when to change it.")
        for group in form_fields.GROUPS:
            st.markdown(f"**{group.title}**")
            by_hand = custom_levels.are_on()
            if group is form_fields.LADDER:
                by_hand = custom_levels.draw(place.quote)
            for field in group.fields:
                if not (by_hand and field.name in custom_levels.REPLACED):
                    form_fields.draw(field, place.quote, place.price)


@access.guarded(run_every=2)
def _wait_for_price(person: Principal, place: Place) -> None:
    """Looks every 2 s, and draws the page again once there is something to show."""
    now, account = utc_now(), place.account
    prices.look_at(person.user_id, account.venue, place.symbol, now)
    known = prices.last_price(account.venue, place.symbol, now)
    if known is not None and prices.market(account.venue, place.symbol) is not None:
        st.rerun()
    st.info(
        f"The price and the trading rules of {escape(place.symbol)} are being fetched; the ladder appears"
        " then. If that takes longer than a minute, the worker does not reach the exchange or does not"
        " serve this account yet: the page Accounts says which."
    )


def _results(person: Principal, place: Place, detail: StrategyDetail | None) -> None:
    if place.price is None or place.market is None:
        _wait_for_price(place)
        return
    st.caption(
        escape(f"{place.symbol} at {price(place.price, place.market.tick_size)} {place.quote} now")
    )
    try:
        parameters = _read()
        ladder = build_ladder(parameters, place.price, place.market)
        problems = feasibility.problems(parameters, place.market, place.price)
        notes = [] if problems else feasibility.warnings(parameters, place.market, place.price)
    except InvalidInput as problem:
        st.error(escape(form_fields.speak(problem)), icon=":material/warning:")
        st.caption("The ladder is shown again when this is mended. Nothing has been started.")
        return
    for found in problems:
        st.error(escape(form_fields.speak(found)), icon=":material/warning:")
    for note in notes:
        st.warning(escape(form_fields.in_words(note.sentence)))
    form_results.draw(
        parameters, ladder, place.market, place.free,
        lambda: past_prices.draw(place.account.venue, place.symbol, lines_of_ladder(ladder)),
    )  # fmt: skip
    if detail is None:
        _start(person, place, parameters, ladder, blocked=bool(problems))
    else:
        _save(person, detail, parameters, blocked=bool(problems))


def _read() -> Parameters:
    levels = custom_levels.read()
    source = form_fields.read(skip=custom_levels.REPLACED if levels is not None else ())
    if levels is not None:
        source["custom_levels"] = levels
    return read_parameters(source)


def _start(
    person: Principal, place: Place, parameters: Parameters, ladder: Ladder, *, blocked: bool
) -> None:
    assert place.market is not None
    with st.container(border=True):
        name = st.text_input(
            "Name of the strategy", max_chars=60, key=f"form_name_{place.symbol}",
            value=f"{place.symbol.partition('/')[0]} ladder",
        )  # fmt: skip
        st.markdown(
            f"**What Start does** ({KIND_WORDS[place.account.kind].lower()} money): "
            + form_results.what_start_does(parameters, ladder, place.market)
        )
        if place.free is not None and ladder.required_capital > place.free:
            st.warning(
                escape(
                    f"{money(place.free, place.quote)} of {_whole(place)}, so the strategy would wait and"
                    " say how much is missing. Lower the money for this strategy to start at once."
                )
            )
        agreed = True
        if place.account.kind is AccountKind.LIVE:
            most = money(ladder.required_capital, place.quote)
            about = f"{place.symbol} {write_parameters(parameters)}"
            agreed = live_start.agreed(person, place.account.account_id, place.quote, most, about)
        if not st.button(
            "Start", type="primary", icon=":material/play_arrow:", width="stretch",
            disabled=blocked or not agreed, key="form_start",
        ):  # fmt: skip
            return
    try:
        created = write(
            lambda session: strategies.create_strategy(
                session, person.user_id, account_id=place.account.account_id, name=name,
                symbol=place.symbol, parameters=write_parameters(parameters), at=utc_now(),
                start=True, key=st.session_state[CLICK],
            )
        )  # fmt: skip
    except StepladderError as refusal:
        st.error(escape(_spoken(refusal)))
        return
    del st.session_state[LOADED]
    st.session_state[access.NOTICE] = "Started. The worker takes it up within a few seconds."
    st.switch_page(pages.strategy(), query_params={"id": str(created)})


def _save(
    person: Principal, detail: StrategyDetail, parameters: Parameters, *, blocked: bool
) -> None:
    card = detail.card
    st.markdown(
        "**What Save does**: the next cycle uses these settings. A cycle that is under way keeps the"
        " settings it started with."
    )
    if not st.button("Save", type="primary", width="stretch", disabled=blocked, key="form_save"):
        return
    try:
        write(
            lambda session: strategies.edit_parameters(
                session, person.user_id, card.strategy_id,
                parameters=write_parameters(parameters), version=card.parameters_version,
                at=utc_now(), key=st.session_state[CLICK],
            )
        )  # fmt: skip
    except StepladderError as refusal:
        st.error(escape(_spoken(refusal)))
        return
    del st.session_state[LOADED]
    st.session_state[access.NOTICE] = "Saved. The next cycle uses the new settings."
    st.switch_page(pages.strategy(), query_params={"id": str(card.strategy_id)})


def _spoken(refusal: StepladderError) -> str:
    return form_fields.speak(refusal) if isinstance(refusal, InvalidInput) else str(refusal)
