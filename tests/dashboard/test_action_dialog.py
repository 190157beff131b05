"""The dialog of an action, drawn by itself: AppTest cannot reach into an open dialog."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.actual_state import ActualState
from core.cycle import DesiredState
from db import halt, reports, strategies
from db.transactions import run
from db.wanted import wanted
from tests.dashboard import live_stand_in, stand_in
from tests.dashboard.conftest import texts
from tests.db.people import a_strategy
from tests.faults import fault


def page(user_id, strategy_id, action):
    """Runs as a script of its own, hence the imports; the card stays as it was when the dialog opened."""
    import streamlit as st

    from dashboard import action_dialog
    from dashboard.actions import Action
    from dashboard.database import read
    from dashboard.formatting import utc_now
    from db import reports

    if "card" not in st.session_state:
        st.session_state["card"] = read(
            lambda s: reports.strategy_detail(s, user_id, strategy_id, at=utc_now())
        ).card
    action_dialog._body(st.session_state["card"], Action(action), "k" * 16)


@pytest.fixture
def open_dialog(world):
    def opened(strategy_id, action):
        app = AppTest.from_function(page, args=(world.ann, strategy_id, action), default_timeout=30)
        app.session_state["_sid"] = world.sid(world.ann)
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


@pytest.fixture
def strategy_id(world):
    found = a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    stand_in.trade(world.engine, found, world.now, 60)
    return found


def want(world, strategy_id, state):
    run(world.engine, lambda s: strategies.set_desired(
        s, world.ann, strategy_id, state, at=world.now, rev=None))  # fmt: skip


def wish(world, strategy_id):
    return run(world.engine, lambda s: wanted(s, [strategy_id]))[0]


def confirm(app):
    app.button(key="confirm_action").click().run()
    assert not app.exception, app.exception


def test_an_action_is_said_first_and_done_on_the_second_click(world, strategy_id, open_dialog):
    app = open_dialog(strategy_id, "stop")
    assert "no take profit and no stop loss" in texts(app)
    assert wish(world, strategy_id).desired_state is DesiredState.RUNNING
    confirm(app)
    assert wish(world, strategy_id).desired_state is DesiredState.STOPPED


@fault("I11")
def test_the_same_click_twice_is_one_change(world, strategy_id, open_dialog):
    app = open_dialog(strategy_id, "pause")
    confirm(app)
    before = wish(world, strategy_id).desired_rev
    confirm(app)
    assert wish(world, strategy_id).desired_rev == before


def test_starting_again_can_release_the_coins(world, strategy_id, open_dialog):
    want(world, strategy_id, DesiredState.STOPPED)
    stand_in.says(world.engine, strategy_id, ActualState.STOPPED, "Stopped.", world.now)
    app = open_dialog(strategy_id, "start_again")
    app.radio(key="coins").set_value(True).run()
    assert "a result of" in texts(app)
    confirm(app)
    found = wish(world, strategy_id)
    assert found.desired_state is DesiredState.RUNNING
    assert found.release


def test_starting_again_continues_the_cycle_unless_told_otherwise(world, strategy_id, open_dialog):
    want(world, strategy_id, DesiredState.STOPPED)
    confirm(open_dialog(strategy_id, "start_again"))
    assert not wish(world, strategy_id).release


@fault("I8")
def test_what_changed_meanwhile_is_refused_in_words(world, strategy_id, open_dialog):
    app = open_dialog(strategy_id, "close")
    want(world, strategy_id, DesiredState.PAUSED)
    confirm(app)
    assert "changed in another window" in texts(app)
    assert wish(world, strategy_id).desired_state is DesiredState.PAUSED


def test_stopping_works_whatever_changed_meanwhile(world, strategy_id, open_dialog):
    app = open_dialog(strategy_id, "stop")
    want(world, strategy_id, DesiredState.PAUSED)
    confirm(app)
    assert wish(world, strategy_id).desired_state is DesiredState.STOPPED


def test_during_a_halt_nothing_is_started(world, strategy_id, open_dialog):
    want(world, strategy_id, DesiredState.PAUSED)
    run(world.engine, lambda s: halt.set_halt(
        s, world.root, on=True, reason="storm", at=world.now))  # fmt: skip
    app = open_dialog(strategy_id, "run")
    confirm(app)
    assert "halted all trading" in texts(app)
    assert wish(world, strategy_id).desired_state is DesiredState.PAUSED


def test_try_again_keeps_what_was_wanted_and_is_seen_by_the_worker(world, strategy_id, open_dialog):
    before = wish(world, strategy_id)
    confirm(open_dialog(strategy_id, "try_again"))
    after = wish(world, strategy_id)
    assert after.desired_state is before.desired_state
    assert after.desired_rev == before.desired_rev + 1


def test_the_report_is_of_this_person_only(world, strategy_id):
    with pytest.raises(Exception, match="no such strategy"):
        run(world.engine, lambda s: reports.strategy_detail(
            s, world.bob, strategy_id, at=world.now))  # fmt: skip


def test_running_with_real_money_is_agreed_to_first(world, open_dialog):
    account = live_stand_in.is_ready(world.engine, world.ann, world.now)
    strategy = live_stand_in.a_strategy_on(world.engine, world.ann, account, world.now)
    want(world, strategy, DesiredState.PAUSED)
    app = open_dialog(strategy, "run")
    assert app.button(key="confirm_action").disabled
    app.checkbox[0].check().run()
    confirm(app)
    assert wish(world, strategy).desired_state is DesiredState.RUNNING


def test_pausing_real_money_is_never_held_up(world, open_dialog):
    account = live_stand_in.is_ready(world.engine, world.ann, world.now, hold="Closed.")
    strategy = live_stand_in.a_strategy_on(world.engine, world.ann, account, world.now)
    app = open_dialog(strategy, "pause")
    assert not app.checkbox
    confirm(app)
    assert wish(world, strategy).desired_state is DesiredState.PAUSED
    assert open_dialog(strategy, "run").button(key="confirm_action").disabled
