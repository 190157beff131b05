"""Exchange keys for tests: sealed for a pair of the test's own, and an exchange that says what it is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from core.market import FeeCurrency
from db import account_keys, accounts, keys
from db.accounts import Account
from db.transactions import run
from tests.db.people import AT
from worker.database import Database
from worker.exchanges.adapter import Adapter, Fate, Limits, Outcome, Permissions, Trouble
from worker.keys.keyring import KeyRing
from worker.keys.opening import ExchangeKey

API_KEY, SECRET, PASSWORD = "an-api-key", "a-secret\nof two lines", "a pass word"
OURS = b"k" * 32
GOOD = Permissions(can_trade=True, can_withdraw=False, can_transfer=False, addresses=("192.0.2.1",))


class KeyProblem(Exception):
    """What the exchange answers when it does not take a key. Its text must never be shown."""


class NoAnswer(TimeoutError):
    """The exchange does not answer."""


def classify(error: BaseException) -> Outcome:
    trouble = Trouble.KEY if isinstance(error, LookupError) else Trouble.NONE
    return Outcome(Fate.UNKNOWN, f"test {type(error).__name__}", trouble)


class SaysSo:
    """An exchange that answers with the next of `answers`, the last one again and again."""

    def __init__(self, *answers: Permissions | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    async def permissions(self, client: Any) -> Permissions:
        self.asked.append(client)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def adapter(self) -> Adapter:
        return Adapter(
            exchange="binance",
            request_window=timedelta(seconds=5),
            index_lag=timedelta(seconds=1),
            shares_budget=True,
            fee_currency=FeeCurrency.BASE,
            allowed_calls=frozenset(),
            create=_not_here,
            find_open=_not_here,
            find=_not_here,
            find_again=_not_here,
            trades=_not_here,
            cancel=_not_here,
            permissions=self.permissions,
            outcome=classify,
            limits=lambda row: Limits(),
        )


def _not_here(*_: Any) -> Any:
    raise AssertionError("the test exchange of keys takes no orders")


class Clients:
    """Hands out clients (the key itself) and counts those that were not given back."""

    def __init__(self) -> None:
        self.open: list[ExchangeKey] = []

    async def connect(self, account: Account, key: ExchangeKey) -> ExchangeKey:
        self.open.append(key)
        return key

    def disconnect(self, client: ExchangeKey) -> None:
        self.open.remove(client)


def key_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    keys.prepare_keys(folder)
    return folder


def a_ring(engine: Engine, folder: Path) -> KeyRing:
    return KeyRing(Database(engine), OURS, folder)


def store(engine: Engine, folder: Path, account: Account, *, at=AT, **given: Any) -> int:
    """Seals a key as the dashboard does, and stores it."""
    given = {"api_key": API_KEY, "secret": SECRET, "password": PASSWORD} | given
    sealed = account_keys.seal(
        keys.worker_public_key(folder),
        user_id=account.user_id,
        account_id=account.account_id,
        exchange=account.exchange,
        at=at,
        **given,
    )
    pair = keys.worker_pair_id(folder)
    return run(
        engine,
        lambda s: account_keys.store_key(
            s, account.user_id, account.account_id, sealed=sealed, pair_id=pair, at=at
        ),
    )


def known(engine: Engine, account_id: int) -> Account:
    found = run(engine, accounts.trading_accounts)
    return next(account for account in found if account.account_id == account_id)
