"""What an answer to a create request proves: a whitelist, per exchange, of what the exchange itself says.

Whatever is not listed is `UNKNOWN`: the order may rest there. The whitelist goes by the exchange's own
codes, read out of the JSON that ccxt quotes, because ccxt's classes change and mix a duplicate id, which
means that the order exists, with real rejections. No text of an exception ever leaves this file: it
holds signed addresses.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.errors import VenueError
from worker.exchanges.adapter import Fate, Outcome, Row, Trouble

MAX_BODY = 20_000
SEEN_ADDRESS = re.compile(r"request ip: ?([0-9a-f.:]{3,45})", re.IGNORECASE)
MAX_CODE = 40
HTTP_STATUS = re.compile(r"\A\w+ (?:GET|POST|PUT|PATCH|DELETE) \S+ (\d{3}) ")
TOO_MANY = re.compile(r"\A\w+ (?:418|429) ")
PLAIN_CODE = re.compile(r"-?[0-9]{1,9}|[A-Z][A-Z0-9_]{1,39}|[A-Z][A-Za-z]{1,15}:[A-Za-z ]{1,24}")
TROUBLE_OF = {
    "403": Trouble.BAN,  # a firewall's
    "418": Trouble.BAN,
    "429": Trouble.BAN,
    "503": Trouble.MAINTENANCE,
}


class NotSendable(VenueError):
    """The order is not on the market's grid, or has no limit where one is needed: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means, if `text` (lower case) stands in the message that came with it."""

    fate: Fate
    trouble: Trouble = Trouble.NONE
    word: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One complaint of an exchange: its code and the message with it, in lower case."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """`read`: the complaints in the body of an answer. `codes`: by code, the first rule whose text fits.
    `messages`: those that ccxt passes on without their code, whole and in lower case, and the code."""

    exchange: str
    read: Callable[[dict[str, Any]], Iterator[Said]]
    codes: Mapping[str, Sequence[Rule]]
    messages: Mapping[str, str] = field(default_factory=dict)

    def outcome(self, error: BaseException) -> Outcome:
        return classify(self, error)


EXISTS = Rule(Fate.EXISTS)
REFUSED = Rule(Fate.REFUSED)
FILTER = Rule(Fate.REFUSED, Trouble.FILTER, "filters")
GONE = Rule(Fate.REFUSED, Trouble.GONE, "symbol")
HALTED = Rule(Fate.NOT_PLACED, Trouble.GONE, "symbol")
FUNDS = Rule(Fate.NOT_PLACED, word="funds")
LATER = Rule(Fate.NOT_PLACED)
CLOCK = Rule(Fate.NOT_PLACED, Trouble.CLOCK, "clock")
TOO_LATE = Rule(Fate.NOT_PLACED, word="too_late")
KEY = Rule(Fate.NOT_PLACED, Trouble.KEY)
MAINTENANCE = Rule(Fate.NOT_PLACED, Trouble.MAINTENANCE, "maintenance")
BUSY = Rule(Fate.UNKNOWN, Trouble.MAINTENANCE)
BAN = Rule(Fate.UNKNOWN, Trouble.BAN)
UNKNOWN = Rule(Fate.UNKNOWN)

BY_CLASS: Mapping[str, Rule] = {
    # Raised by ccxt before anything is sent.
    "ArgumentsRequired": REFUSED,
    "NotSupported": REFUSED,
    # These come only from what the exchange says, and say it whatever the code.
    "OnMaintenance": MAINTENANCE,
    "InsufficientFunds": FUNDS,
    "BadSymbol": GONE,
    # Not placed, most likely, but nobody has promised it: the order is looked up.
    "DDoSProtection": BAN,
    "RateLimitExceeded": BAN,
    "AuthenticationError": Rule(Fate.UNKNOWN, Trouble.KEY),
    "InvalidNonce": Rule(Fate.UNKNOWN, Trouble.CLOCK),
}
"""From the special to the general; ccxt's own classes by name, so that nothing here loads ccxt."""


def rules(rule: Rule, *codes: str) -> dict[str, tuple[Rule, ...]]:
    """The same rule for many codes."""
    return dict.fromkeys(codes, (rule,))


def with_text(rule: Rule, text: str) -> Rule:
    return Rule(rule.fate, rule.trouble, rule.word, text)


def classify(table: ErrorTable, error: BaseException) -> Outcome:
    """What `error` proves about the order that was being created."""
    if isinstance(error, NotSendable):
        return Outcome(Fate.REFUSED, "not sendable", Trouble.FILTER, "filters")
    names = [c.__name__ for c in type(error).__mro__ if c.__module__.startswith("ccxt.")]
    if not names:
        return Outcome(Fate.UNKNOWN, f"{table.exchange} {type(error).__name__[:MAX_CODE]}")
    text = str(error)
    code = f"{table.exchange} {names[0][:MAX_CODE]}"
    if TOO_MANY.match(text):
        return _outcome(BAN, code)
    if never_connected(error):
        return _outcome(LATER, f"{code} no connection")
    said = _read(table, text)
    if said:
        return _by_code(table, said, names)
    by_class = _by_class(names)
    return _by_status(text, code, by_class) or _outcome(by_class, code)


def accepted(exchange: str, row: Row | None, client_order_id: str) -> Outcome:
    """What an answer without an error proves: `ACCEPTED` only with an order id of theirs in it, not with
    somebody else's client order id, and not when it speaks of a rejection."""
    if not isinstance(row, dict) or not is_id(row.get("id")):
        return Outcome(Fate.UNKNOWN, f"{exchange} empty answer")
    if row.get("status") == "rejected":
        return Outcome(Fate.UNKNOWN, f"{exchange} rejected")
    theirs = row.get("clientOrderId")
    if theirs and str(theirs).removeprefix("t-") != client_order_id:
        return Outcome(Fate.UNKNOWN, f"{exchange} answer for another order")
    return Outcome(Fate.ACCEPTED, f"{exchange} accepted")


def is_id(value: Any) -> bool:
    return isinstance(value, str | int) and str(value).strip() not in ("", "0", "None", "null")


def has_code(table: ErrorTable, error: BaseException, codes: Sequence[str]) -> bool:
    """Whether the exchange itself said one of `codes`, and nothing else."""
    said = _read(table, str(error))
    return bool(said) and all(one.code in codes for one in said)


def complaints(table: ErrorTable, error: BaseException) -> list[Said]:
    """What the exchange itself said in `error`; empty when it said nothing that can be read."""
    return _read(table, str(error))


def seen_address(error: BaseException) -> str | None:
    """From which address the exchange says that the refused request came; None where it does not say."""
    found = SEEN_ADDRESS.search(str(error)[:MAX_BODY])
    if found is None:
        return None
    try:
        return str(ipaddress.ip_address(found.group(1).rstrip(".:")))
    except ValueError:
        return None


def never_connected(error: BaseException) -> bool:
    """No connection was made (refused, no such host, bad certificate), so nothing can have been sent."""
    cause: BaseException | None = error
    while cause is not None:
        classes = type(cause).__mro__
        if any(c.__name__ == "ClientConnectorError" and "aiohttp" in c.__module__ for c in classes):
            return True
        cause = cause.__cause__
    return False


def _by_code(table: ErrorTable, said: Sequence[Said], names: Sequence[str]) -> Outcome:
    """All complaints must be listed and agree, otherwise nothing is known."""
    shown = next((s.code for s in said if PLAIN_CODE.fullmatch(s.code)), names[0])
    label = f"{table.exchange} {shown[:MAX_CODE]}"
    found = [_rule(table, one) for one in said]
    first = found[0]
    if found == [None]:
        first = _by_class(names)
    elif first is None or any(rule is None or rule.fate is not first.fate for rule in found):
        first = Rule(Fate.UNKNOWN, _by_class(names).trouble)
    return _outcome(first, label)


def _rule(table: ErrorTable, said: Said) -> Rule | None:
    for rule in table.codes.get(said.code, ()):
        if rule.text in said.message:
            return rule
    return None


def _by_status(text: str, code: str, by_class: Rule) -> Outcome | None:
    """A bare HTTP status proves nothing; some say what the matter is."""
    found = HTTP_STATUS.match(text)
    if found is None:
        return None
    status = found.group(1)
    trouble = TROUBLE_OF.get(status, by_class.trouble)
    return Outcome(Fate.UNKNOWN, f"{code} {status}", trouble)


def _by_class(names: Sequence[str]) -> Rule:
    return next((BY_CLASS[name] for name in names if name in BY_CLASS), UNKNOWN)


def _outcome(rule: Rule, code: str) -> Outcome:
    return Outcome(rule.fate, code, rule.trouble, rule.word)


def _read(table: ErrorTable, text: str) -> list[Said]:
    """The complaints in the JSON that ccxt quotes after the exchange's name; nothing of an address."""
    name = f"{table.exchange} "
    if not text.startswith(name) or len(text) > MAX_BODY:
        return []
    message = text.removeprefix(name).strip().lower()
    if message in table.messages:
        return [Said(table.messages[message], message)]
    before, brace, after = text.partition("{")
    if not brace or "://" in before:
        return []
    try:
        body = json.loads(brace + after)
    except ValueError:
        return []
    return list(table.read(body)) if isinstance(body, dict) else []


def said(code: Any, message: Any) -> Said:
    return Said(str(code)[:200], str(message or "")[:1000].lower())


def read_code_and_message(code: str, message: str) -> Callable[[dict[str, Any]], Iterator[Said]]:
    """For exchanges whose complaint is one code and one message under these names."""

    def read(body: dict[str, Any]) -> Iterator[Said]:
        if body.get(code) is not None:
            yield said(body[code], body.get(message))

    return read
