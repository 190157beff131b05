"""`python -m core ladder | backtest`: JSON on standard output; a mistake is one sentence on standard
error with exit status 2. The one file of core that opens files."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from core.backtest import Settings, backtest
from core.candles import Candle
from core.command_line.reading import (
    AMOUNT,
    COLUMNS,
    POSITIVE,
    RATE,
    read_candles,
    read_market,
)
from core.command_line.writing import backtest_answer, ladder_answer
from core.errors import InvalidInput, StepladderError
from core.ladder import build_ladder
from core.market import Market
from core.matching import FillRule
from core.money import ZERO
from core.parameter_reading import read_number, read_parameters
from core.parameter_table import Number
from core.parameters import Parameters

USUAL_FEE = Decimal("0.001")
PARQUET_MAGIC = b"PAR1"


class Arguments(argparse.ArgumentParser):
    """Argument mistakes are sentences like all others."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInput("", f"{message}; see python -m core --help.")


def main(argv: Sequence[str] | None = None) -> int:
    try:
        arguments = _parser().parse_args(argv)
        answer = _ladder(arguments) if arguments.command == "ladder" else _backtest(arguments)
    except StepladderError as mistake:
        print(mistake, file=sys.stderr)
        return 2
    sys.stdout.write(orjson.dumps(answer).decode() + "\n")
    return 0


def _parser() -> Arguments:
    parser = Arguments(prog="python -m core", description="Ladders and backtests, as JSON.")
    commands = parser.add_subparsers(dest="command", required=True)
    ladder = commands.add_parser("ladder", help="every level of a ladder")
    ladder.add_argument("--price", required=True, help="fill price of the base order")
    test = commands.add_parser("backtest", help="a strategy over past candles")
    test.add_argument("--candles", required=True, help="Parquet or CSV file")
    test.add_argument("--slippage", default="0", help="what market orders lose, a fraction")
    test.add_argument("--fill-rule", default="touch", help="touch or through")
    test.add_argument("--balance", help="quote to spend; without it there is no limit")
    test.add_argument("--fills", action="store_true", help="print every fill")
    test.add_argument("--orders", action="store_true", help="print every order")
    for command in (ladder, test):
        command.add_argument(
            "--parameters", required=True, help="JSON file, names as in DESIGN 2.1"
        )
        command.add_argument("--market", help="JSON file; without it nothing is rounded")
        command.add_argument("--fee", help="rate of every fee, a fraction")
    return parser


def _ladder(arguments: argparse.Namespace) -> dict[str, Any]:
    parameters = _parameters(arguments.parameters)
    market = _market(arguments, ZERO)
    price = read_number("price", arguments.price, POSITIVE)
    return ladder_answer(build_ladder(parameters, price, market))


def _backtest(arguments: argparse.Namespace) -> dict[str, Any]:
    parameters = _parameters(arguments.parameters)
    market = _market(arguments, USUAL_FEE)
    settings = Settings(
        _fill_rule(arguments.fill_rule),
        read_number("slippage", arguments.slippage, RATE),
        _optional("balance", arguments.balance, AMOUNT),
    )
    result = backtest(parameters, market, _candles(Path(arguments.candles)), settings)
    return backtest_answer(result, market, fills=arguments.fills, orders=arguments.orders)


def _parameters(file: str) -> Parameters:
    return read_parameters(_json("parameters", Path(file)))


def _market(arguments: argparse.Namespace, usual_fee: Decimal) -> Market:
    """`--fee` wins over the market's fees, which win over the usual one."""
    market, states_fees = Market(), False
    if arguments.market is not None:
        market, states_fees = read_market(_json("market", Path(arguments.market)))
    fee = _optional("fee", arguments.fee, RATE)
    if fee is None and states_fees:
        return market
    fee = usual_fee if fee is None else fee
    return replace(market, maker_fee=fee, taker_fee=fee)


def _optional(field: str, text: str | None, rule: Number) -> Decimal | None:
    return None if text is None else read_number(field, text, rule)


def _fill_rule(text: str) -> FillRule:
    if text not in list(FillRule):
        raise InvalidInput("fill-rule", f"must be one of: {', '.join(FillRule)}.")
    return FillRule(text)


def _bytes(field: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise InvalidInput(field, f"cannot open {file}: {why}; check the path.") from None
    except ValueError:  # a path with a zero byte
        raise InvalidInput(field, "is not a path; give the path of a file.") from None


def _json(field: str, file: Path) -> Any:
    """Numbers are read as the decimals that they are written as."""
    try:
        return json.loads(_bytes(field, file).decode("utf-8-sig"), parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            field, f"{file} is not JSON: {error.msg} in line {error.lineno}; correct it there."
        ) from None
    except (ValueError, ArithmeticError, RecursionError):
        raise InvalidInput(field, f"{file} is not JSON that can be read; write it anew.") from None


def _candles(file: Path) -> list[Candle]:
    content = _bytes("candles", file)
    if content.startswith(PARQUET_MAGIC):
        return read_candles(_parquet_columns(file, content))
    return read_candles(_csv_columns(file, content))


def _parquet_columns(file: Path, content: bytes) -> Mapping[str, Sequence[Any]]:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        raise InvalidInput("candles", f"{file} is a damaged Parquet file; load it anew.") from None
    columns: dict[str, Sequence[Any]] = {}
    for name in COLUMNS:
        if name in table.column_names:
            column = table.column(name)
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(
                    pa.int64()
                )
            columns[name] = column.to_pylist()
    return columns


def _csv_columns(file: Path, content: bytes) -> Mapping[str, Sequence[Any]]:
    try:
        rows = list(csv.reader(content.decode("utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise InvalidInput(
            "candles", f"{file} is neither Parquet nor CSV; give one of them."
        ) from None
    rows = [row for row in rows if row]
    if not rows:
        raise InvalidInput("candles", f"{file} is empty; give at least one candle.")
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(names):
            raise InvalidInput(
                "candles", f"row {number} has {len(row)} values where the header has {len(names)}."
            )
    return (
        dict(zip(names, zip(*rows[1:], strict=True), strict=False))
        if rows[1:]
        else dict.fromkeys(names, ())
    )


if __name__ == "__main__":
    sys.exit(main())
