"""Every screen, as its owner, as somebody else, and as nobody sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.actual_state import ActualState
from core.cycle import DesiredState
from db import accounts, halt, reports, sessions, strategies, users
from db.transactions import run
from tests.dashboard import stand_in
from tests.dashboard.conftest import texts
from tests.db.people import a_strategy
from tests.faults import fault

PAGES = ["home", "new_strategy", "accounts", "settings", "help", "strategy"]


def practising(world, user_id, minutes=60):
    strategy_id = a_strategy(world.engine, user_id, "PRACTICE1/USDT")
    stand_in.trade(world.engine, strategy_id, world.now, minutes)
    return strategy_id


@pytest.mark.parametrize("page", [*PAGES, "administration"])
def test_a_visitor_sees_only_the_sign_in_form(open_page, page):
    app = open_page(None, f"views/{page}.py")
    assert [field.label for field in app.text_input] == ["Username", "Password"]
    assert "Your strategies" not in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_which_kind_of_money_it_is_about(world, open_page, page):
    strategy_id = practising(world, world.ann)
    app = open_page(world.ann, f"views/{page}.py", id=str(strategy_id))
    assert "SIMULATED" in texts(app)


def test_home_without_strategies_says_what_to_do(world, open_page):
    assert "You have no strategy yet" in texts(open_page(world.ann))


def test_home_shows_risk_before_profit(world, open_page):
    practising(world, world.ann)
    shown = texts(open_page(world.ann))
    assert shown.index("Loss at −40 %") < shown.index("Realized PnL")
    assert "Still to be spent" in shown
    assert "Calm one" in shown


@fault("S1")
def test_home_shows_nothing_of_others(world, open_page):
    practising(world, world.ann)
    shown = texts(open_page(world.bob))
    assert "Calm one" not in shown
    assert "PRACTICE1" not in shown


def test_the_page_of_a_strategy_shows_its_figures_and_its_story(world, open_page):
    strategy_id = practising(world, world.ann)
    app = open_page(world.ann, "views/strategy.py", id=str(strategy_id))
    shown = texts(app)
    for word in ("Unrealized PnL", "Realized PnL", "Drawdown", "Loss at −60 %", "What and why"):
        assert word in shown
    assert "Cycle" in shown


@fault("S1")
def test_somebody_elses_strategy_does_not_exist(world, open_page):
    strategy_id = practising(world, world.ann)
    app = open_page(world.bob, "views/strategy.py", id=str(strategy_id))
    assert "There is no such strategy among yours" in texts(app)
    assert not app.button(key="sign_out").disabled
    assert [button.label for button in app.button] == ["Sign out"]


@pytest.mark.parametrize("text", ["", "abc", "-1", "99999999999999999999", "1; DROP", "٣"])
def test_a_wrong_number_in_the_address_is_answered_in_words(world, open_page, text):
    app = open_page(world.ann, "views/strategy.py", id=text)
    assert "There is no such strategy among yours" in texts(app)


@fault("S1")
def test_somebody_elses_settings_cannot_be_opened_in_the_form(world, open_page):
    strategy_id = practising(world, world.ann)
    app = open_page(world.bob, "views/new_strategy.py", edit=str(strategy_id))
    assert "There is no such strategy" in texts(app)


@pytest.mark.parametrize("section", ["PnL", "Orders", "Fills", "Cycles", "Settings"])
def test_each_section_of_a_strategy_opens(world, open_page, section):
    strategy_id = practising(world, world.ann)
    app = open_page(world.ann, "views/strategy.py", id=str(strategy_id))
    app.session_state["section"] = section
    app.query_params["id"] = str(strategy_id)
    app.run()
    assert not app.exception


def test_a_strategy_that_nobody_has_seen_yet_is_shown_with_what_is_known(world, open_page):
    strategy_id = a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    shown = texts(open_page(world.ann, "views/strategy.py", id=str(strategy_id)))
    assert "Nothing has happened yet" in shown
    assert "The worker does not answer" in shown


def test_a_living_worker_is_not_called_silent(world, open_page):
    practising(world, world.ann)
    assert "The worker does not answer" not in texts(open_page(world.ann))


def test_what_needs_the_person_stands_first(world, open_page):
    practising(world, world.ann)
    other = a_strategy(world.engine, world.ann, "CALM1/USDT")
    run(world.engine, lambda s: strategies.rename_strategy(
        s, world.ann, other, name="Zebra", at=world.now))  # fmt: skip
    stand_in.says(
        world.engine, other, ActualState.NEEDS_ATTENTION, "The exchange refused it.", world.now
    )
    shown = texts(open_page(world.ann))
    assert shown.index("The exchange refused it.") < shown.index("Holding")


@fault("I5", "S10")
def test_a_name_is_never_read_as_markdown(world, open_page):
    strategy_id = practising(world, world.ann)
    run(world.engine, lambda s: strategies.rename_strategy(
        s, world.ann, strategy_id, name="a (b) #c %d", at=world.now))  # fmt: skip
    app = open_page(world.ann, "views/strategy.py", id=str(strategy_id))
    assert app.header[0].value == r"a \(b\) \#c \%d"


@fault("S4")
def test_a_disabled_person_is_put_out_of_an_open_page(world, open_page):
    app = open_page(world.ann)
    run(world.engine, lambda s: users.set_active(
        s, world.root, world.ann, active=False, at=world.now))  # fmt: skip
    app.run()
    assert [field.label for field in app.text_input] == ["Username", "Password"]
    assert "_sid" not in app.session_state


@fault("S4")
def test_a_session_that_was_ended_elsewhere_is_over(world, open_page):
    app = open_page(world.ann)
    run(world.engine, lambda s: sessions.end_all_sessions(s, world.ann, at=world.now))
    app.run()
    assert "You have been signed out" in texts(app)


def test_signing_out_leaves_nothing_in_the_tab(world, open_page):
    app = open_page(world.ann)
    app.session_state["left_over"] = "ann's"
    app.button(key="sign_out").click().run()
    assert "left_over" not in app.session_state
    assert [field.label for field in app.text_input] == ["Username", "Password"]


@fault("S8")
def test_administration_is_not_there_for_others(world, open_page):
    with pytest.raises(ValueError, match="administration"):
        open_page(world.ann, "views/administration.py")


@pytest.mark.parametrize("section", ["Worker and halt", "People", "Strategies", "Journal", "Log"])
def test_each_section_of_the_administration_opens(world, open_page, section):
    practising(world, world.ann)
    app = open_page(world.root, "views/administration.py")
    app.session_state["administration_section"] = section
    app.run()
    assert not app.exception


def test_the_administration_sees_everybodys_strategies(world, open_page):
    practising(world, world.ann)
    app = open_page(world.root, "views/administration.py")
    app.session_state["administration_section"] = "Strategies"
    app.run()
    assert "Ann" in texts(app)


def test_a_halt_counts_who_has_acknowledged_it(world, open_page):
    practising(world, world.ann)
    now = run(world.engine, lambda s: halt.set_halt(
        s, world.root, on=True, reason="storm", at=world.now))  # fmt: skip
    app = open_page(world.root, "views/administration.py")
    assert "Acknowledged by 0 of 1 worker" in texts(app)
    run(world.engine, lambda s: halt.acknowledge(s, stand_in.WORKER, now.rev, at=world.now))
    app.run()
    assert "Acknowledged by all of 1 worker" in texts(app)


def test_during_a_halt_a_strategy_says_so(world, open_page):
    strategy_id = practising(world, world.ann)
    run(world.engine, lambda s: halt.set_halt(
        s, world.root, on=True, reason="storm", at=world.now + timedelta(seconds=1)))  # fmt: skip
    shown = texts(open_page(world.ann, "views/strategy.py", id=str(strategy_id)))
    assert "Paused by an administrator's halt" in shown


HALTED = "An administrator has halted all buying"


@pytest.mark.parametrize("page", [*PAGES, "administration"])
def test_a_halt_stands_on_every_page_for_everybody_while_it_is_on(world, open_page, page):
    run(world.engine, lambda s: halt.set_halt(
        s, world.root, on=True, reason="storm *at* sea", at=world.now))  # fmt: skip
    viewers = [world.root] if page == "administration" else [world.ann, world.root]
    for viewer in viewers:
        app = open_page(viewer, f"views/{page}.py")
        shown = texts(app)
        assert HALTED in shown
        assert "Reason: storm *at* sea." in shown
        assert "press Run on each strategy" in shown
        run(world.engine, lambda s: halt.set_halt(
            s, world.root, on=False, reason="", at=world.now))  # fmt: skip
        assert HALTED not in texts(app.run())
        run(world.engine, lambda s: halt.set_halt(
            s, world.root, on=True, reason="storm *at* sea", at=world.now))  # fmt: skip


def test_a_visitor_is_not_told_of_a_halt(world, open_page):
    run(world.engine, lambda s: halt.set_halt(
        s, world.root, on=True, reason="storm", at=world.now))  # fmt: skip
    assert HALTED not in texts(open_page(None))


def test_a_person_is_added_and_gets_a_link_once(world, open_page):
    app = open_page(world.root, "views/administration.py")
    app.session_state["administration_section"] = "People"
    app.run()
    by_label = {field.label: field for field in app.text_input}
    by_label["Name, as others see it"].input("Cleo")
    by_label["Username"].input("cleo")
    next(b for b in app.button if b.label == "Add this person").click().run()
    assert "/?reset=" in app.code[0].value
    names = [row.username for row in run(world.engine, lambda s: reports.people(s, world.root))]
    assert "cleo" in names
    app.run()
    assert not app.code


@fault("S23")
def test_a_reset_link_opens_the_form_for_its_owner_once(world, open_page):
    from db import links

    token = run(world.engine, lambda s: links.make_reset_link(
        s, world.root, world.bob, at=world.now))  # fmt: skip
    app = open_page(None, reset=token)
    assert "Set a new password" in texts(app)
    assert "bob" in texts(app)
    for field in app.text_input:
        field.input("four words not together")
    app.button[0].click().run()
    assert "Signed in as" in texts(app)
    assert "used already or is too old" in texts(open_page(None, reset=token))


@fault("S6")
def test_a_wrong_password_is_refused_in_the_same_words_as_a_wrong_name(world, open_page):
    said = []
    for name in ("ann", "nobody"):
        app = open_page(None)
        app.text_input[0].input(name)
        app.text_input[1].input("wrong wrong wrong")
        app.button[0].click().run()
        said.append([error.value for error in app.error])
    assert said[0] == said[1]
    assert said[0]


def test_a_paper_account_is_added_once(world, open_page):
    app = open_page(world.ann, "views/accounts.py")
    app.text_input[0].input("Paper one")
    next(b for b in app.button if b.label == "Add this account").click().run()
    mine = run(world.engine, lambda s: accounts.accounts(s, world.ann))
    assert [account.name for account in mine] == ["Simulated", "Paper one"]
    assert "PAPER" in texts(app)


def test_wanted_states_are_written_for_the_owner_only(world):
    strategy_id = practising(world, world.ann)
    with pytest.raises(Exception, match="no such strategy"):
        run(world.engine, lambda s: strategies.set_desired(
            s, world.bob, strategy_id, DesiredState.STOPPED, at=world.now, rev=None))  # fmt: skip
