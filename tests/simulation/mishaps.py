"""What goes wrong around the workers: their processes, their database, their clocks, their prices.

Each returns the ids of the faults that it is; they are counted only while an order of ours is in flight or
at rest (`world.World.struck`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from tests.simulation import database as codes

if TYPE_CHECKING:
    from tests.simulation.world import World

Mishap = Callable[["World", Random], tuple[str, ...]]


def kill(world: World, luck: Random) -> tuple[str, ...]:
    """SIGKILL; somebody starts it again at once, or after a while."""
    running = world.lives.running
    if not running:
        return ()
    life = luck.choice(running)
    life.kill()
    world.say(f"SIGKILL {life.pid}")
    world.schedule.after(luck.choice((0.2, 1.0, 3.0, 40.0)), lambda: world.begin(life.host))
    return ("P1",)


def kill_storm(world: World, luck: Random) -> tuple[str, ...]:
    """Killed again and again, each time soon after its start."""
    for number in range(luck.randint(3, 6)):
        world.schedule.after(number * luck.uniform(0.3, 4.0), lambda: kill(world, luck))
    return ("P1", "P9")


def pause(world: World, luck: Random) -> tuple[str, ...]:
    """SIGSTOP, now and then past the lease; SIGCONT later."""
    running = world.lives.running
    if not running:
        return ()
    life, seconds = luck.choice(running), luck.choice((2.0, 6.0, 14.0, 20.0, 45.0))
    life.pause(seconds)
    world.say(f"SIGSTOP {life.pid} for {seconds} s")
    if seconds < 15:
        return ()
    if luck.random() < 0.7:
        world.schedule.after(2.0, lambda: world.begin("other"))
    return ("P6",)


def second_worker(world: World, luck: Random) -> tuple[str, ...]:
    """Another worker comes on another host, and goes again: in order, or not."""
    if len(world.lives.running) > 2:
        return ()
    life = world.begin("other")
    world.say(f"worker {life.pid} joins")
    end = life.kill if luck.random() < 0.5 else life.terminate
    world.schedule.after(luck.uniform(5, 120), end)
    return ("P5",)


def terminate(world: World, luck: Random) -> tuple[str, ...]:
    """SIGTERM at any moment, and a new one."""
    running = world.lives.running
    if not running:
        return ()
    life = luck.choice(running)
    life.terminate()
    world.say(f"SIGTERM {life.pid}")
    world.schedule.after(luck.uniform(0.1, 8.0), lambda: world.begin(life.host))
    return ("P2",)


def commit_unknown(world: World, luck: Random) -> tuple[str, ...]:
    world.store.wire.unknown = luck.random() < 0.5
    world.say(f"the next COMMIT is unknown, happened: {world.store.wire.unknown}")
    return ("D2",)


def refused_statements(world: World, luck: Random) -> tuple[str, ...]:
    code, name = luck.choice(
        (
            (codes.DEADLOCK, "D3"),
            (codes.LOCK_WAIT, "D4"),
            (codes.LOST, "D1"),
            (codes.READ_ONLY, "D10"),
            (codes.FULL, "D14"),
            (1040, "D15"),
        )
    )
    # Five tries in a row exhaust a unit's patience.
    world.store.wire.refuse = [code] * luck.choice((1, 1, 2, 5, 8))
    world.say(f"the database answers {code} {len(world.store.wire.refuse)} times")
    return (name,)


def database_away(world: World, luck: Random) -> tuple[str, ...]:
    seconds = luck.choice((2.0, 10.0, 30.0, 120.0))
    world.store.wire.down = True
    world.say(f"the database is away for {seconds} s")

    def back() -> None:
        world.store.wire.down = False

    world.schedule.after(seconds, back)
    return ("D8",)


def database_slow(world: World, luck: Random) -> tuple[str, ...]:
    seconds, world.slowness = luck.choice((5.0, 20.0, 60.0)), luck.choice((0.2, 1.0, 4.0))
    world.say(f"the database takes {world.slowness} s for {seconds} s")

    def fast() -> None:
        world.slowness = 0.0

    world.schedule.after(seconds, fast)
    return ("D9",)


def database_clock(world: World, luck: Random) -> tuple[str, ...]:
    world.store.offset = luck.choice((-3600.0, -20.0, 20.0, 3600.0, 0.0))
    world.say(f"the database's clock is off by {world.store.offset} s")
    return ("P7",)


def host_clock(world: World, luck: Random) -> tuple[str, ...]:
    running = world.lives.running
    if not running or not world.place.stands_wrong_clocks:
        return ()
    life = luck.choice(running)
    life.loop.offset = luck.choice((-3600.0, -10.0, -0.7, 0.7, 10.0, 3600.0, 0.0))
    world.say(f"the clock of {life.pid} is off by {life.loop.offset} s")
    return ("P7",)


def no_prices(world: World, luck: Random) -> tuple[str, ...]:
    seconds = luck.choice((3.0, 15.0, 60.0))
    world.place.away = True
    world.say(f"no prices for {seconds} s")

    def back() -> None:
        world.place.away = False

    world.schedule.after(seconds, back)
    return ("E24",)


def gap(world: World, luck: Random) -> tuple[str, ...]:
    """The price jumps in one tick, through levels or the stop."""
    symbol = luck.choice(sorted(world.walks))
    fraction = luck.choice((-0.3, -0.1, -0.05, -0.02, -0.01, 0.01, 0.03))
    world.walks[symbol].shock(fraction)
    world.say(f"{symbol} jumps by {fraction:.0%}")
    return ("E22",) if fraction <= -0.05 else ("E21",) if fraction < 0 else ()


def press(world: World, luck: Random) -> tuple[str, ...]:
    """Somebody presses a button; now and then several in a row."""
    in_flight = world.is_sending()
    for _ in range(luck.choice((1, 1, 1, 3))):
        world.people.act()
    return ("P16",) if in_flight else ()


def poison(world: World, luck: Random) -> tuple[str, ...]:
    """Something in one strategy makes the worker fall over whenever it looks at it; for a while."""
    wisher = luck.choice(world.people.wishers)
    seconds = luck.choice((5.0, 40.0, 90.0))
    world.poisoned.add(wisher.strategy_id)
    world.say(f"strategy {wisher.strategy_id} is poison for {seconds} s")
    world.schedule.after(seconds, lambda: world.poisoned.discard(wisher.strategy_id))
    return ("P10",)


MISHAPS: tuple[tuple[float, Mishap], ...] = (
    (6, kill),
    (1, kill_storm),
    (3, pause),
    (2, second_worker),
    (2, terminate),
    (6, commit_unknown),
    (5, refused_statements),
    (2, database_away),
    (2, database_slow),
    (1, database_clock),
    (1, host_clock),
    (2, no_prices),
    (5, gap),
    (10, press),
    (1, poison),
)
