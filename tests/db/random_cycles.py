"""Random cycles, and random changes of them that the worker could make. Shared by tests of storage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from core.cycle import Cycle, DesiredState, ExitReason, Holding
from core.market import FeeCurrency, Market, Side
from core.order_ids import Identity, client_order_id
from core.orders import TRANSITIONS, Fill, Kind, Order, OrderStatus, Role, Slot, fill_order
from core.parameter_reading import read_parameters

START = datetime(2026, 1, 1, tzinfo=UTC)

amount = st.integers(0, 10**36 - 1).map(lambda n: Decimal(n).scaleb(-18))
small = st.integers(1, 10**10).map(lambda n: Decimal(n).scaleb(-5))
amounts = st.one_of(small, amount)
instants = st.integers(0, 10**14).map(lambda us: START + timedelta(microseconds=us))
maybe_instant = st.none() | instants
maybe_amount = st.none() | amounts
levels = st.frozensets(st.integers(1, 100), max_size=5)
statuses = st.sampled_from(OrderStatus)
finals = st.sampled_from([status for status in OrderStatus if not status.is_live])
slots = st.one_of(
    st.just(Slot(Role.BASE, 0)),
    st.integers(1, 4).map(lambda level: Slot(Role.SAFETY, level)),
    st.sampled_from([Slot(Role.TAKE_PROFIT), Slot(Role.STOP_LOSS), Slot(Role.CLOSE)]),
)
PARAMETERS = [
    read_parameters(source)
    for source in (
        {"base_order_size": "100", "safety_order_size": "50"},
        {"base_order_size": "0.000000000000000001", "safety_order_size": "9999999999"},
        {
            "base_order_size": "10",
            "safety_order_size": "20",
            "custom_levels": [{"deviation": "0.02", "size": "20"}],
            "stop_loss": "0.4",
            "trigger_price": "123.456",
            "max_cycles": 3,
            "reinvest": "0.5",
        },
    )
]
markets = st.builds(
    Market,
    symbol=st.sampled_from(["BTC/USDT", "PRACTICE-1/USDT", "币安/USDT"]),
    tick_size=st.none() | small,
    lot_size=st.none() | small,
    min_quantity=amounts,
    min_notional=amounts,
    maker_fee=small,
    taker_fee=small,
    fee_currency=st.sampled_from(FeeCurrency),
    max_market_quantity=maybe_amount,
    max_open_orders=st.none() | st.integers(1, 500),
)


@st.composite
def fills(draw, number: int) -> Fill:
    return Fill(
        trade_id=f"t{number}",
        at=draw(instants),
        price=draw(amounts),
        quantity=draw(amounts),
        fee=draw(amounts),
        fee_asset=draw(st.sampled_from(["USDT", "BTC", "BNB"])),
        fee_value=draw(amounts),
    )


@st.composite
def orders(draw, cycle: Cycle) -> Order:
    """The next order of a slot; live only where none of the slot is."""
    slot = draw(slots)
    attempt = len(cycle.attempts(slot)) + 1
    free = cycle.live_in(slot) is None
    strategy = cycle.identity.strategy_id
    first = 1000 * strategy + 10 * len(cycle.orders)
    made = [draw(fills(first + n)) for n in range(draw(st.integers(0, 2)))]
    price = draw(maybe_amount)
    return Order(
        client_order_id=client_order_id(cycle.identity, cycle.number, slot, attempt),
        slot=slot,
        attempt=attempt,
        side=draw(st.sampled_from(Side)),
        kind=draw(st.sampled_from(Kind)),
        price=price,
        planned_price=price or draw(amounts),
        quantity=draw(amounts),
        status=draw(statuses if free else finals),
        created_at=draw(instants),
        venue_order_id=draw(st.none() | st.sampled_from(["v1", "abc-DEF_9"])),
        reported_filled=draw(amounts),
        fills=tuple(sorted(made, key=fill_order)),
        cancel_asked=draw(st.booleans()),
        expired=draw(st.booleans()),
        finished_at=draw(maybe_instant),
        reason=draw(st.none() | st.sampled_from(["funds", "min_notional"])),
    )


@st.composite
def facts(draw) -> dict[str, object]:
    return {
        "parameters": draw(st.sampled_from(PARAMETERS)),
        "size_factor": draw(amounts),
        "wanted": draw(st.sampled_from(DesiredState)),
        "carried": Holding(draw(amounts), draw(amounts)),
        "peak": draw(maybe_amount),
        "exit": draw(st.none() | st.sampled_from(ExitReason)),
        "exit_at": draw(maybe_instant),
        "released_at_price": draw(maybe_amount),
        "last_ended_at": draw(maybe_instant),
        "cycles_done": draw(st.integers(0, 1000)),
        "stop_losses_in_row": draw(st.integers(0, 9)),
        "reinvested": draw(amounts),
        "skipped": draw(levels),
        "held": draw(levels),
        "forgiven_at": draw(maybe_instant),
        "missing": draw(amounts),
        "rules_changed_at": draw(maybe_instant),
    }


@st.composite
def cycles(draw, identity: Identity) -> Cycle:
    cycle = Cycle(
        identity=identity,
        number=draw(st.integers(1, 50)),
        market=draw(markets),
        **draw(facts()),
    )
    for _ in range(draw(st.integers(0, 5))):
        cycle = cycle.with_order(draw(orders(cycle)))
    return cycle


@st.composite
def later(draw, before: Cycle) -> Cycle:
    """`before` after some steps: orders moved on as their table allows, new ones, other facts."""
    after = before
    for number, order in enumerate(before.orders):
        if draw(st.booleans()):
            after = after.with_order(draw(_moved_on(order, before.identity.strategy_id, number)))
    for _ in range(draw(st.integers(0, 2))):
        after = after.with_order(draw(orders(after)))
    return replace(after, **draw(facts())) if draw(st.booleans()) else after


@st.composite
def _moved_on(draw, order: Order, strategy: int, number: int) -> Order:
    target = draw(st.sampled_from([order.status, *sorted(TRANSITIONS[order.status])]))
    added: tuple[Fill, ...] = ()
    if draw(st.booleans()):
        added = (draw(fills(1000 * strategy + 500 + number)),)
    return replace(
        order,
        status=target,
        reported_filled=draw(amounts),
        fills=tuple(sorted((*order.fills, *added), key=fill_order)),
        cancel_asked=draw(st.booleans()),
        finished_at=draw(maybe_instant),
        venue_order_id=draw(st.none() | st.just("v2")),
        reason=draw(st.none() | st.just("later")),
    )
