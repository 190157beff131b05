"""One word per thing on the screens; what each state means stands in `core.state_words`."""

from __future__ import annotations

from core import state_words
from core.orders import Role
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
STATE_WORDS = {state.value: said.word for state, said in state_words.ACTUAL_STATES.items()}
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
DESIRED_WORDS = {state: said.word for state, said in state_words.DESIRED_STATES.items()}
ROLE_WORDS = {
    Role.BASE: "First buy",
    Role.SAFETY: "Extra buy",
    Role.TAKE_PROFIT: "Take profit",
    Role.STOP_LOSS: "Stop loss",
    Role.CLOSE: "Sold on your word",
}
ORDER_WORDS = {status: said.word for status, said in state_words.ORDER_STATES.items()}
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
