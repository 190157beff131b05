"""All that the rows say of accounts, read in one fenced transaction when they are opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import StepladderError
from db import cycles, leases
from db.account_status import taken_back
from db.cycle_rows import Shared
from db.cycles import StoredCycle
from db.doubts import Inquiry, inquiries
from db.halt import Halt, read_halt
from db.handles import Engine, Session
from db.installation import code
from db.status import StrategyStatus
from db.status import load as load_statuses
from db.transactions import run
from db.wanted import Wanted, all_wanted


@dataclass(frozen=True, slots=True)
class Stored:
    """All that the rows say of one account, read in one fenced transaction. `taken_back`: of its status."""

    cycles: dict[int, StoredCycle]
    statuses: dict[int, StrategyStatus]
    wishes: list[Wanted]
    halt: Halt
    installation: str
    taken_back: str | None = None
    inquiries: list[Inquiry] = field(default_factory=list)


Held = tuple[int, int]
"""An account and the token of its lease."""


def read_stored(
    engine: Engine, share: Shared, held: Sequence[Held]
) -> list[Stored | BaseException]:
    """All of them in one fenced transaction; when that fails each is read alone."""
    try:
        return list(run(engine, lambda session: _read_all(session, share, dict(held))))
    except StepladderError as error:
        if len(held) == 1:
            return [error]
    return [read_stored(engine, share, [one])[0] for one in held]


def _read_all(session: Session, share: Shared, tokens: dict[int, int]) -> list[Stored]:
    leases.fence(session, tokens)
    halt, installation = read_halt(session), code(session)
    texts = taken_back(session, list(tokens))
    found = {i: Stored({}, {}, [], halt, installation, texts.get(i)) for i in tokens}
    for row in cycles.load_open(session, tokens, share):
        found[row.account_id].cycles[row.strategy_id] = row
    for one in inquiries(session, list(tokens)):
        found[one.account_id].inquiries.append(one)
    for status in load_statuses(session, list(tokens)).values():
        found[status.account_id].statuses[status.strategy_id] = status
    for wish in all_wanted(session, list(tokens)):
        found[wish.account_id].wishes.append(wish)
    return list(found.values())
