"""The trust report in short: a little of everything. The whole is `make trust`."""

from __future__ import annotations

import pytest

from tests.trust.__main__ import report, run_stage
from tests.trust.book import Book
from tests.trust.stages import short


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
