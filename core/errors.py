"""The error tree, by reaction. Other packages hang their own leaves on it.

StepladderError
├── InvalidInput          tell the person which field and the way out; nothing has been changed
├── ImpossibleTransition  something happened that the rules exclude: change nothing, raise an alarm
└── Unavailable           a needed value is missing (a price, a candle): wait for it, never replace it
"""

from __future__ import annotations


class StepladderError(Exception):
    """The message is a sentence for a person, free of secrets."""


class InvalidInput(StepladderError):
    """A value that a person, a file or a row gave cannot be used.

    `field` is the name of the parameter as in DESIGN 2.1; the message starts with it, says what is
    wrong and what would be right.
    """

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.field = field
        self.sentence = sentence


class ImpossibleTransition(StepladderError):
    """An order or a cycle was told something that its status does not allow."""


class Unavailable(StepladderError):
    """A value that a decision needs is not known now."""
