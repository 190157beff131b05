"""The small words in colour beside accounts and levels: what each of them means. Help prints these tables."""

from __future__ import annotations

from collections.abc import Mapping

from core import state_words
from core.state_words import Meaning
from dashboard.planned_real import LevelState
from dashboard.planned_why import WhyNot
from dashboard.words import KIND_SENTENCES, KIND_WORDS
from db.accounts import AccountKind

KINDS: Mapping[AccountKind, Meaning] = {
    kind: Meaning(KIND_WORDS[kind], sentence[:1].upper() + sentence[1:])
    for kind, sentence in KIND_SENTENCES.items()
}
ACCOUNTS: Mapping[str, Meaning] = {
    word: Meaning(word, means, todo)
    for word, means, todo in (
        ("no key yet", "The account has no key, so nothing is traded.", "Enter its key."),
        ("key waits to be checked", "The worker has not yet asked the exchange about the key.", ""),
        ("key is being checked", "The exchange is being asked what the key may do.", ""),
        ("key works", "The exchange accepts the key, and it may trade.", ""),
        ("needs confirmation", "Something about the key could not be made sure of.",
         "Read what it is, and confirm it or make another key."),
        ("key refused", "The key does not work, or may do more than it should.",
         "Make another one on the exchange and replace it."),
        ("key ends in", "The key expires soon.", "Make a new one and replace it."),
        ("key has expired", "The exchange does not accept the key any more.",
         "Make a new one and replace it."),
        ("self-test waits", "You agreed to the self-test; the worker begins soon.", ""),
        ("self-test runs", "One smallest order is placed far below the market and taken back.", ""),
        ("self-test passed", "Orders of this account arrive, are found again and can be cancelled.", ""),
        ("self-test failed", "An order did not do what it should.", "Read what happened, and try it again."),
        ("no self-test yet", "Nobody has shown yet that orders of this account arrive.", "Run it once."),
        ("not yet proven", "Nobody here has passed the self-test on this exchange: caps stay low.",
         "Run the self-test."),
        ("matches", "What the exchange has fits what the strategies hold.", ""),
        ("does not match", "The exchange has less than the strategies hold.",
         "Bring the coins back, or stop and release them."),
        ("not compared yet", "The exchange and these figures were not compared yet.", ""),
        ("frozen", "The last comparison is too old: figures are as they were then, and nothing is bought.",
         "Wait; if it lasts, tell your administrator."),
        ("orders of others", "There are orders that Stepladder did not place. They are never touched.",
         "If they are not yours, delete all keys on the exchange now."),
        ("nothing is bought", "A hold of the account; the sentence beside it says which.",
         "Do what the sentence says."),
        ("worker silent", "No worker serves the account: no buys, and no stop loss is watched.",
         "Tell your administrator."),
    )
}  # fmt: skip
LEVEL_STATES: Mapping[LevelState, Meaning] = {
    LevelState.FILLED: Meaning("filled", "It was bought."),
    LevelState.RESTING: Meaning("resting", "It waits on the exchange for its price."),
    LevelState.DOUBTFUL: Meaning(
        "unknown", "It may or may not exist on the exchange; it counts as if it did."
    ),
    LevelState.WAITING: Meaning(
        "not placed", "It is not on the exchange now; the reason is beside it."
    ),
    LevelState.REFUSED: Meaning(
        "refused", "It was refused, or cancelled by you on the exchange.", "Press Try again."
    ),
    LevelState.LEFT_OUT: Meaning("left out", "You skipped it, or it is too small to be ordered."),
}
WHY_NOT: Mapping[WhyNot, Meaning] = {
    WhyNot.PRICE: Meaning("price", "The price has not fallen to it."),
    WhyNot.UNKNOWN: Meaning("unknown", "Whether the exchange has it is not known yet."),
    WhyNot.BEING_CANCELLED: Meaning("being cancelled", "Its cancel is not proven yet."),
    WhyNot.STOPPED: Meaning("stopped", "The strategy is stopped.", "Start it again."),
    WhyNot.CLOSING: Meaning("selling", "Everything is being sold."),
    WhyNot.PAUSED: Meaning("paused", "You paused the strategy.", "Press Run."),
    WhyNot.HALTED: Meaning(
        "halted", "An administrator halted all buying.", "Press Run when the halt is lifted."
    ),
    WhyNot.SETTLING: Meaning("at it", "The worker has not yet done what you asked for."),
    WhyNot.SILENT: Meaning(
        "worker silent", "The worker does not answer.", "Tell your administrator."
    ),
    WhyNot.NEEDS_YOU: Meaning(
        "needs you",
        "Nothing is bought until you have looked.",
        "Read the sentence; press Try again.",
    ),
    WhyNot.HOLD: Meaning("held back", "The account or the strategy may not buy now."),
    WhyNot.SKIPPED: Meaning("skipped", "You skipped it when the strategy was started again."),
    WhyNot.PASSED: Meaning(
        "passed", "The price had passed it; it waits until the price is above it."
    ),
    WhyNot.FIRST_BUY: Meaning("first buy", "The first buy comes before it."),
    WhyNot.NO_FUNDS: Meaning(
        "no funds", "Not enough money is free.", "Add money; it is tried again."
    ),
    WhyNot.NOT_PLACED: Meaning("not taken", "The exchange did not take it now; it is tried again."),
    WhyNot.ACTIVE_LIMIT: Meaning(
        "limit", "As many extra buys as you set rest already.", "Raise how many rest at once."
    ),
    WhyNot.CAP: Meaning("cap", "The account's cap has no room for it.", "Raise the cap, or wait."),
    WhyNot.MINIMUM: Meaning("minimum", "It is smaller than the least that the exchange takes."),
    WhyNot.NO_PRICE: Meaning("no price", "There is no fresh price."),
    WhyNot.ABOUT_TO: Meaning("about to", "The worker is about to place it."),
}
TABLES: tuple[tuple[str, tuple[Meaning, ...]], ...] = tuple(
    (title, tuple(meanings.values()))
    for title, meanings in (
        ("States of a strategy", state_words.ACTUAL_STATES),
        ("What you can ask for", state_words.DESIRED_STATES),
        ("What a strategy waits for", state_words.WAITS),
        ("What needs you", state_words.ATTENTION),
        ("How a cycle is sold", state_words.EXITS),
        ("Extra buys that the price has passed", state_words.PASSED_LEVELS),
        ("States of an order", state_words.ORDER_STATES),
        ("States of an extra buy", LEVEL_STATES),
        ("Why an extra buy has not fired", WHY_NOT),
        ("Badges of an account", ACCOUNTS),
        ("Why an account buys nothing", state_words.HOLDS),
        ("Kinds of money", KINDS),
    )
)
"""(title, rows) in the order in which Help prints them."""
