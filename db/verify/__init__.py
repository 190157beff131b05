"""The auditor: do the rows and the venue's ledger say the same, and does each follow from the rules?

Reads one snapshot, account by account, and changes nothing. What a running worker is just about to record
(a trade of an order that is still live) is not broken.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import WRITES, is_sqlite, make_engine
from db.verify.books import Books, account_ids, load_books
from db.verify.broken import Broken
from db.verify.cycles import check_cycles
from db.verify.ledger import check_ledger
from db.verify.orders import check_orders

MOST_SHOWN = 200


def verify(engine: Engine) -> dict[str, Any]:
    """{"ok", "checked": how many of each, "broken": [{"invariant", "check", "account_id",
    "what", "sentence", "strategy_id"}, ...]}."""
    # One statement may take its time here, and nobody waits for it.
    patient = engine
    if not is_sqlite(engine):
        patient = make_engine(engine.url.render_as_string(hide_password=False), patient=True)
    try:
        return _verify(patient)
    finally:
        if patient is not engine:
            patient.dispose()


def _verify(engine: Engine) -> dict[str, Any]:
    checked = {"accounts": 0, "cycles": 0, "orders": 0, "fills": 0}
    checked |= {"ledger_orders": 0, "ledger_trades": 0}
    broken: list[Broken] = []
    with (
        snapshots(engine).connect() as connection,
        Session(connection.execution_options(**{WRITES: False})) as session,
    ):
        for account_id in account_ids(session):
            books = load_books(session, account_id)
            broken += check_books(books)
            checked["accounts"] += 1
            checked["cycles"] += len(books.cycles)
            checked["orders"] += len(books.orders)
            checked["fills"] += len(books.fills)
            checked["ledger_orders"] += len(books.ledger_orders)
            checked["ledger_trades"] += len(books.ledger_trades)
            session.expunge_all()
    return {
        "ok": not broken,
        "checked": checked,
        "broken_count": len(broken),
        "broken": [{"invariant": found.invariant} | asdict(found) for found in broken[:MOST_SHOWN]],
    }


def snapshots(engine: Engine) -> Engine:
    """The same database, each transaction of which sees one moment: rows are written before the venue
    accepts, so a later ledger would show orders whose rows were not there yet."""
    if is_sqlite(engine):
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def check_books(books: Books) -> list[Broken]:
    return [*check_orders(books), *check_cycles(books), *check_ledger(books)]
