"""What is written is read back equal, or refused before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from core.money import LARGEST, QUANTUM
from db.engine import make_engine
from db.errors import NotStorable
from db.types import AsciiId, Json, Money, UtcDateTime, Words, canonical
from tests.faults import fault

metadata = MetaData()
KEPT = Table(
    "kept",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("money", Money()),
    Column("at", UtcDateTime()),
    Column("name", AsciiId(8)),
    Column("words", Words(8)),
    Column("json", Json()),
)
LARGEST_STORED = LARGEST - QUANTUM

amounts = st.integers(-(10**36) + 1, 10**36 - 1).map(lambda n: Decimal(n).scaleb(-18))
written_amounts = st.one_of(
    amounts,
    st.decimals(
        allow_nan=False, allow_infinity=False, places=8, min_value=-(10**9), max_value=10**9
    ),
    st.sampled_from(
        [Decimal("1E+3"), Decimal("-0"), Decimal("0E-30"), Decimal("1.50000000000000000000000000")]
    ),
)
instants = st.datetimes(
    min_value=datetime(1000, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
on_both = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def kept(database_url):
    engine = make_engine(database_url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def back(engine: Engine, column: str, value: object) -> object:
    with engine.begin() as connection:
        connection.execute(KEPT.delete())
        connection.execute(insert(KEPT), {column: value})
        return connection.execute(select(KEPT.c[column])).scalar_one()


@fault("D17")
def test_every_storable_amount_is_read_back_equal(kept):
    @on_both
    @given(st.lists(written_amounts, min_size=1, max_size=30))
    def check(values):
        with kept.begin() as connection:
            connection.execute(KEPT.delete())
            connection.execute(
                insert(KEPT), [{"id": n, "money": v} for n, v in enumerate(values, start=1)]
            )
            found = connection.execute(select(KEPT.c.money).order_by(KEPT.c.id)).scalars().all()
        assert list(found) == values
        # The same form from both databases: no zeros at the end, no positive exponent.
        assert [str(value) for value in found] == [str(canonical(value)) for value in values]

    check()


@pytest.mark.parametrize("value", [LARGEST_STORED, -LARGEST_STORED, QUANTUM, -QUANTUM, Decimal(0)])
def test_the_ends_of_the_range_are_kept(kept, value):
    assert back(kept, "money", value) == value


@fault("D17")
@pytest.mark.parametrize(
    "value",
    [
        LARGEST,
        -LARGEST,
        QUANTUM / 10,
        LARGEST_STORED + QUANTUM / 10,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+308"),
        Decimal("1.0000000000000000000000000000000000001"),
        1.5,
        1,
        True,
        "1",
    ],
)
def test_an_amount_that_would_not_be_read_back_equal_is_refused_before_it_is_sent(kept, value):
    with pytest.raises(NotStorable):
        back(kept, "money", value)


@fault("I1")
@on_both
@given(
    st.one_of(
        st.integers(10**36, 10**40).map(lambda n: Decimal(n).scaleb(-18)),
        amounts.map(lambda a: a + QUANTUM / 7),
    )
)
def test_whatever_does_not_fit_is_refused(value):
    with pytest.raises(NotStorable):
        Money().process_bind_param(value, make_engine("sqlite://").dialect)


@fault("D17", "P8")
def test_instants_are_read_back_equal_and_in_utc(kept):
    @on_both
    @given(instants)
    def check(value):
        found = back(kept, "at", value)
        assert isinstance(found, datetime)
        assert found == value
        assert found.tzinfo is UTC

    check()


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=UTC)])  # noqa: DTZ001
def test_a_time_without_a_zone_or_before_the_calendar_is_refused(kept, value):
    with pytest.raises(NotStorable):
        back(kept, "at", value)


@fault("D17")
@pytest.mark.parametrize("value", ["123456789", "é", "a ", "a\0"])
def test_an_id_that_would_be_cut_or_confused_is_refused(kept, value):
    with pytest.raises(NotStorable):
        back(kept, "name", value)


@pytest.mark.parametrize("value", ["123456789", "a\0", "\ud800"])
def test_a_text_that_would_be_cut_is_refused(kept, value):
    with pytest.raises(NotStorable):
        back(kept, "words", value)


@pytest.mark.parametrize("value", ["", "grün", "币安", "🪜", "a'b\"c", "%s :x"])
def test_any_other_text_is_kept(kept, value):
    assert back(kept, "words", value) == value


def test_json_keeps_its_values_and_sorts_its_keys(kept):
    assert back(kept, "json", {"b": [1, None], "a": "0.1"}) == {"a": "0.1", "b": [1, None]}
    with pytest.raises(NotStorable):
        back(kept, "json", {"amount": Decimal(1)})


@fault("D17")
def test_ids_that_differ_in_case_are_different(kept):
    with kept.begin() as connection:
        connection.execute(insert(KEPT), [{"name": "a"}, {"name": "A"}])
        assert len(connection.execute(select(KEPT).where(KEPT.c.name == "a")).all()) == 1


def test_a_refusal_is_not_hidden_in_an_error_of_the_library():
    assert not issubclass(NotStorable, StatementError)
