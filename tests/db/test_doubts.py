"""What a person answers about an order that nobody can prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.orders import Role
from db import audit, doubts
from db.doubts import Inquiry
from db.errors import Conflict, NotFound
from db.tables import OrderRow
from db.transactions import run
from tests.builders import at
from tests.db.people import a_strategy, a_user, first_account
from tests.db.trading import has_traded

LATER = at(0) + timedelta(hours=1)


@pytest.fixture
def doubtful(engine):
    """(person, strategy, account, client order id) with a quarantined order."""
    person = a_user(engine)
    strategy = a_strategy(engine, person)
    _, opened = has_traded(engine, strategy)
    name = next(o for o in opened.live() if o.slot.role is Role.SAFETY).client_order_id
    put(engine, name, "quarantined")
    return person, strategy, first_account(engine, person), name


def put(engine, name, status):
    run(engine, lambda s: setattr(s.get_one(OrderRow, name), "status", status))


def say(engine, person, name, when=LATER, key=None):
    return run(engine, lambda s: doubts.say_gone(s, person, name, at=when, key=key))


def inquiry(account, name, **changes):
    known = Inquiry(name, account, LATER, "No trade.", False, Decimal("1.5"))
    return replace(known, **changes)


def test_an_answer_waits_for_its_worker_until_it_is_dealt_with(engine, doubtful):
    person, strategy, account, name = doubtful
    assert run(engine, lambda s: doubts.waiting(s, [account])) == []
    assert say(engine, person, name) == 1
    (answer,) = run(engine, lambda s: doubts.waiting(s, [account]))
    assert (answer.client_order_id, answer.user_id, answer.rev) == (name, person, 1)
    assert run(engine, lambda s: doubts.waiting(s, [account + 1])) == []
    refused = inquiry(account, name, answered_rev=1, contradicts=True)
    run(engine, lambda s: doubts.save_inquiries(s, [refused]))
    assert run(engine, lambda s: doubts.waiting(s, [account])) == []
    assert run(engine, lambda s: doubts.inquiries(s, [account])) == [refused]
    found = run(engine, lambda s: doubts.doubts_of(s, person, strategy))[name]
    assert (found.inquiry, found.is_answered) == (refused, False)
    assert say(engine, person, name) == 2, "they may say it again"
    assert [a.rev for a in run(engine, lambda s: doubts.waiting(s, [account]))] == [2]


def test_an_order_whose_fate_is_known_has_no_answer(engine, doubtful):
    person, strategy, account, name = doubtful
    say(engine, person, name)
    put(engine, name, "open")
    assert run(engine, lambda s: doubts.waiting(s, [account])) == []
    assert run(engine, lambda s: doubts.doubts_of(s, person, strategy)) == {}
    with pytest.raises(Conflict, match="known by now"):
        say(engine, person, name)


def test_said_twice_it_is_one_answer_and_one_line_of_the_audit(engine, doubtful):
    person, _, _, name = doubtful
    assert [say(engine, person, name, key=key) for key in ("k1", "k1", "k2", None)] == [1] * 4
    rows = run(engine, lambda s: audit.audit_of(s, person))
    (row,) = [row for row in rows if row.action == "order said gone"]
    assert (row.actor, row.details["order"]) == ("Ann", name)


def test_nobody_answers_for_another(engine, doubtful):
    *_, name = doubtful
    other = a_user(engine, "bob")
    with pytest.raises(NotFound):
        say(engine, other, name)
    with pytest.raises(NotFound):
        say(engine, other, "s0000nothing")
    assert run(engine, lambda s: doubts.doubts_of(s, other, doubtful[1])) == {}


def test_not_before_fifteen_minutes_after_it_was_written(engine, doubtful):
    person, _, _, name = doubtful
    written = run(engine, lambda s: s.get_one(OrderRow, name).created_at)
    with pytest.raises(Conflict, match="a moment ago"):
        say(engine, person, name, written + timedelta(minutes=14))
    assert say(engine, person, name, written + timedelta(minutes=15)) == 1
