"""What can go wrong between us and a venue, by reaction.

VenueError
├── OutcomeUnknown   the request may have been accepted: the order stays `sending` until proof
├── VenueUnavailable a question could not be answered: ask again later, conclude nothing
│   ├── AccountLost  and asking again does not help: the account is to be attached anew
│   ├── NotSent      the request never left this process: whatever it was for has not happened
│   ├── Unaskable    the venue answers, but not this question: others can be asked
│   └── PartlyAnswered  some orders of a question are such; the others were answered
└── KeyRefused       the exchange does not take this key: the account stops alone, its owner is told
    └── KeyAwaited   nothing is wrong: there is no key yet, or it waits to be checked or confirmed
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.errors import StepladderError
from core.orders import OrderUpdate


class VenueError(StepladderError):
    """The message holds a class and a code, never the text of an exchange's exception."""


class OutcomeUnknown(VenueError):
    """Nobody can say whether the request was accepted."""


class VenueUnavailable(VenueError):
    """No answer to a question; an error is not "not found"."""


class AccountLost(VenueUnavailable):
    """What was held in memory of the account is gone. Attached anew it also walks what was missed."""


class NotSent(VenueUnavailable):
    """`code`: why, short, for rows and words (`ban`, `too_late`, `no_route`)."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Unaskable(VenueUnavailable):
    """It concerns what was asked about, not the venue."""


class PartlyAnswered(VenueUnavailable):
    """`unasked`: ids of which nothing is known. `updates`: of the others, as in a whole answer: one that is
    missing there was not found."""

    def __init__(
        self, sentence: str, updates: Sequence[OrderUpdate], unasked: Collection[str]
    ) -> None:
        super().__init__(sentence)
        self.updates = list(updates)
        self.unasked = frozenset(unasked)


class KeyRefused(VenueError):
    """The message is a sentence for the owner: what is wrong with the key and the way out."""


class KeyAwaited(KeyRefused):
    """A state that each new account passes through; the message is a sentence for the owner too."""
