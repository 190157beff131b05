"""Random options for a random fault, for seeded plans."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from tests.exchange.fault_answers import JUNK

Options = dict[str, Any]


def _fraction(random: Random, low: int, high: int) -> Decimal:
    return Decimal(random.randint(low, high)) / 100


def _one_of(*names: str) -> Callable[[Random], Options]:
    return lambda random: {"how": random.choice(names)}


PLANS: dict[str, Callable[[Random], Options]] = {
    "E1": lambda random: {
        "how": random.choice(["lost", "cut", "slow", "short"]),
        "ms": random.randint(3_000, 40_000),
    },
    "E2": lambda random: {
        "how": random.choice(["lost", "cut", "late"]),
        "ms": random.randint(500, 20_000),
    },
    "E3": lambda random: {"how": random.choice(JUNK), "accepted": random.random() < 0.5},
    "E5": _one_of("rows", "overlap", "stream"),
    "E6": lambda random: {"ms": random.randint(100, 60_000)},
    "E7": lambda random: {
        "fraction": _fraction(random, 1, 99),
        "status": random.choice(["CANCELED", "EXPIRED"]),
    },
    "E8": lambda random: {"fraction": random.choice([Decimal(1), _fraction(random, 1, 99)])},
    "E9": _one_of("filled", "open", "cancelled"),
    "E10": lambda random: {
        "how": random.choice(["asked", "resting", "finished"]),
        "archived": random.random() < 0.3,
    },
    "E11": lambda random: {"ms": random.randint(100, 15_000)},
    "E13": lambda random: {"ms": random.choice([-1, 1]) * random.randint(100, 10_000)},
    "E14": lambda random: {
        "how": random.choice(["418", "429", "403"]),
        "ms": random.randint(2_000, 120_000),
    },
    "E15": lambda random: {
        "how": random.choice(["503", "-1008"]),
        "ms": random.randint(1_000, 600_000),
    },
    "E16": _one_of("halted", "empty"),
    "E17": lambda random: {"tick": random.choice(["0.01", "0.1", "1"]), "min_notional": "10"},
    "E18": lambda random: {"mode": random.choice(["base", "quote", "bnb"])},
    "E19": _one_of("missing", "absent", "absurd", "several"),
    "E20": lambda random: {"lots": random.randint(1, 3)},
    "E21": lambda random: {"fraction": -_fraction(random, 1, 60)},
    "E22": lambda random: {"fraction": -_fraction(random, 25, 40)},
    "E23": _one_of("zero", "tiny", "huge", "crossed"),
    "E24": _one_of("none", "empty", "nan", "bare"),
    "E25": lambda random: {"all": random.random() < 0.3},
    "E26": lambda random: {
        "how": random.choice(["sell", "withdraw"]),
        "fraction": _fraction(random, 1, 100),
    },
    "E27": _one_of("deposit", "buy"),
    "E28": lambda random: {"trades": random.random() < 0.5},
    "E30": lambda random: {"side": random.choice(["BUY", "SELL"])},
    "E31": _one_of("revoked", "expired", "address"),
    "E32": _one_of("withdraw", "transfer", "address"),
    "E34": lambda random: {"fraction": "0.001"},
    "E35": lambda random: {
        "status": random.choice(["EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"]),
        "fraction": random.choice([Decimal(0), _fraction(random, 10, 90)]),
    },
    "E36": _one_of("trade", "book"),
    "E37": lambda random: {"size": random.randint(1, 5)},
}


def random_options(fault: str, random: Random) -> Options:
    plan = PLANS.get(fault)
    return plan(random) if plan is not None else {}
