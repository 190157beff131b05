"""What the auditor found, in words: for the administrators' page and for the journal of whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from db.audit_findings import Finding, Recorded
from db.journal import JournalEntry, JournalLevel
from db.verify.broken import INVARIANTS, Broken

LONGEST = 700


def findings_of(broken: Iterable[Broken]) -> list[Finding]:
    """One per invariant and strategy: what was found first, and how many more there are."""
    places: dict[tuple[str, int, int | None], list[Broken]] = {}
    for each in broken:
        place = (each.invariant, each.account_id, each.strategy_id)
        places.setdefault(place, []).append(each)
    return [Finding(*place, _sentence(those)) for place, those in places.items()]


def about(user_id: int, recorded: Recorded, broken: Iterable[Broken]) -> Recorded:
    """Of what concerns many people, what this one may read: others' names are none of their business."""
    fresh = {finding.place for finding in recorded.fresh}
    own = findings_of(each for each in broken if each.user_id == user_id)
    return Recorded(tuple(one for one in own if one.place in fresh), recorded.gone)


def entries(recorded: Recorded, user_id: int, at: datetime) -> list[JournalEntry]:
    fresh = [
        _entry(finding, user_id, at, JournalLevel.ALARM, "audit_broken", _alarm(finding))
        for finding in recorded.fresh
    ]
    gone = [
        _entry(finding, user_id, at, JournalLevel.INFO, "audit_whole", _relief(finding))
        for finding in recorded.gone
    ]
    return fresh + gone


def _sentence(those: list[Broken]) -> str:
    first = f"{those[0].what}: {those[0].sentence}"
    more = f" And {len(those) - 1} more of the kind." if len(those) > 1 else ""
    return first[:LONGEST] + more


def _alarm(finding: Finding) -> str:
    return (
        "The auditor, which checks the records each minute, found a rule broken that must always hold"
        f' ({finding.check_id}): "{INVARIANTS[finding.check_id]}". {finding.sentence} What is shown here may'
        " be wrong, money included. Compare with the exchange, pause the strategy if in doubt, and tell your"
        " administrator, who sees it too."
    )


def _relief(finding: Finding) -> str:
    rule = INVARIANTS[finding.check_id]
    return f"What the auditor had found is in order again ({finding.check_id}: {rule})."


def _entry(
    finding: Finding, user_id: int, at: datetime, level: JournalLevel, code: str, sentence: str
) -> JournalEntry:
    return JournalEntry(
        at=at,
        user_id=user_id,
        code=code,
        sentence=sentence,
        level=level,
        account_id=finding.account_id or None,
        strategy_id=finding.strategy_id,
    )
