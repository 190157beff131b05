"""The strategy page asks about orders that nobody can prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.orders import VANISHED, OrderStatus
from db import doubts
from db.doubts import Inquiry
from db.tables import OrderRow, Strategy
from db.transactions import run
from tests.dashboard import stand_in
from tests.dashboard.conftest import texts
from tests.db.people import a_strategy
from tests.faults import fault

pytestmark = [fault("E10")]
VIEW = "views/strategy.py"


@pytest.fixture
def strategy_id(world):
    found = a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    stand_in.trade(world.engine, found, world.now, 60)
    return found


@pytest.fixture
def name(world, strategy_id):
    """A live order of it, in quarantine for hours."""

    def put(session):
        row = session.scalars(
            select(OrderRow).where(OrderRow.strategy_id == strategy_id, OrderRow.live == 1)
        ).first()
        row.status, row.reason = OrderStatus.QUARANTINED.value, VANISHED
        row.created_at = world.now - timedelta(hours=2)
        return row.client_order_id

    return run(world.engine, put)


def page(open_page, world, strategy_id, who=None):
    app = open_page(who or world.ann, VIEW, id=str(strategy_id))
    assert not app.exception, app.exception
    return app


def buttons(app):
    return [button.key for button in app.button if str(button.key).startswith("gone_")]


def account_of(world, strategy_id):
    return run(world.engine, lambda s: s.get_one(Strategy, strategy_id).account_id)


def waiting(world, strategy_id):
    account = account_of(world, strategy_id)
    return run(world.engine, lambda s: doubts.waiting(s, [account]))


def test_a_strategy_whose_orders_are_known_asks_nothing(world, open_page, strategy_id):
    app = page(open_page, world, strategy_id)
    assert buttons(app) == []
    assert "Where is" not in texts(app)


def test_what_is_known_is_shown_and_the_answer_needs_consent(world, open_page, strategy_id, name):
    note = Inquiry(name, account_of(world, strategy_id), world.now, "No trade at all.", False, None)
    run(world.engine, lambda s: doubts.save_inquiries(s, [note]))
    app = page(open_page, world, strategy_id)
    shown = texts(app)
    assert name in shown
    assert "does not show it any more" in shown
    assert "last asked by every source" in shown
    assert "No trade at all." in shown
    assert "may be bought or sold again" in shown
    assert app.button(key=f"gone_{name}").disabled
    app.checkbox(key=f"looked_{name}").check().run()
    app.button(key=f"gone_{name}").click().run()
    assert not app.exception, app.exception
    (answer,) = waiting(world, strategy_id)
    assert (answer.client_order_id, answer.user_id) == (name, world.ann)
    assert "You have answered" in texts(app)
    assert buttons(app) == []


def test_an_answer_that_was_not_believed_can_be_given_again(world, open_page, strategy_id, name):
    run(world.engine, lambda s: doubts.say_gone(s, world.ann, name, at=world.now))
    refused = Inquiry(
        name, account_of(world, strategy_id), world.now, "The account holds 1 more.", True, None, 1
    )
    run(world.engine, lambda s: doubts.save_inquiries(s, [refused]))
    app = page(open_page, world, strategy_id)
    assert "was not believed" in texts(app)
    assert "The account holds 1 more." in texts(app)
    app.checkbox(key=f"looked_{name}").check().run()
    app.button(key=f"gone_{name}").click().run()
    (answer,) = waiting(world, strategy_id)
    assert answer.rev == 2
    known = replace(refused, answered_rev=2)
    run(world.engine, lambda s: doubts.save_inquiries(s, [known]))
    assert waiting(world, strategy_id) == []


def test_nobody_is_asked_about_an_order_that_was_just_sent(world, open_page, strategy_id, name):
    run(world.engine, lambda s: setattr(s.get_one(OrderRow, name), "created_at", world.now))
    app = page(open_page, world, strategy_id)
    assert "It can be answered for from" in texts(app)
    assert buttons(app) == []


def test_nobody_else_sees_it(world, open_page, strategy_id, name):
    for who in (world.bob, world.root):
        app = page(open_page, world, strategy_id, who)
        assert name not in texts(app)
        assert buttons(app) == []
