"""How long an exchange refuses everything from an address: kept here, so that a restart and other workers
behind the same address honour it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.statements import table_of, upsert_rows
from db.tables import ExchangeBanRow

BANS = table_of(ExchangeBanRow)


def save_ban(session: Session, exchange: str, address: str, until: datetime) -> None:
    """`address`: a name of the host. A ban is never made shorter."""
    row = {"exchange": exchange, "address": address, "until": until}
    upsert_rows(session, ExchangeBanRow, [row], ("until",), keep="{old} > {new}")


def bans_of(session: Session, address: str) -> dict[str, datetime]:
    """{exchange: until}, those that are over included."""
    rows = session.execute(select(BANS.c.exchange, BANS.c.until).where(BANS.c.address == address))
    return {exchange: until for exchange, until in rows}
