"""Waiting for a cluster costs nothing where there is none. On a cluster: tests/chaos/test_galera.py."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, event

from db.causal import causal
from db.known_orders import known_orders
from db.transactions import Session, run


def statements_of(engine: Engine) -> list[str]:
    said: list[str] = []
    event.listen(engine, "after_cursor_execute", lambda *given: said.append(given[2]))
    return said


def test_without_a_cluster_a_connection_is_asked_once_whether_it_is_one(engine: Engine):
    run(engine, lambda s: known_orders(s, ["s-1"]), write=False)
    said = statements_of(engine)
    for _ in range(3):
        run(engine, lambda s: known_orders(s, ["s-1"]), write=False)
    asked = [statement for statement in said if statement != "BEGIN"]
    assert [statement.split()[0] for statement in asked] == ["SELECT"] * 3


def test_what_goes_wrong_in_it_passes_through(engine: Engine):
    def unit(session: Session) -> None:
        with causal(session):
            raise ValueError("of the read")

    with pytest.raises(ValueError, match="of the read"):
        run(engine, unit, write=False)
