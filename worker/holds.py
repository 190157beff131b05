"""Why an account plans no buys for now: several reasons at once, each with its sentence and since when.

Exits go on. What only the person can mend is `needs_attention`, what goes by itself is `waiting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.story_entry import Entry, EntryLevel

NEED_THE_PERSON = frozenset(
    {"key", "caps", "rolled_back", "symbol", "rules", "unreadable", "added_twice"}
)
"""The others go by themselves: clock, maintenance, ban, peg, reconcile."""
HOLDS_EXITS_TOO = frozenset({"reconcile"})
"""While nothing is decided, nothing is sold but by orders that rest on the exchange."""
EXITS_STAY = "Take profits and stop losses stay on."


@dataclass(frozen=True, slots=True)
class Hold:
    """`code`: short. `quote`: only buys that are paid in this coin are held; None: all."""

    code: str
    sentence: str
    since: datetime
    quote: str | None = None

    @property
    def state(self) -> str:
        return "needs_attention" if self.code in NEED_THE_PERSON else "waiting"


class Holds:
    """`told`: journal entries about beginnings and ends that wait to be written."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], Hold] = {}
        self.told: list[Entry] = []

    def begin(self, code: str, sentence: str, at: datetime, quote: str | None = None) -> bool:
        """Whether this changed anything; a hold that is said again keeps its beginning."""
        known = self._known.get((code, quote))
        if known is not None and known.sentence == sentence:
            return False
        since = at if known is None else known.since
        self._known[code, quote] = Hold(code, sentence, since, quote)
        if known is None:
            level = EntryLevel.ALARM if code in NEED_THE_PERSON else EntryLevel.WARNING
            words = sentence if code in HOLDS_EXITS_TOO else f"{sentence} {EXITS_STAY}"
            self.told.append(Entry(level, f"hold_{code}", words))
        return True

    def resume(self, code: str, sentence: str, since: datetime) -> None:
        """A hold that began under another owner of the account, and was told then."""
        self._known[code, None] = Hold(code, sentence, since)

    def find(self, code: str) -> Hold | None:
        return self._known.get((code, None))

    def end(self, code: str, quote: str | None = None, how: str | None = None) -> bool:
        """Whether there was such a hold. `how` it ended, in words."""
        known = self._known.pop((code, quote), None)
        if known is None:
            return False
        since = f"{known.since:%Y-%m-%d %H:%M:%S} UTC"
        over = how or "This is over, and buying goes on"
        sentence = f"{over} (it began at {since}): {known.sentence}"
        self.told.append(Entry(EntryLevel.INFO, f"hold_{code}_ended", sentence))
        return True

    def of(self, quote: str) -> Hold | None:
        """What holds buys in this quote coin: what only the person can mend comes first."""
        own = [hold for hold in self._known.values() if hold.quote in (None, quote)]
        return min(own, key=lambda hold: (hold.state, hold.since), default=None)

    @property
    def sentences(self) -> list[str]:
        return [hold.sentence for hold in self._known.values()]

    def __bool__(self) -> bool:
        return bool(self._known)

    def take_told(self) -> list[Entry]:
        told, self.told = self.told, []
        return told
