"""`python -m core`: JSON on standard output, one sentence and status 2 for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SHARED_GOLDEN = ROOT.parent / "shared" / "golden"
OWN_GOLDEN = ROOT / "tests" / "data" / "golden"
HEADER = "timestamp,open,high,low,close,volume\n"
PARAMETERS = {
    "base_order_size": "100",
    "safety_order_size": "50",
    "max_safety_orders": 2,
    "price_deviation": "0.01",
    "step_scale": "1",
    "volume_scale": "2",
    "take_profit": "0.015",
    "take_profit_includes_fees": False,
}
LADDER_KEYS = [
    "level",
    "deviation",
    "price",
    "size",
    "quantity",
    "cumulative_cost",
    "average_entry_price",
    "take_profit_price",
    "required_change",
]
BACKTEST_KEYS = [
    "candles",
    "gaps",
    "missing_candles",
    "cycles",
    "stop_losses",
    "safety_orders_per_level",
    "realized_pnl",
    "unrealized_pnl",
    "fees",
    "equity_change",
    "max_drawdown",
    "open_quantity",
    "dust",
    "assumed_fills",
    "unaffordable_orders",
]


class Desk:
    """Writes the files and runs the command."""

    def __init__(self, folder: Path, capsys) -> None:
        self.folder, self.capsys = folder, capsys
        self.parameters = self.write("parameters.json", PARAMETERS)
        self.candles = self.write("candles.csv", HEADER + "60000,100,102,98.5,100,1\n")

    def write(self, name: str, content: object) -> str:
        file = self.folder / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            file.write_text(text, encoding="utf-8")
        return str(file)

    def run(self, *arguments: str) -> dict:
        assert main(arguments) == 0, self.capsys.readouterr().err
        return json.loads(self.capsys.readouterr().out)

    def mistake(self, *arguments: str) -> str:
        assert main(arguments) == 2
        said = self.capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1, "one sentence"
        assert "Traceback" not in said.err
        return said.err.strip()

    def ladder(self, *more: str) -> dict:
        return self.run("ladder", "--parameters", self.parameters, "--price", "100", *more)

    def backtest(self, *more: str) -> dict:
        return self.run(
            "backtest", "--parameters", self.parameters, "--candles", self.candles, *more
        )

    def failing_backtest(self, *more: str) -> str:
        return self.mistake(
            "backtest", "--parameters", self.parameters, "--candles", self.candles, *more
        )


@pytest.fixture
def desk(tmp_path, capsys) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_ladder_has_every_level_with_decimals_as_text(desk):
    found = desk.ladder()
    assert list(found) == ["levels", "required_capital", "max_deviation"]
    assert [list(level) for level in found["levels"]] == [LADDER_KEYS] * 3
    assert found["levels"][1] == {
        "level": 1,
        "deviation": "0.01",
        "price": "99",
        "size": "50",
        "quantity": "0.5050505050505050505050505051",
        "cumulative_cost": "150",
        "average_entry_price": "99.66442953020134228187919463",
        "take_profit_price": "101.1593959731543624161073826",
        "required_change": "0.02181208053691275167785234899",
    }
    assert found["required_capital"] == "250"
    assert found["max_deviation"] == "0.02"


def test_a_ladder_without_a_market_has_no_fees_unless_they_are_given(desk):
    market = desk.write(
        "market.json", {"tick_size": "0.1", "lot_size": "0.01", "fee_rate": "0.002"}
    )
    silent = desk.write("silent.json", {"tick_size": "0.1", "lot_size": "0.01"})
    assert desk.ladder("--fee", "0.001")["required_capital"] == "250.25"
    assert desk.ladder("--market", silent)["required_capital"] == "249.46"
    assert Decimal(desk.ladder("--market", market)["required_capital"]) == Decimal(
        "249.46"
    ) * Decimal("1.002")
    both = desk.ladder("--market", market, "--fee", "0.001")["required_capital"]
    assert Decimal(both) == Decimal("249.46") * Decimal("1.001")


def test_a_backtest_prints_exactly_what_is_promised(desk):
    found = desk.backtest()
    assert [key for key in found if key in BACKTEST_KEYS] == BACKTEST_KEYS
    assert set(found) - set(BACKTEST_KEYS) == {"most_capital_used", "seconds_in_trade"}
    assert found["candles"] == 1
    assert found["cycles"] == 1
    assert found["safety_orders_per_level"] == [2, 0]
    assert isinstance(found["realized_pnl"], str)


def test_fills_and_orders_are_printed_on_request(desk):
    found = desk.backtest("--fills", "--orders")
    assert found["fills"][0] == {
        "at": 60_000,
        "cycle": 1,
        "side": "buy",
        "role": "base",
        "level": 0,
        "price": "100",
        "quantity": "1",
        "fee": "0.1",
        "fee_asset": "quote",
    }
    exit_fill = next(fill for fill in found["fills"] if fill["side"] == "sell")
    assert (exit_fill["role"], exit_fill["level"]) == ("take_profit", None)
    assert found["orders"][0] == {
        "at": 60_000,
        "cycle": 1,
        "role": "base",
        "level": 0,
        "attempt": 1,
        "side": "buy",
        "kind": "market",
        "price": None,
        "quantity": "1",
    }


def test_the_fee_argument_wins_over_the_market_which_wins_over_the_usual_one(desk):
    rules = {"tick_size": "0.01", "lot_size": "0.001"}
    silent = desk.write("silent.json", rules)
    market = desk.write("market.json", rules | {"maker_fee": "0", "taker_fee": "0.002"})

    def first_fee(*more: str) -> str:
        return desk.backtest("--fills", *more)["fills"][0]["fee"]

    assert first_fee() == first_fee("--market", silent) == "0.1"
    assert first_fee("--market", market) == "0.2"
    assert first_fee("--market", market, "--fee", "0.003") == "0.3"


def test_fees_in_base_are_named_so(desk):
    market = desk.write("market.json", {"lot_size": "0.001", "fee_currency": "base"})
    assert desk.backtest("--fills", "--market", market)["fills"][0]["fee_asset"] == "base"


def test_csv_and_parquet_give_the_same(desk):
    rows = [(60_000, 0.1, 0.3, 0.1, 0.2, 1.0), (120_000, 0.2, 0.25, 0.15, 0.2, 1.0)]
    names = HEADER.strip().split(",")
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    pq.write_table(table, desk.folder / "candles.parquet")
    text = HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows)
    desk.candles = desk.write("other.csv", text)
    from_csv = desk.backtest("--fills")
    desk.candles = str(desk.folder / "candles.parquet")
    assert desk.backtest("--fills") == from_csv
    assert from_csv["fills"][0]["price"] == "0.1"


def test_parquet_times_may_be_dates(desk):
    times = pa.array([60_000, 120_000], pa.timestamp("ms", "UTC"))
    table = pa.table(
        {"timestamp": times} | {n: [1.0, 1.0] for n in ("open", "high", "low", "close")}
    )
    pq.write_table(table, desk.folder / "candles.parquet")
    desk.candles = str(desk.folder / "candles.parquet")
    assert desk.backtest("--fills")["fills"][0]["at"] == 60_000


BAD_CANDLES = {
    "": "is empty",
    HEADER: "holds no candles",
    "time,open,high,low,close\n1,1,1,1,1\n": "no column timestamp",
    "timestamp,open,high,low\n1,1,1,1\n": "no column close",
    HEADER + "1,1,1,1,1\n": "row 1 has 5 values",
    HEADER + "1,1,1,1,nan,1\n": "row 1 has a price",
    HEADER + "1,1,inf,1,1,1\n": "row 1 has a price",
    HEADER + "1,1,1,1,x,1\n": "row 1 has no number in column close",
    HEADER + "1,1,1,1,,1\n": "row 1 has no number in column close",
    HEADER + "1,-1,1,-1,1,1\n": "row 1 has a price",
    HEADER + "1,0,1,0,1,1\n": "row 1 has a price",
    HEADER + "1,1e308,1e308,1,1,1\n": "row 1 has a price",
    HEADER + "1,1,1,2,1,1\n": "row 1 has a low or a high",
    HEADER + "2,1,1,1,1,1\n1,1,1,1,1,1\n": "row 2 is not later",
    HEADER + "1,1,1,1,1,1\n1,1,1,1,1,1\n": "row 2 is not later",
    HEADER + "x,1,1,1,1,1\n": "row 1 has no timestamp",
    HEADER + "1.5,1,1,1,1,1\n": "row 1 has no timestamp",
    HEADER + "-1,1,1,1,1,1\n": "row 1 has a timestamp",
    HEADER + "99999999999999999999,1,1,1,1,1\n": "row 1 has a timestamp",
    '"unclosed': "neither Parquet nor CSV",
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), BAD_CANDLES.items())
def test_bad_candles_are_one_sentence(desk, content, words):
    desk.candles = desk.write("bad.csv", content)
    said = desk.failing_backtest()
    assert said.startswith("candles: ")
    assert words in said


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PAR1 and no more", b"\x00" * 99])
def test_bytes_that_are_no_candles_are_one_sentence(desk, content):
    desk.candles = desk.write("bad.parquet", content)
    assert desk.failing_backtest().startswith("candles: ")


def test_a_parquet_file_with_holes_is_one_sentence(desk):
    for hole in (None, float("nan")):
        columns = {name: [1.0, hole] for name in ("open", "high", "low", "close")}
        pq.write_table(pa.table({"timestamp": [1, 2]} | columns), desk.folder / "holes.parquet")
        desk.candles = str(desk.folder / "holes.parquet")
        assert desk.failing_backtest().startswith("candles: row 2 has ")


@pytest.mark.parametrize("option", ["--parameters", "--candles", "--market"])
def test_a_missing_file_is_named(desk, option):
    said = desk.failing_backtest(option, str(desk.folder / "nowhere"))
    assert said.startswith(f"{option[2:]}: cannot open ")
    assert "nowhere" in said


@pytest.mark.parametrize(
    "content", ["", "{", "[", '{"a": }', "\x00", "[" * 100_000, '{"a":1e9999999999999999999}']
)
def test_what_is_not_json_is_one_sentence(desk, content):
    bad = desk.write("bad.json", content)
    assert desk.failing_backtest("--parameters", bad).startswith(("parameters: ", "a: "))
    assert desk.failing_backtest("--market", bad).startswith(("market: ", "a: "))


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e308", "-1", "0", '""', "null", "[]"]
)
def test_bad_parameters_are_one_sentence_that_names_the_field(desk, value):
    bad = desk.write("bad.json", f'{{"base_order_size": {value}}}')
    assert desk.failing_backtest("--parameters", bad).startswith("base_order_size: ")


@pytest.mark.parametrize(
    ("market", "field"),
    [
        ({"tick": "1"}, "tick"),
        ({"tick_size": "0"}, "tick_size"),
        ({"tick_size": "NaN"}, "tick_size"),
        ({"lot_size": -1}, "lot_size"),
        ({"min_quantity": "x"}, "min_quantity"),
        ({"min_notional": True}, "min_notional"),
        ({"fee_rate": "0.6"}, "fee_rate"),
        ({"fee_rate": None}, "fee_rate"),
        ({"maker_fee": "0.1"}, "fee_rate"),
        ({"fee_rate": "0.1", "taker_fee": "0.1"}, "fee_rate"),
        ({"fee_currency": "bnb"}, "fee_currency"),
        ({"fee_currency": []}, "fee_currency"),
        ([], "market"),
    ],
)
def test_bad_market_rules_are_one_sentence_that_names_the_field(desk, market, field):
    bad = desk.write("bad.json", market)
    assert desk.failing_backtest("--market", bad).startswith(f"{field}: ")


@pytest.mark.parametrize("option", ["--fee", "--slippage", "--balance"])
@pytest.mark.parametrize("value", ["nan", "inf", "1e308", "-1", "", "x"])
def test_bad_numbers_among_the_arguments_are_named(desk, option, value):
    assert desk.failing_backtest(f"{option}={value}").startswith(f"{option[2:]}: ")


@pytest.mark.parametrize("value", ["0", "-5", "nan", "1e308", ""])
def test_a_bad_price_is_named(desk, value):
    said = desk.mistake("ladder", "--parameters", desk.parameters, f"--price={value}")
    assert said.startswith("price: ")


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("ladder",), ("ladder", "--price"), ("backtest", "--candles", "x")]
)
def test_wrong_arguments_are_one_sentence(desk, arguments):
    assert "see python -m core --help" in desk.mistake(*arguments)


def test_an_unknown_fill_rule_is_named(desk):
    assert desk.failing_backtest("--fill-rule", "magic").startswith("fill-rule: ")


def test_the_real_process_answers_on_the_right_stream(desk):
    command = [sys.executable, "-m", "core", "ladder", "--parameters", desk.parameters]
    good = subprocess.run(
        [*command, "--price", "100"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["required_capital"] == "250"
    bad = subprocess.run(
        [*command, "--price", "x"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("price: ")


GOLDEN_FILES = sorted(OWN_GOLDEN.glob("*.json")) + sorted(SHARED_GOLDEN.glob("*.json"))


@pytest.mark.parametrize(
    "file", GOLDEN_FILES, ids=lambda file: f"{file.parent.parent.name}-{file.stem}"
)
def test_a_worked_backtest_agrees_fill_by_fill(desk, file):
    case = json.loads(file.read_text(encoding="utf-8"))
    rows = "".join(",".join(map(repr, row)) + ",0\n" for row in case["candles"])
    desk.parameters = desk.write("golden.json", case["parameters"])
    desk.candles = desk.write("golden.csv", HEADER + rows)
    more = ["--fills"]
    if case["market"] is None:
        more += ["--fee", case["fee"]]
    else:
        more += ["--market", desk.write("market.json", case["market"])]
    found, expected = desk.backtest(*more), case["expected"]
    for name in ("cycles", "stop_losses", "safety_orders_per_level"):
        assert found[name] == expected[name], name
    for name in ("realized_pnl", "unrealized_pnl", "fees", "open_quantity", "dust"):
        assert about(found[name], expected[name]), name
    assert len(found["fills"]) == len(expected["fills"])
    for number, (fill, wanted) in enumerate(zip(found["fills"], expected["fills"], strict=True)):
        same = [fill[name] == wanted[name] for name in ("side", "role", "level")]
        same += [about(fill[name], wanted[name]) for name in ("price", "quantity")]
        assert all([*same, fill["at"] == wanted["timestamp"]]), f"fill {number}: {fill} {wanted}"


def about(found: str, expected: str) -> bool:
    """Equal to a billionth; what is printed of the expected numbers has 12 digits after the point."""
    difference = abs(Decimal(found) - Decimal(expected))
    return difference <= max(Decimal("1e-9") * abs(Decimal(expected)), Decimal("1e-11"))
