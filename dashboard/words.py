"""One word per thing on the screens, and what each state means."""

from __future__ import annotations

from core.cycle import DesiredState
from core.orders import OrderStatus, Role
from db.accounts import AccountKind

KIND_WORDS = {
    AccountKind.SIMULATED: "SIMULATED",
    AccountKind.PAPER: "PAPER",
    AccountKind.LIVE: "LIVE",
}
KIND_COLOURS = {
    AccountKind.SIMULATED: "blue",
    AccountKind.PAPER: "violet",
    AccountKind.LIVE: "red",
}
KIND_SENTENCES = {
    AccountKind.SIMULATED: "made-up prices, made-up money. Nothing real can be earned or lost.",
    AccountKind.PAPER: "real prices, made-up money. Nothing real can be earned or lost.",
    AccountKind.LIVE: "real money on a real exchange. You can lose all of it.",
}
STATE_WORDS = {
    "starting": "Starting",
    "running": "Running",
    "waiting": "Waiting",
    "finishing": "Finishing",
    "paused": "Paused",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "closed": "Closed",
    "needs_attention": "Needs you",
}
STATE_COLOURS = {
    "starting": "gray",
    "running": "green",
    "waiting": "orange",
    "finishing": "blue",
    "paused": "gray",
    "stopping": "gray",
    "stopped": "gray",
    "closed": "gray",
    "needs_attention": "red",
}
DESIRED_WORDS = {
    DesiredState.RUNNING: "run",
    DesiredState.FINISHING: "finish this cycle, then stop",
    DesiredState.PAUSED: "pause",
    DesiredState.STOPPED: "stop",
    DesiredState.CLOSED: "close",
}
ROLE_WORDS = {
    Role.BASE: "First buy",
    Role.SAFETY: "Extra buy",
    Role.TAKE_PROFIT: "Take profit",
    Role.STOP_LOSS: "Stop loss",
    Role.CLOSE: "Sold on your word",
}
ORDER_WORDS = {
    OrderStatus.SENDING: "unknown yet",
    OrderStatus.OPEN: "open",
    OrderStatus.CANCELLING: "being cancelled",
    OrderStatus.QUARANTINED: "needs you",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.REFUSED: "refused",
    OrderStatus.NOT_PLACED: "not placed, tried again later",
    OrderStatus.NOT_ACCEPTED: "never reached the exchange",
}
ENDED_WORDS = {
    "take_profit": "take profit",
    "stop_loss": "stop loss",
    "trailing": "trailing",
    "closed": "closed by you",
    "released": "coins released",
}


def role_words(role: Role, level: int | None) -> str:
    """ "Extra buy 3", "Take profit"."""
    word = ROLE_WORDS[role]
    return f"{word} {level}" if role is Role.SAFETY else word


def state_word(actual: str | None) -> str:
    return "Not yet seen" if actual is None else STATE_WORDS.get(actual, actual)
