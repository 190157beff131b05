"""What goes wrong at the test exchange, drawn from its own catalogue of faults."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from tests.exchange.fault_plan import random_options

if TYPE_CHECKING:
    from tests.simulation.world import World

OF_REQUESTS = (
    "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E18", "E20", "E30", "E35", "E37",
)  # fmt: skip
OF_PRICES = ("E23", "E24")
OF_PEOPLE = ("E25", "E26", "E27", "E28", "E33", "E36")
OF_THE_PLACE = (
    "E13", "E14", "E15", "E31", "E31", "E32", "E34", "E19", "E10", "E10", "E10", "E16", "E17",
)  # fmt: skip
# Of E36 the book is wiped; a trade that is taken back can be settled by a person only (docs/trust.md).
INDEX_LAG_MS = 2_900
LASTS = (5.0, 20.0, 60.0, 180.0)
"""After so long the exchange is well again."""


def request_fault(world: World, luck: Random) -> tuple[str, ...]:
    """The next requests or orders that fit go wrong. Counted when it fires."""
    for _ in range(luck.choice((1, 1, 2, 4))):
        name = luck.choice((*OF_REQUESTS, "E11"))
        options = random_options(name, luck)
        if (
            name == "E11"
        ):  # a venue that hides orders for longer than its adapter says is beyond proof
            options["ms"] = luck.randint(100, INDEX_LAG_MS)
        world.place.exchange.faults.arm(name, **options)
    return ()


def price_fault(world: World, luck: Random) -> tuple[str, ...]:
    world.place.exchange.faults.draw(luck, OF_PRICES)
    return ()


def by_hand(world: World, luck: Random) -> tuple[str, ...]:
    """The person, or another program, acts on the account."""
    _act(world, luck, OF_PEOPLE)
    return ()


def of_the_place(world: World, luck: Random) -> tuple[str, ...]:
    """The exchange itself: clock, bans, maintenance, keys. It is mended after a while."""
    faults = world.place.exchange.faults
    if faults.draw(luck, OF_THE_PLACE) == "E10":
        # Of an order that is erased with its trades before anybody could see it, no question can tell.
        faults.armed[-1].when = lambda request: not world.is_sending()
    world.schedule.after(luck.choice(LASTS), lambda: _mend(world))
    return ()


def _mend(world: World) -> None:
    world.place.exchange.faults.heal()
    for account_id in world.place.accounts:
        world.place.enter_key(account_id)


def _act(world: World, luck: Random, names: tuple[str, ...]) -> None:
    account: Any = luck.choice(list(world.place.accounts.values()))
    name = luck.choice(names)
    options = random_options(name, luck) | ({"how": "book"} if name == "E36" else {})
    world.place.exchange.faults.act(name, account, **options)


EXCHANGE_MISHAPS: tuple[tuple[float, Callable[[World, Random], tuple[str, ...]]], ...] = (
    (25, request_fault),
    (3, price_fault),
    (4, by_hand),
    (5, of_the_place),
)
