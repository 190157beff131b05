"""`python -m db upgrade | prepare | create-user | reset-password | seed-demo | verify | verify-audit`.

JSON on standard output (`prepare` speaks plain words); a mistake is one sentence on standard error with
exit status 2. `verify` and `verify-audit` exit 1 when something is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import orjson
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from core.errors import InvalidInput, StepladderError
from db import audit, keys, migrate, verify
from db.clock import utc_now
from db.command_line.people import create_user, reset_password
from db.command_line.prepare import prepare
from db.command_line.seed import seed_demo
from db.engine import make_engine
from db.errors import DatabaseUnavailable
from db.settings import DatabaseSettings
from db.transactions import run

BROKEN = 1
MISTAKE = 2


class Arguments(argparse.ArgumentParser):
    """Argument mistakes are sentences like all others."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInput("", f"{message}; see python -m db --help.")


def main(argv: Sequence[str] | None = None) -> int:
    try:
        arguments = _parser().parse_args(argv)
        engine = make_engine(_settings().database_url)
        try:
            return _answer(engine, arguments)
        finally:
            engine.dispose()
    except DatabaseUnavailable as error:
        cause = error.__cause__
        _say_unavailable(cause if isinstance(cause, DBAPIError) else None)
    except StepladderError as mistake:
        print(mistake, file=sys.stderr)
    except DBAPIError as error:
        _say_unavailable(error)
    return MISTAKE


def _say_unavailable(error: DBAPIError | None) -> None:
    """The driver's own text may hold what is nobody's business; its code says enough."""
    original = None if error is None else error.orig
    code = original.args[0] if original is not None and original.args else "unknown"
    shown = code if isinstance(code, int) or original is None else type(original).__name__
    print(
        f"DATABASE_URL: the database does not answer or refuses this (error {shown}). Check that it"
        " runs and that the user may use it.",
        file=sys.stderr,
    )


def _settings() -> DatabaseSettings:
    try:
        return DatabaseSettings()
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0]).upper()
        raise InvalidInput(name, "is not usable; see .env.example.") from None


def _parser() -> Arguments:
    parser = Arguments(prog="python -m db", description="The database and who may use it.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("upgrade", help="bring the database to the newest version")
    commands.add_parser("prepare", help="keys, a copy, the newest version, the first set-up code")
    create = commands.add_parser("create-user", help="a new person with a simulated account")
    create.add_argument("--display-name")
    create.add_argument("--administrator", action="store_true", help="may see and stop everything")
    reset = commands.add_parser("reset-password", help="a one-time link, or a new password")
    for command in (create, reset):
        command.add_argument("name", nargs="?", help="the username")
        command.add_argument("--username", help="the same")
    for command, absent in ((create, "asked for"), (reset, "a link is printed")):
        command.add_argument("--password", help=f"12 characters or more; without it {absent}")
    seed = commands.add_parser("seed-demo", help="demo-admin with one running strategy")
    seed.add_argument("--password", required=True, help="of demo-admin, 12 characters or more")
    commands.add_parser("verify", help="check invariants, and fills against orders")
    commands.add_parser("verify-audit", help="prove the chain of the audit whole")
    return parser


def _answer(engine: Engine, arguments: argparse.Namespace) -> int:
    at = utc_now()
    if arguments.command == "prepare":
        for sentence in prepare(engine, folder=keys.FOLDER, at=at):
            print(sentence)
        return 0
    if arguments.command == "upgrade":
        return _print(_upgrade(engine))
    migrate.check_version(engine)
    match arguments.command:
        case "create-user":
            answer = create_user(
                engine,
                username=_username(arguments),
                display_name=arguments.display_name,
                password=arguments.password,
                administrator=arguments.administrator,
                at=at,
            )
        case "reset-password":
            answer = reset_password(
                engine, username=_username(arguments), password=arguments.password, at=at
            )
        case "seed-demo":
            answer = seed_demo(engine, password=arguments.password, at=at)
        case "verify":
            answer = verify.verify(engine)
        case _:
            answer = _verify_audit(engine)
    return _print(answer)


def _username(arguments: argparse.Namespace) -> str:
    given = arguments.username or arguments.name
    if not given:
        raise InvalidInput("username", "is missing; write it after the command.")
    return str(given)


def _upgrade(engine: Engine) -> dict[str, Any]:
    before = migrate.current_version(engine)
    migrate.upgrade(engine)
    return {"before": before, "version": migrate.current_version(engine)}


def _verify_audit(engine: Engine) -> dict[str, Any]:
    key = keys.audit_key()
    report = run(engine, lambda session: audit.verify_chain(session, key), write=False)
    return {
        "ok": report.ok,
        "rows": report.rows,
        "unchained": report.unchained,
        "broken_at": report.broken_at,
    }


def _print(answer: dict[str, Any]) -> int:
    sys.stdout.write(orjson.dumps(answer).decode() + "\n")
    return BROKEN if answer.get("ok") is False else 0


if __name__ == "__main__":
    sys.exit(main())
