"""What goes wrong with one strategy stops that strategy and no other."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.cycle import DesiredState
from core.engine import step
from core.errors import InvalidInput
from db import halt, wanted
from tests.builders import a_market
from tests.faults import fault
from tests.worker.house import House
from tests.worker.test_account_orders import running
from worker import turn as turns
from worker.errors import VenueUnavailable


async def two(house: House, **second) -> tuple[int, int]:
    """Strategies on BTC and on ETH, not started yet; `second` changes the one on ETH."""
    house.venue.traded["ETH/USDT"] = a_market(symbol="ETH/USDT")
    return house.strategy(), house.strategy("ETH/USDT", **second)


async def both_stand(house: House, price: object = 100) -> None:
    for _ in range(2):
        house.clock.advance(1)
        await house.show(price)
        if "ETH/USDT" in house.venue.traded:
            await house.show(price, "ETH/USDT")
        await house.settle()


def by_hand(house: House, statement: str, **values: object) -> None:
    house.run(lambda s: s.execute(text(statement), values))


# --- no decision without what it needs


async def test_the_first_quote_alone_decides_nothing(house: House):
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    assert (house.venue.sent, house.state(strategy)) == ([], "starting")
    await house.price(100)
    assert len(house.venue.sent) > 0


async def test_nothing_is_placed_on_a_price_older_than_10_seconds(house: House):
    strategy = await running(house)
    await house.crash()
    house.clock.advance(11)
    house.forget_orders({o.client_order_id for o in house.live(strategy) if o.slot.level == 3})
    level = next(i for i, o in house.venue.books[house.account].orders.items() if o.price == 97)
    house.venue.cancel_by_hand(house.account, level)
    sent = list(house.venue.sent)
    await house.start()
    await house.second(3)
    assert house.venue.sent == sent
    await house.stand(100)
    assert len(house.venue.sent) == len(sent) + 1


async def test_nothing_is_decided_before_the_first_reconciliation(house: House):
    strategy = house.strategy()
    await house.start()
    await house.crash()
    house.venue.no_open_orders = True
    await house.start()
    await house.stand(100)
    await house.second(3, price=100)
    assert house.venue.sent == []
    house.venue.no_open_orders = False
    await house.second(2, price=100)
    assert house.state(strategy) == "running"


async def test_a_reconciliation_that_fails_stops_trading_until_one_succeeds(house: House):
    strategy = await running(house)
    house.venue.no_open_orders = True
    await house.reconcile()
    await house.price(99)  # level 1 fills, and the take profit would be replaced
    assert len(house.attempts_of_take_profit(strategy)) == 1
    house.venue.no_open_orders = False
    await house.second(2, price=99)
    assert len(house.attempts_of_take_profit(strategy)) == 2


# --- bulkheads


@fault("P10")
async def test_a_strategy_that_raises_is_isolated_and_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    first, second = await two(house)
    await house.start()

    def fragile(cycle, event):
        if cycle.identity.strategy_id == first:
            raise ZeroDivisionError
        return step(cycle, event)

    monkeypatch.setattr(turns, "step", fragile)
    await both_stand(house)
    assert house.state(first) == "needs_attention"
    assert "ZeroDivisionError" in house.status(first).reason
    assert house.state(second) == "running"
    monkeypatch.setattr(turns, "step", step)
    await house.second(31, price=100)
    assert house.state(first) == "running"


async def test_a_value_that_the_database_refuses_stops_only_its_strategy(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    first, second = await two(house)
    await house.start()
    write = house.write

    def refuse_first(units):
        if any(change.after.identity.strategy_id == first for u in units for change in u.changes):
            return [InvalidInput("price", "has too many digits.") for _ in units]
        return write(units)

    monkeypatch.setattr(house, "write", refuse_first)
    await both_stand(house)
    assert house.state(first) == "needs_attention"
    assert "has too many digits" in house.status(first).reason
    assert house.state(second) == "running"


async def test_a_strategy_that_was_given_up_is_read_again_when_its_person_tries_again(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    strategy = house.strategy()
    await house.start()
    write = house.write
    monkeypatch.setattr(
        house,
        "write",
        lambda units: [InvalidInput("price", "is refused.")] if units[0].changes else write(units),
    )
    await house.stand(100)
    assert house.state(strategy) == "needs_attention"
    monkeypatch.setattr(house, "write", write)
    await house.want(strategy, DesiredState.RUNNING)
    await house.until(lambda: strategy in house.runners.home)
    await house.stand(100)
    assert house.state(strategy) == "running"


# --- rows written by hand


BAD_PARAMETERS = [
    "not json",
    "[]",
    "null",
    '{"base_order_size": "NaN", "safety_order_size": "100"}',
    '{"base_order_size": "1e308", "safety_order_size": "100"}',
    '{"base_order_size": "-1", "safety_order_size": "100"}',
    '{"base_order_size": "100", "safety_order_size": "100", "max_safety_orders": 101}',
    '{"base_order_size": "100"}',
]


@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
async def test_parameters_written_by_hand_start_nothing_and_stop_nobody_else(
    house: House, parameters: str
):
    first, second = await two(house)
    by_hand(
        house,
        "UPDATE strategy_parameters SET parameters = :p WHERE strategy_id = :s",
        p=parameters,
        s=first,
    )
    await house.start()
    await both_stand(house)
    assert house.state(first) == "needs_attention"
    assert len(house.status(first).reason) > 20
    assert house.rows(first) == []
    assert house.state(second) == "running"


@pytest.mark.parametrize("column", ["desired_state", "passed_levels"])
async def test_a_wish_written_by_hand_counts_as_paused_and_says_so(house: House, column: str):
    first, second = await two(house)
    by_hand(house, f"UPDATE strategies SET {column} = 'bananas' WHERE id = :s", s=first)
    await house.start()
    await both_stand(house)
    assert house.state(first) == "needs_attention"
    assert column in house.status(first).reason
    assert (house.rows(first), house.state(second)) == ([], "running")


async def test_a_symbol_that_is_not_traded_is_said_and_stays_said(house: House):
    first, second = await two(house)
    by_hand(house, "UPDATE strategies SET symbol = 'NIX/USDT' WHERE id = :s", s=first)
    await house.start()
    await both_stand(house)
    await house.learn()
    await house.second(3, price=100)
    assert house.state(first) == "needs_attention"
    assert "NIX/USDT is not traded" in house.status(first).reason
    assert (house.rows(first), house.state(second)) == ([], "running")


async def test_a_symbol_that_is_traded_again_is_taken_up(house: House):
    strategy = house.strategy("ETH/USDT")
    await house.start()
    assert house.state(strategy) == "needs_attention"
    house.venue.traded["ETH/USDT"] = a_market(symbol="ETH/USDT")
    await house.learn()
    await both_stand(house)
    assert house.state(strategy) == "running"


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("cycles", "parameters", "{"),
        ("cycles", "market", "[]"),
        ("orders", "status", "lost"),
    ],
)
async def test_a_cycle_that_cannot_be_read_is_left_alone_with_its_orders(
    house: House, table: str, column: str, value: str
):
    first, second = await two(house)
    await house.start()
    await both_stand(house)
    on_venue = house.open_on_venue()
    await house.crash()
    where = f"UPDATE {table} SET {column} = :v WHERE strategy_id = :s"
    by_hand(house, where, v=value, s=first)
    await house.start()
    await both_stand(house)
    await house.reconcile()
    assert house.state(first) == "needs_attention"
    assert house.open_on_venue() == on_venue
    await both_stand(house, 99)
    assert house.state(second) == "running"
    assert house.stored(second).filled_in(house.level(1)) == Decimal("1.01")


# --- the venue is away


async def test_a_new_strategy_waits_while_the_venue_does_not_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    await running(house)
    house.venue.traded["ETH/USDT"] = a_market(symbol="ETH/USDT")
    strategy = house.strategy("ETH/USDT")
    market = house.venue.market

    async def away(symbol: str):
        raise VenueUnavailable("away")

    monkeypatch.setattr(house.venue, "market", away)
    await house.learn()
    assert strategy not in house.runners.home
    monkeypatch.setattr(house.venue, "market", market)
    await house.learn()
    await both_stand(house)
    assert house.state(strategy) == "running"


async def test_an_archived_strategy_is_dropped(house: House):
    strategy = house.strategy()
    await house.start()
    await house.want(strategy, DesiredState.STOPPED)
    by_hand(house, "UPDATE strategies SET archived_at = changed_at WHERE id = :s", s=strategy)
    await house.learn_of(strategy)
    assert (strategy in house.runners.home, house.desk.symbols) == (False, [])


async def test_a_strategy_that_is_archived_during_a_commit_disturbs_nobody(house: House):
    first, second = await two(house)
    await house.start()
    await house.want(first, DesiredState.PAUSED)
    await both_stand(house)
    assert house.state(first) == "paused"
    loop, opened = asyncio.get_running_loop(), house.runners.opened

    def archived() -> None:
        by_hand(house, "UPDATE strategies SET archived_at = changed_at WHERE id = :s", s=first)
        rows = house.run(lambda s: wanted.wanted(s, [first]))
        learning = house.runners.learn(rows, house.run(halt.read_halt))
        asyncio.run_coroutine_threadsafe(learning, loop).result(5)

    house.before_commit.append(archived)
    await house.want(first, DesiredState.STOPPED)
    await both_stand(house)
    assert house.runners.opened == opened, "the account was not given up and read again"
    assert first not in house.runner.tracked
    assert house.state(second) == "running"
