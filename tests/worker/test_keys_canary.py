"""No byte of an exchange key in anything that is written, whatever goes wrong with it."""

from __future__ import annotations

import base64
import logging
import sys
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio
from nacl.public import PrivateKey
from sqlalchemy import text

from core.errors import InvalidInput
from db import account_keys, accounts, audit, keys, log
from db.account_keys import SealedKey
from db.errors import Conflict
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, later
from tests.faults import fault
from tests.worker.live_keys import GOOD, OURS, Clients, SaysSo, a_ring, key_folder, known, store
from worker.errors import KeyRefused
from worker.exchanges.outcomes import ErrorTable, classify
from worker.keys import activation, rotation
from worker.keys.erasing import KeyEraser
from worker.keys.opening import open_key
from worker.keys.rotate_command import told

CANARIES = {
    "api_key": "CANARYkeyQ7w2e9",
    "secret": "CANARYsecretZ5x8c1",
    "password": "CANARYpasswordM3n6b4",
}
SIGNED = (
    "binance GET https://api.binance.com/sapi/v1/account/apiRestrictions?timestamp=1&apiKey="
    f"{CANARIES['api_key']}&signature={CANARIES['secret']} 401 Unauthorized"
)
TABLE = ErrorTable("binance", lambda body: iter(()), {})


def disguises(secret: str) -> Iterator[bytes]:
    """The ways in which it could stand somewhere without being recognized at once."""
    raw = secret.encode()
    yield raw
    yield raw[::-1]
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield urllib.parse.quote(secret).encode()
    yield raw.decode().encode("utf-16-le")
    for shift in range(3):
        # Base64 of a longer text holds one of three pictures of it; their ends depend on what is around.
        picture = base64.b64encode(b"\0" * shift + raw)
        yield picture[4 : len(picture) - 4]


def found_in(written: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, content in written.items()
        for name, secret in CANARIES.items()
        for shape in disguises(secret)
        if shape in content
    ]


def test_the_search_finds_what_it_looks_for():
    for shape in [shape for secret in CANARIES.values() for shape in disguises(secret)]:
        assert found_in({"x": b"before" + shape + b"after"})
    inside = base64.b64encode(b"ab" + CANARIES["secret"].encode() + b"cd")
    assert found_in({"x": inside})


class Trial:
    """Everything that is done with keys, and everything that was written meanwhile."""

    def __init__(self, engine, tmp_path: Path) -> None:
        self.engine, self.tmp_path = engine, tmp_path
        self.folder = key_folder(tmp_path)
        self.user_id = a_user(engine)
        self.account_id = a_live_account(engine, self.user_id)
        self.ring = a_ring(engine, self.folder)
        self.clients = Clients()
        self.said: list[str] = []

    @property
    def account(self):
        return known(self.engine, self.account_id)

    def store(self, **changes) -> int:
        return store(self.engine, self.folder, self.account, **(CANARIES | changes))

    def heard(self, error: BaseException) -> None:
        """What a log or a crash report would show of it, its causes included."""
        self.said += traceback.format_exception(error)
        cause: BaseException | None = error
        while cause is not None:
            self.said += [repr(cause), str(cause), repr(cause.args), repr(vars(cause))]
            cause = cause.__cause__ or cause.__context__
        logging.getLogger("worker.keys").error("it failed", exc_info=error)

    async def refresh(self, answer, seconds: float = 0):
        exchange = SaysSo(answer)
        adapter = exchange.adapter
        object.__setattr__(adapter, "outcome", lambda error: classify(TABLE, error))
        status = await self.ring.refresh(
            self.account, adapter, self.clients.connect, self.clients.disconnect,
            token=None, at=later(seconds), force=True,
        )  # fmt: skip
        self.said.append(repr(status))
        logging.getLogger("worker.keys").info("status %s", status)

    def newest(self) -> SealedKey:
        return run(self.engine, lambda s: account_keys.newest_keys(s, [self.account_id]))[
            self.account_id
        ]

    def written(self, capfd) -> dict[str, bytes]:
        out, err = capfd.readouterr()
        found = {"standard output": out.encode(), "standard error": err.encode()}
        found["said"] = "\n".join(self.said).encode()
        for path in sorted(self.tmp_path.rglob("*")):
            if path.is_file():
                found[str(path.relative_to(self.tmp_path))] = path.read_bytes()
        return found


@pytest_asyncio.fixture
async def trial(sqlite_engine, tmp_path, monkeypatch):
    monkeypatch.setattr(activation, "CONFIRM_EACH", 0)
    root, hook = logging.getLogger(), sys.excepthook
    level, raising = root.level, logging.raiseExceptions
    made = Trial(sqlite_engine, tmp_path)
    yield made
    made.ring.database.close()
    root.setLevel(level)
    logging.raiseExceptions, sys.excepthook = raising, hook


def refusals(trial: Trial) -> None:
    """Keys that are not taken: mistyped, damaged, of somebody else, of another pair."""
    for changes in (
        {"api_key": CANARIES["api_key"] + "\n" + CANARIES["secret"]},
        {"api_key": CANARIES["api_key"] + "é"},
        {"secret": CANARIES["secret"] * 400},
        {"password": CANARIES["password"] + "\0"},
    ):
        try:
            trial.store(**changes)
        except InvalidInput as refusal:
            trial.heard(refusal)
        else:
            pytest.fail(f"taken: {list(changes)}")
    key, private = trial.newest(), keys.worker_private_keys(trial.folder)
    other = a_live_account(trial.engine, trial.user_id, name="Another")
    for sealed, pairs, account in (
        (key, private, known(trial.engine, other)),
        (key, {}, trial.account),
        (key, {key.pair_id: next(iter(rotation_pair().values()))}, trial.account),
    ):
        try:
            open_key(sealed, pairs, account, OURS)
        except KeyRefused as refused:
            trial.heard(refused)
        else:
            pytest.fail("opened")
    try:
        run(
            trial.engine,
            lambda s: account_keys.store_key(
                s, trial.user_id, trial.account_id, sealed=CANARIES["secret"], pair_id="x", at=AT
            ),
        )
    except InvalidInput as refusal:
        trial.heard(refusal)


def rotation_pair():

    return {"0" * 16: PrivateKey.generate()}


def mishandled(trial: Trial) -> None:
    """What careless code would do with an open key."""
    private = keys.worker_private_keys(trial.folder)
    key: Any = open_key(trial.newest(), private, trial.account, OURS)
    logging.getLogger("worker.keys").warning("key %s %r", key, [key])
    trial.said += [repr(key), str(key), f"{key}", repr({"key": key}), repr(trial.newest())]
    careless_ones: tuple[Callable[[], Any], ...] = (
        lambda: {}[key],
        lambda: key + 1,
        lambda: key.nothing,
        lambda: int(key),
        lambda: list[Any]().remove(key),
    )
    for careless in careless_ones:
        try:
            careless()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            trial.heard(error)


@fault("E31", "E32", "S11")
async def test_a_key_is_in_no_byte_that_is_written_whatever_fails(trial, capfd):
    folder = trial.tmp_path / "log"
    setup = log.set_up("worker", engine=trial.engine, level="DEBUG", folder=folder)
    try:
        await everything(trial)
    finally:
        setup.close()
    written = trial.written(capfd)
    database = b"".join(content for name, content in written.items() if "stepladder.db" in name)
    assert b"it failed" in written["standard error"]
    assert b"it failed" in written["log/worker.log"]
    assert b"it failed" in database
    assert b"key_active" in database
    assert found_in(written) == []


async def everything(trial: Trial) -> None:
    trial.store()
    for number, answer in enumerate(
        (
            GOOD,
            ccxt.AuthenticationError(SIGNED),
            ccxt.ExchangeNotAvailable(SIGNED),
            ccxt.ExchangeError(SIGNED),
            ccxt.DDoSProtection(SIGNED),
            ValueError(SIGNED),
            KeyError(SIGNED),
            GOOD,
        )
    ):
        await trial.refresh(answer, number * 60)
    refusals(trial)
    mishandled(trial)
    trial.said += told(rotation.rotate(trial.engine, trial.folder, grace=0))
    mishandled(trial)
    # A statement that fails tells its parameters.
    try:
        sealed = trial.newest().sealed
        statement = text("INSERT INTO account_keys (id, sealed) VALUES (1, :sealed)")
        run(trial.engine, lambda s: s.execute(statement, {"sealed": sealed}))
    except Conflict as error:
        trial.heard(error)
    run(trial.engine, lambda s: audit.chain(s, OURS))
    run(
        trial.engine,
        lambda s: accounts.archive_account(s, trial.user_id, trial.account_id, at=later(999)),
    )
    assert await KeyEraser(trial.ring.database).erase() == 1
