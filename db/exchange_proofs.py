"""On which exchanges somebody here has passed the self-test. On others the caps are low."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.statements import table_of, upsert_rows
from db.tables import ExchangeProofRow

PROOFS = table_of(ExchangeProofRow)
UNPROVEN_CAP = Decimal(50)
"""Units of the quote coin that may be in use on an exchange that is not yet proven here."""
# Coins of which 50 are far more than a small sum; without an entry here they would not be a low cap.
UNPROVEN_CAPS = {"BTC": Decimal("0.0005"), "ETH": Decimal("0.015"), "BNB": Decimal("0.08")}


@dataclass(frozen=True, slots=True)
class Proof:
    exchange: str
    proven_at: datetime
    account_id: int


def proven(session: Session) -> dict[str, Proof]:
    """By exchange: those on which the self-test was passed."""
    rows = session.execute(select(PROOFS.c.exchange, PROOFS.c.proven_at, PROOFS.c.account_id))
    return {row.exchange: Proof(*row) for row in rows}


def save_proof(session: Session, exchange: str, account_id: int, *, at: datetime) -> None:
    """The first time counts; later ones change nothing."""
    row = {"exchange": exchange, "proven_at": at, "account_id": account_id}
    upsert_rows(session, ExchangeProofRow, [row], ())


def unproven_caps(caps: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The caps that hold while the exchange is not yet proven."""
    return {
        asset: min(amount, UNPROVEN_CAPS.get(asset, UNPROVEN_CAP)) for asset, amount in caps.items()
    }
