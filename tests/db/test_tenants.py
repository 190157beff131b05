"""User B gets nothing of A and changes nothing of A, for every function that serves a person.

The functions are found, not listed: one added later is tried as well, and fails here as long as nobody
has said what to give it.
"""

from __future__ import annotations

import base64
import importlib
import inspect
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from core.cycle import DesiredState
from core.errors import StepladderError
from db import (
    account_keys,
    account_status,
    audit_findings,
    candle_requests,
    drafts,
    notification_targets,
    preferences,
    second_factors,
    sessions,
)
from db.account_status import AccountStatus
from db.audit_findings import Finding
from db.notification_targets import CHOICES, Kind
from db.preferences import Theme
from db.rights import Role
from db.second_factors import RecoveryCodes
from db.sign_up import SignUp
from db.tables import InvitationRow, Model, OrderRow
from db.transactions import run
from tests.db.people import (
    AT,
    HASH,
    PARAMETERS,
    a_live_account,
    a_strategy,
    a_user,
    an_administrator,
    first_account,
)
from tests.db.trading import has_traded
from tests.faults import fault

MODULES = (
    "db.account_keys",
    "db.account_status",
    "db.accounts",
    "db.audit",
    "db.audit_findings",
    "db.candle_requests",
    "db.doubts",
    "db.drafts",
    "db.links",
    "db.notification_targets",
    "db.outbox",
    "db.preferences",
    "db.reports.administration",
    "db.reports.histories",
    "db.reports.live",
    "db.reports.past",
    "db.reports.personal",
    "db.second_factors",
    "db.sessions",
    "db.sign_up",
    "db.strategies",
    "db.users",
)
# Whose own value each of these is: given A's, B must be refused or find nothing.
GIVEN: dict[str, Any] = {
    "at": AT,
    "name": "Taken over",
    "display_name": "Taken over",
    "time_zone": "Asia/Tokyo",
    "symbol": "CANARY/USDT",
    "parameters": PARAMETERS,
    "version": 1,
    "rev": None,
    "state": DesiredState.CLOSED,
    "balance": {"USDT": Decimal(1)},
    "exchange": "binance",
    "caps": {"USDT": Decimal(1)},
    "accepts_no_address": True,
    "accepts_unverified": True,
    "sealed": base64.b64encode(b"x" * 100).decode(),
    "pair_id": "0123456789abcdef",
    "address": "192.0.2.9",
    "agent": "x",
    "trusted": False,
    "username": "new-person",
    "password_hash": HASH,
    "role": Role.ADMINISTRATOR,
    "active": False,
    "venue": "simulated",
    "since": 0,
    "until": 60_000,
    "actor_id": None,
    "content": {"name": "Taken over"},
    "code": "000000",
    "seed_key": bytes(32),
    "recovery": RecoveryCodes((), "salt", ("0" * 64,)),
    "hashed": "0" * 64,
    "kind": Kind.EMAIL,
    "events": CHOICES,
    "theme": Theme.DARK,
    "mode": SignUp.OPEN,
    "cycles": DesiredState.STOPPED,
}
# For the login and the command line, which have no person yet; callers know whom they mean.
NOT_FOR_SCREENS = {
    "open_session", "add_first_account", "end_sessions", "reset_token", "code_token"
}  # fmt: skip


def personal_functions() -> list[Callable[..., Any]]:
    found: list[Callable[..., Any]] = []
    for name in MODULES:
        module = importlib.import_module(name)
        for function_name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = list(inspect.signature(function).parameters)
            if (
                function.__module__ == name
                and not function_name.startswith("_")
                and function_name not in NOT_FOR_SCREENS
                and parameters[:1] == ["session"]
                and parameters[1:2] in (["user_id"], ["administrator_id"])
            ):
                found.append(function)
    return found


FUNCTIONS = personal_functions()


def test_the_functions_are_found():
    assert len(FUNCTIONS) > 30


@pytest.fixture
def ann(engine):
    return a_user(engine, "ann-canary")


@pytest.fixture
def hers(engine, ann):
    """What belongs to A, by the name under which functions ask for it."""
    strategy = a_strategy(engine, ann)
    _, opened = has_traded(engine, strategy)
    order = next(opened.live()).client_order_id
    run(engine, lambda s: setattr(s.get_one(OrderRow, order), "status", "quarantined"))
    run(
        engine,
        lambda s: sessions.open_session(
            s, ann, address="192.0.2.1", agent="ann-canary", trusted=True, at=AT
        ),
    )
    (login,) = run(engine, lambda s: sessions.open_sessions(s, ann, at=AT))
    request = run(
        engine,
        lambda s: candle_requests.ask(s, ann, "simulated", "ANNCANARY/USDT", 0, 60_000, at=AT),
    )
    live = a_live_account(engine, ann, name="ann-canary live")
    more = run(engine, lambda s: _what_is_new_of(s, ann))
    run(engine, lambda s: _what_is_known_of(s, ann, live))
    return {
        "live_account_id": live,
        "user_id": ann,
        "strategy_id": strategy,
        "client_order_id": order,
        "account_id": first_account(engine, ann),
        "session_id": login.session_id,
        "request_id": request,
        **more,
    }


def _what_is_new_of(session, user_id) -> dict[str, int]:
    """A second factor, a draft, a preference, somewhere to be told, and an invitation of somebody's."""
    seed = second_factors.enrol(session, user_id, seed_key=GIVEN["seed_key"], at=AT)
    second_factors.confirm(
        session, user_id, pyotp.TOTP(seed.secret).at(AT), seed_key=GIVEN["seed_key"],
        recovery=GIVEN["recovery"], at=AT,
    )  # fmt: skip
    drafts.save(session, user_id, content={"name": "ann-canary"}, rev=0, at=AT)
    preferences.set_theme(session, user_id, theme=Theme.LIGHT, at=AT)
    target = notification_targets.add_target(
        session, user_id, kind=Kind.EMAIL, name="ann-canary", sealed=GIVEN["sealed"],
        pair_id=GIVEN["pair_id"], events=CHOICES, at=AT,
    )  # fmt: skip
    invitation = InvitationRow(
        token_hash="0" * 64, role="person", created_by=user_id, created_at=AT,
        expires_at=AT + timedelta(days=7), used_at=None, used_by=None,
    )  # fmt: skip
    session.add(invitation)
    session.flush()
    return {"target_id": target, "invitation_id": invitation.id}


def _what_is_known_of(session, user_id, account_id) -> None:
    """Of a live account: a key, what the worker says of it, and a broken invariant."""
    account_keys.store_key(
        session, user_id, account_id, sealed=GIVEN["sealed"], pair_id=GIVEN["pair_id"], at=AT
    )
    said = AccountStatus(
        account_id=account_id, user_id=user_id, sentence="ann-canary", updated_at=AT
    )
    account_status.save(session, [said])
    audit_findings.record(
        session, [account_id], [Finding("V1", account_id, None, "ann-canary")], at=AT
    )


# What is done to a simulated account is tried on a live one as well: only there it could succeed.
FOR_LIVE = {
    "change_caps", "confirm", "ask_self_test", "store_key", "key_version", "live_account",
}  # fmt: skip


def everything(engine, but_of: int) -> list[str]:
    """Every row that is not B's own."""
    rows = []
    with engine.connect() as connection:
        for table in Model.metadata.sorted_tables:
            statement = select(table)
            own_row = ("id",) if table.name == "users" else ()
            for owner in (*own_row, "user_id", "actor_user_id", "created_by", "asked_by"):
                if owner in table.columns:
                    column = table.columns[owner]
                    statement = statement.where(column.is_(None) | (column != but_of))
            rows += [f"{table.name} {row}" for row in connection.execute(statement)]
    return sorted(rows)


def call(engine, function, who, hers):
    parameters = list(inspect.signature(function).parameters.values())[2:]
    if function.__name__ in FOR_LIVE:
        hers = hers | {"account_id": hers["live_account_id"]}
    arguments = {
        p.name: (hers | GIVEN)[p.name]
        for p in parameters
        if p.default is inspect.Parameter.empty and p.kind is not p.VAR_POSITIONAL
    }
    return run(engine, lambda session: function(session, who, **arguments))


@fault("S1")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_somebody_else_gets_nothing_and_changes_nothing(engine, ann, hers, function):
    an_administrator(engine)
    bob = a_user(engine, "bob")
    before = everything(engine, but_of=bob)
    try:
        answer = repr(call(engine, function, bob, hers))
    except StepladderError as refusal:
        answer = str(refusal)
    assert "canary" not in answer.lower()
    assert "Calm one" not in answer
    assert everything(engine, but_of=bob) == before


@fault("S1")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_a_person_who_does_not_exist_gets_nothing_and_changes_nothing(engine, ann, hers, function):
    nobody = 10**9
    before = everything(engine, but_of=nobody)
    try:
        answer = repr(call(engine, function, nobody, hers))
    except StepladderError as refusal:
        answer = str(refusal)
    assert "canary" not in answer.lower()
    assert everything(engine, but_of=nobody) == before
