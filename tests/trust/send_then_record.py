"""`python -m tests.trust.send_then_record [--seeds 5]`: the usual order flow beside ours.

`Usual` is a model of a flow that many programs share, not of any product: an order is sent and, when the
answer is good, recorded; an error is a failure and the next round tries again under a new id; what is not
found or cannot be cancelled counts as gone. It is given what it deserves: every fill that an answer mentions
is kept. Both trade a ladder on the same test exchange while the faults E1 to E12 strike, each in a scenario
of its own, by the same seeds. Ghosts: orders there of which the program knows nothing, or something untrue.
Doubled: a slot of the ladder with a second order that lived or was filled. Of ours every broken invariant
counts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Any

from tests.exchange.exchange import KEY, Exchange
from tests.exchange.fault_plan import random_options
from tests.exchange.restless import Restless
from tests.exchange.signed import Clock, ask
from tests.exchange.wire import Reply
from tests.simulation.world import Plan, World, simulate

SCENARIOS = tuple(f"E{number}" for number in range(1, 13))
ROUND, SLOW_ROUND = 5_000, 60_000
LENGTH = 600
FAULT_EACH = 20.0
LEVELS = 4
SYMBOL = "BTCUSDT"
TICK = Decimal("0.01")


@dataclass(slots=True)
class Known:
    """An order that the usual program has recorded."""

    slot: tuple[int, str]
    name: str
    side: str
    quantity: Decimal
    filled: Decimal = Decimal(0)
    is_open: bool = True


@dataclass(slots=True)
class Usual:
    """A ladder: a base buy, four buys below it, a take profit above the average; then the next cycle.

    `slow`: it looks once and acts much later on what it saw."""

    exchange: Exchange
    clock: Clock
    slow: bool = False
    cycle: int = 1
    orders: list[Known] = field(default_factory=list)
    slots: dict[str, tuple[int, str]] = field(default_factory=dict)
    entry: Decimal | None = None
    tries: int = 0

    def round(self) -> None:
        self._look()
        due = list(self._due())
        if self.slow:
            self.clock.pass_ms(SLOW_ROUND)
        for slot, side, quantity, price in due:
            self._send(slot, side, quantity, price)

    # --- what it does

    def _due(self) -> Iterator[tuple[str, str, Decimal, Decimal]]:
        """What is missing, by its own record."""
        market = self.exchange.symbols[SYMBOL]
        if market.ask is None or market.bid is None:
            return
        mine = {order.slot[1]: order for order in self.orders if order.slot[0] == self.cycle}
        if "base" not in mine:
            yield "base", "BUY", self._lots(Decimal(100) / market.ask), market.ask * Decimal("1.01")
            return
        held = self._held()
        if self.entry is None or held <= 0:
            return
        for level in range(1, LEVELS + 1):
            if f"level {level}" not in mine:
                price = self.entry * (1 - Decimal("0.002") * level)
                yield f"level {level}", "BUY", self._lots(Decimal(60) / price), price
        selling = mine.get("take profit")
        if selling is None:
            yield "take profit", "SELL", self._lots(held), self.entry * Decimal("1.003")
        elif selling.is_open and selling.quantity < self._lots(held):
            self._cancel(selling)
            self.orders.remove(selling)

    def _send(self, slot: str, side: str, quantity: Decimal, price: Decimal) -> None:
        self.tries += 1
        name = f"usual-{self.tries}"
        self.slots[name] = (self.cycle, slot)
        outcome = self._ask(
            "POST", newClientOrderId=name, side=side, type="LIMIT", timeInForce="GTC",
            quantity=f"{quantity:f}", price=f"{price.quantize(TICK):f}",
        )  # fmt: skip
        if outcome is None:
            return  # an error: not placed, the next round tries again
        order = Known((self.cycle, slot), name, side, quantity)
        self.orders.append(order)
        self._take(order, outcome)

    def _look(self) -> None:
        for order in [order for order in self.orders if order.is_open]:
            outcome = self._ask("GET", origClientOrderId=order.name)
            if outcome is None:
                order.is_open = False  # not found: gone
            else:
                self._take(order, outcome)
        self._next_cycle()

    def _take(self, order: Known, row: dict[str, Any]) -> None:
        order.filled = max(order.filled, Decimal(str(row.get("executedQty", 0))))
        order.is_open = row.get("status", "NEW") in ("NEW", "PARTIALLY_FILLED")
        if order.slot[1] == "base" and order.filled and self.entry is None:
            paid = Decimal(str(row.get("cummulativeQuoteQty", 0)))
            self.entry = paid / order.filled if paid else self.exchange.symbols[SYMBOL].last

    def _next_cycle(self) -> None:
        if self.entry is None or self._held() > Decimal("0.0001"):
            return
        for order in [order for order in self.orders if order.is_open]:
            self._cancel(order)
        self.cycle, self.entry = self.cycle + 1, None

    def _cancel(self, order: Known) -> None:
        outcome = self._ask("DELETE", origClientOrderId=order.name)
        if outcome is not None:
            self._take(order, outcome)
        order.is_open = False  # "unknown order": gone

    def _held(self) -> Decimal:
        mine = [order for order in self.orders if order.slot[0] == self.cycle]
        bought = sum((o.filled * Decimal("0.999") for o in mine if o.side == "BUY"), Decimal(0))
        return bought - sum((o.filled for o in mine if o.side == "SELL"), Decimal(0))

    def _lots(self, quantity: Decimal) -> Decimal:
        return quantity.quantize(Decimal("0.00001"), ROUND_DOWN)

    def _ask(self, method: str, **params: str) -> dict[str, Any] | None:
        outcome = ask(self.exchange, method, "/api/v3/order", symbol=SYMBOL, **params)
        if not isinstance(outcome, Reply) or outcome.status != 200 or outcome.cut_short:
            return None
        try:
            body = outcome.body()
        except ValueError:
            return None
        return body if isinstance(body, dict) and "orderId" in body else None


def usual(fault: str, seed: int) -> tuple[int, int]:
    """(ghosts, doubled) after ten minutes of it."""
    clock, luck = Clock(), Random(f"{seed}/{fault}")
    exchange = Exchange(clock, seed)
    exchange.list_symbol("BTC", "USDT", price="60000")
    exchange.add_account(balances={"USDT": Decimal(1_000_000), "BTC": Decimal(0)})
    prices = Restless(exchange, seed, swing=0.006, period=40.0)
    program = Usual(exchange, clock, slow=fault == "E12")
    until, next_fault = clock.now + LENGTH * 1000, clock.now + 20_000
    while clock.now < until:
        if clock.now >= next_fault and fault != "E12":
            exchange.faults.arm(fault, **random_options(fault, luck))
            next_fault += int(luck.expovariate(1 / FAULT_EACH) * 1000)
        prices.step(ROUND / 1000)
        program.round()
        clock.pass_ms(ROUND)
    return _ghosts(exchange, program), _doubled(exchange, program)


def _ghosts(exchange: Exchange, program: Usual) -> int:
    known = {order.name: order for order in program.orders}
    count = 0
    for order in exchange.accounts[KEY].orders:
        mine = known.get(order.client_order_id)
        if order.made_by != "api" or not (order.is_open or order.filled):
            continue
        believed_gone = mine is not None and not mine.is_open and order.is_open
        count += (
            mine is None or believed_gone or (not order.is_open and mine.filled != order.filled)
        )
    return count


def _doubled(exchange: Exchange, program: Usual) -> int:
    by_slot: dict[tuple[int, str], list[Any]] = {}
    for order in exchange.accounts[KEY].orders:
        slot = program.slots.get(order.client_order_id)
        if slot is not None and (order.is_open or order.filled):
            by_slot.setdefault(slot, []).append(order)
    return sum(len(orders) - 1 for slot, orders in by_slot.items() if slot[1] != "take profit")


def ours(fault: str, seed: int) -> list[str]:
    """What the real worker breaks in as many minutes, by the invariants: nothing, it is hoped."""

    def strike(world: World, luck: Random) -> tuple[str, ...]:
        if fault == "E12":
            world.slowness = 4.0
        else:
            world.place.exchange.faults.arm(fault, **random_options(fault, luck))
        return ()

    def prepare(world: World) -> None:
        world.mishaps = ((1.0, strike),)

    plan = Plan(seed, seconds=LENGTH, venue="exchange", each=FAULT_EACH, persons=1, symbols=1)
    return simulate(plan, prepare=prepare).breaches


def compare(seeds: int, only: tuple[str, ...] = SCENARIOS) -> dict[str, Any]:
    table: dict[str, dict[str, int]] = {}
    broken: list[str] = []
    for fault in only:
        row = table[fault] = {"theirs_ghosts": 0, "theirs_doubled": 0, "ours": 0}
        for seed in range(1, seeds + 1):
            ghosts, doubled = usual(fault, seed)
            found = ours(fault, seed)
            row["theirs_ghosts"] += ghosts
            row["theirs_doubled"] += doubled
            row["ours"] += len(found)
            broken += [f"{fault} seed {seed}: {sentence}" for sentence in found]
    totals = {
        name: sum(row[name] for row in table.values())
        for name in ("theirs_ghosts", "theirs_doubled")
    }
    return {
        "seeds": seeds, "scenarios": len(table), **totals,
        "ours_wrong": len(broken), "table": table, "broken": broken[:20],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.trust.send_then_record", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(SCENARIOS))
    given = parser.parse_args()
    figures = compare(given.seeds, tuple(given.only))
    print(json.dumps(figures, indent=1))
    return 1 if figures["ours_wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
