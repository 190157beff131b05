"""The trust report in short: a little of everything. The whole is `make trust`."""

from __future__ import annotations

import pytest

from tests.chaos.run import GOALS
from tests.faults import CATALOGUE
from tests.trust.__main__ import report, run_stage
from tests.trust.book import Book
from tests.trust.stages import FIRED, NONE_OF, full, seldom_fired, short, the_rest


@pytest.mark.slow
def test_a_little_of_everything_that_the_report_shows_holds(tmp_path, capsys):
    book = Book(tmp_path / "trust-short.json")
    for stage in short():
        run_stage(book, stage)
    met = report(book, short(), counts=False)
    assert met, capsys.readouterr().out


def test_a_report_that_was_broken_off_goes_on_where_it_was(tmp_path):
    file = tmp_path / "trust.json"
    simulation = short()[0]
    first, second = list(simulation.commands([]))
    book = Book.open(file)
    book.add("simulation", first, True, 1.0, {"seeds": 4, "faults": {"E1": 3}})
    again = Book.open(file)
    assert list(simulation.commands(again.of("simulation"))) == [second]
    assert simulation.totals(again.of("simulation"))["seeds"] == 4


def test_no_seed_comes_twice_when_a_run_was_taken_out_of_the_book(tmp_path):
    stage = next(stage for stage in full(0.1) if stage.name == "simulation")
    commands = list(stage.commands([]))
    book = Book.open(tmp_path / "trust.json")
    for command in commands[1:]:  # the first one was taken out
        book.add("simulation", command, True, 1.0, {"seeds": 40})
    (again,) = stage.commands(book.of("simulation"))
    assert again not in commands
    assert "--from 2001 --count 40" in again


def test_two_reports_at_once_keep_each_others_entries(tmp_path):
    file = tmp_path / "trust.json"
    one, other = Book.open(file), Book.open(file)
    one.add("simulation", "first", True, 1.0, {"seeds": 4})
    other.add("chaos", "second", True, 1.0, {"kills": 3})
    assert [run.command for run in Book.open(file).runs] == ["first", "second"]
    one.forget("simulation")
    assert [run.command for run in Book.open(file).runs] == ["second"]


def test_percentiles_are_taken_over_the_values_of_all_runs(tmp_path):
    stage = next(stage for stage in full(0.1) if stage.name == "chaos")
    none_of = dict.fromkeys(NONE_OF, 0) | {
        "kills": 150, "orders_on_the_exchange": 1, "trades_on_the_exchange": 1
    }  # fmt: skip
    book = Book.open(tmp_path / "trust.json")
    for seconds in (1.0, 29.0):
        book.add("chaos", "c", True, 1.0, none_of | {"measured": {n: [seconds] for n in GOALS}})
    totals = stage.totals(book.of("chaos"))
    assert totals["seconds_until_protected"] == {
        "count": 2, "median": 29.0, "p99": 29.0, "max": 29.0
    }  # fmt: skip
    late = "seconds_until_stop_is_acknowledged: 29.0 s, the goal is 5 s"
    assert stage.unmet(totals) == [late]
    none = none_of | {"measured": {n: [None] for n in GOALS}}
    book.add("chaos", "never came", True, 1.0, none)
    assert len(stage.unmet(stage.totals(book.of("chaos")))) == 4


def test_faults_that_nothing_has_drawn_are_left_to_the_tests_that_carry_them(tmp_path):
    book = Book.open(tmp_path / "trust.json")
    often = {name: FIRED for name in CATALOGUE if name not in ("E29", "P10")}
    book.add("simulation", "s", True, 1.0, {"faults": often})
    (command,) = the_rest(book).commands([])
    assert command == "python -m tests.trust.fault_tests --times 20 E29 P10"
    book.add("fault-tests", command, True, 1.0, {"faults": {"E29": 20, "P10": 20}})
    assert seldom_fired(book) == {}
    assert list(the_rest(book).commands(book.of("fault-tests"))) == []
