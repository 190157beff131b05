"""What people do while the worker trades: press buttons, edit, halt everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from core.cycle import DesiredState, PassedLevels
from core.errors import StepladderError
from db import accounts, doubts, halt, strategies
from db.transactions import run
from tests.db.people import a_user, an_administrator
from tests.simulation.database import Store
from tests.simulation.loop import Clock

SHAPES: tuple[dict[str, Any], ...] = (
    {"price_deviation": "0.002", "step_scale": "1.3", "take_profit": "0.002"},
    {"price_deviation": "0.0015", "take_profit": "0.001", "active_safety_orders": 2},
    {"price_deviation": "0.003", "take_profit": "0.003", "trailing_deviation": "0.001"},
    {
        "price_deviation": "0.002", "take_profit": "0.002", "stop_loss": "0.03",
        "after_stop_loss": "continue", "stop_loss_cooldown": 30, "max_stop_losses": None,
    },
    {"price_deviation": "0.002", "take_profit": "0.002", "base_order_type": "limit"},
    {"price_deviation": "0.002", "take_profit": "0.0015", "cooldown": 20, "reinvest": "0.5"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wisher:
    """One strategy with its owner."""

    person: int
    strategy_id: int
    parameters: dict[str, Any]


def shape(luck: Random) -> dict[str, Any]:
    return {
        "base_order_size": str(luck.choice((50, 100, 200))),
        "safety_order_size": str(luck.choice((50, 100))),
        "max_safety_orders": luck.choice((2, 3, 5)),
        "volume_scale": luck.choice(("1", "1.3")),
        **luck.choice(SHAPES),
    }


class People:
    """`said(what)`: told of every act. Acts are transactions of the dashboard: atomic, at once."""

    def __init__(
        self, store: Store, clock: Clock, luck: Random, said: Callable[[str], None]
    ) -> None:
        self.store, self.clock, self.luck, self.said = store, clock, luck, said
        self.wishers: list[Wisher] = []
        self.root = 0

    def arrive(self, names: list[str]) -> list[int]:
        self.root = an_administrator(self.store.engine)
        return [a_user(self.store.engine, name) for name in names]

    def simulated_account(self, person: int, name: str, balance: str) -> int:
        return run(
            self.store.engine,
            lambda s: accounts.add_simulated_account(
                s, person, name=name, balance={"USDT": balance}, at=self.clock.wall()
            ),
        )

    def strategy(self, person: int, account_id: int, symbol: str) -> None:
        parameters = shape(self.luck)
        number = run(
            self.store.engine,
            lambda s: strategies.create_strategy(
                s, person, account_id=account_id, name=f"{symbol} {account_id}", symbol=symbol,
                parameters=parameters, at=self.clock.wall(),
            ),
        )  # fmt: skip
        self.wishers.append(Wisher(person, number, parameters))

    def act(self) -> None:
        """One of them does something."""
        wisher = self.luck.choice(self.wishers)
        acts: tuple[tuple[int, Callable[[Wisher], str]], ...] = (
            (3, self._stop), (3, self._pause), (8, self._start), (1, self._close),
            (1, self._finish), (2, self._edit), (1, self._halt), (4, self._answer),
        )  # fmt: skip
        act = self.luck.choices([a for _, a in acts], [weight for weight, _ in acts])[0]
        try:
            what = act(wisher)
        except StepladderError as refused:
            what = f"was refused: {type(refused).__name__}"
        self.said(f"person {wisher.person}, strategy {wisher.strategy_id}: {what}")

    def everybody_starts(self) -> None:
        """When all is over: no halt, and about half of the strategies run."""
        self._set_halt(False)
        for wisher in self.wishers:
            if self.luck.random() < 0.5:
                self._start(wisher)

    def want(self, wisher: Wisher, state: DesiredState, **choices: Any) -> str:
        at = self.clock.wall()
        run(
            self.store.engine,
            lambda s: strategies.set_desired(
                s, wisher.person, wisher.strategy_id, state, at=at, rev=None, **choices
            ),
        )
        return state.value

    def _stop(self, wisher: Wisher) -> str:
        return self.want(wisher, DesiredState.STOPPED)

    def _pause(self, wisher: Wisher) -> str:
        return self.want(wisher, DesiredState.PAUSED)

    def _close(self, wisher: Wisher) -> str:
        return self.want(wisher, DesiredState.CLOSED)

    def _finish(self, wisher: Wisher) -> str:
        return self.want(wisher, DesiredState.FINISHING)

    def _start(self, wisher: Wisher) -> str:
        passed = self.luck.choice(tuple(PassedLevels))
        release = self.luck.random() < 0.1
        return self.want(wisher, DesiredState.RUNNING, passed_levels=passed, release=release)

    def _edit(self, wisher: Wisher) -> str:
        parameters = shape(self.luck)

        def unit(session: Any) -> int:
            newest = strategies.strategy_versions(session, wisher.person, wisher.strategy_id)[0]
            return strategies.edit_parameters(
                session, wisher.person, wisher.strategy_id, parameters=parameters,
                version=newest.version, at=self.clock.wall(),
            )  # fmt: skip

        return f"settings version {run(self.store.engine, unit)}"

    def _answer(self, wisher: Wisher) -> str:
        """About the first order in quarantine: it is not there, so they say."""
        at = self.clock.wall()

        def unit(session: Any) -> str:
            known = doubts.doubts_of(session, wisher.person, wisher.strategy_id)
            for name in sorted(known):
                return f"{name} is gone {doubts.say_gone(session, wisher.person, name, at=at)}"
            return "has nothing to answer"

        return run(self.store.engine, unit)

    def _halt(self, _: Wisher) -> str:
        on = not run(self.store.engine, halt.read_halt).on
        self._set_halt(on)
        return f"(the administrator) halt {'on' if on else 'lifted'}"

    def _set_halt(self, on: bool) -> None:
        run(
            self.store.engine,
            lambda s: halt.set_halt(s, self.root, on=on, reason="drill", at=self.clock.wall()),
        )
