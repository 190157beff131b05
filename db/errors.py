"""What can go wrong between us and the database, by reaction.

StepladderError
├── DatabaseUnavailable   tried several times: wait, decide nothing, try again later
├── CommitUnknown         it may or may not have been committed: read again, never repeat
├── LeaseLost             another worker has the account: drop it
├── Stale                 somebody else changed the row meanwhile: read again, show what is there now
├── NotFound              there is no such thing, or it is not this person's
├── Conflict              the rules or a unique key refuse it: the message says what to do
├── NotAllowed            this person may not do that
└── InvalidInput
    └── NotStorable       the value would not be read back equal: nothing was sent
"""

from __future__ import annotations

from sqlalchemy.exc import DontWrapMixin

from core.errors import InvalidInput, StepladderError


class DatabaseUnavailable(StepladderError):
    """The database did not answer, several times."""


class CommitUnknown(StepladderError):
    """The connection was lost during COMMIT: whether it happened is not known."""


class LeaseLost(StepladderError):
    """At least one of the accounts belongs to another worker now. Nothing was written."""


class Stale(StepladderError):
    """The row has changed since it was read. Nothing was written."""


class NotFound(StepladderError):
    """There is no such thing among what belongs to this person."""


class Conflict(StepladderError):
    """What is there already excludes the change. The message is for the person."""


class NotAllowed(StepladderError):
    """This person may not do that."""


class NotStorable(DontWrapMixin, InvalidInput):
    """The database would round, cut or refuse the value, so it was not sent."""

    def __init__(self, sentence: str) -> None:
        super().__init__("", sentence)
