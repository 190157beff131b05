"""Between `core.Cycle` and its rows. Reading back gives an equal value; equal parts are one object.

A strategy that only waits costs the worker what is its own, so parameters, market rules, amounts and
times are shared between cycles.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from sqlalchemy import RowMapping

from core.cycle import Cycle, DesiredState, ExitReason, Holding
from core.errors import InvalidInput
from core.market import FeeCurrency, Market, Side
from core.order_ids import Identity
from core.orders import Fill, Kind, Order, OrderStatus, Role, Slot, fill_order
from core.parameter_reading import write_parameters
from core.parameters import Parameters
from db.tables import NO_LEVEL
from db.types import canonical, json_text, storable
from db.wanted import parameters_from_text

V = TypeVar("V")
E = TypeVar("E", bound=StrEnum)
SHARED_TEXTS = 2048
AMOUNTS = ("tick_size", "lot_size", "min_quantity", "min_notional", "maker_fee", "taker_fee")


class Shared:
    """Equal values, one object; lives as long as one load, or over several. It never grows beyond `MOST`."""

    MOST = 50_000

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def clear(self) -> None:
        self._known.clear()

    def __call__(self, value: V) -> V:
        if len(self._known) >= self.MOST:
            self.clear()
        known: V = self._known.setdefault(value, value)
        return known


def market_json(market: Market) -> dict[str, Any]:
    """What `market_from_json` reads back equal."""
    written: dict[str, Any] = {}
    for field in fields(market):
        value = getattr(market, field.name)
        written[field.name] = format(storable(value), "f") if isinstance(value, Decimal) else value
    return written


def market_from_json(source: Any) -> Market:
    """Raises `InvalidInput` when it is not what `market_json` writes."""
    try:
        values = dict(source)
        for name in (*AMOUNTS, "max_market_quantity"):
            text = values.get(name)
            values[name] = None if text is None else canonical(storable(Decimal(text)))
        values["fee_currency"] = FeeCurrency(values["fee_currency"])
        return Market(**values)
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise InvalidInput("market", "cannot be read; it will be fetched again.") from error


@functools.lru_cache(maxsize=SHARED_TEXTS)
def market_text(market: Market) -> str:
    return json_text(market_json(market))


@functools.lru_cache(maxsize=SHARED_TEXTS)
def market_of(text: str) -> Market:
    return market_from_json(_parsed("market", text))


@functools.lru_cache(maxsize=SHARED_TEXTS)
def parameters_text(parameters: Parameters) -> str:
    return json_text(write_parameters(parameters))


# The same object as the strategy's own: their texts are equal.
parameters_of = parameters_from_text


def cycle_row(cycle: Cycle) -> dict[str, Any]:
    """Everything but the end of it."""
    filled = [fill.at for order in cycle.orders for fill in order.fills]
    return {
        "strategy_id": cycle.identity.strategy_id,
        "number": cycle.number,
        "account_id": cycle.identity.account_id,
        "parameters": orjson.Fragment(parameters_text(cycle.parameters)),
        "market": orjson.Fragment(market_text(cycle.market)),
        "engine_version": cycle.engine_version,
        "size_factor": cycle.size_factor,
        "wanted": cycle.wanted,
        "carried_quantity": cycle.carried.quantity,
        "carried_cost": cycle.carried.cost,
        "peak": cycle.peak,
        "exit": cycle.exit,
        "exit_at": cycle.exit_at,
        "released_at_price": cycle.released_at_price,
        "last_ended_at": cycle.last_ended_at,
        "cycles_done": cycle.cycles_done,
        "stop_losses_in_row": cycle.stop_losses_in_row,
        "reinvested": cycle.reinvested,
        "skipped": sorted(cycle.skipped),
        "held": sorted(cycle.held),
        "forgiven_at": cycle.forgiven_at,
        "missing": cycle.missing,
        "rules_changed_at": cycle.rules_changed_at,
        "started_at": min(filled, default=None),
    }


def order_row(
    cycle: Cycle, order: Order, position: int, deadline: datetime, token: int
) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "account_id": cycle.identity.account_id,
        "strategy_id": cycle.identity.strategy_id,
        "cycle_number": cycle.number,
        "position": position,
        "role": order.slot.role,
        "level": _level(order.slot),
        "attempt": order.attempt,
        "side": order.side,
        "kind": order.kind,
        "symbol": cycle.market.symbol,
        "price": order.price,
        "planned_price": order.planned_price,
        "quantity": order.quantity,
        "created_at": order.created_at,
        "deadline": deadline,
        "venue_order_id": order.venue_order_id,
        "reported_filled": order.reported_filled,
        "cancel_asked": order.cancel_asked,
        "expired": order.expired,
        "finished_at": order.finished_at,
        "reason": order.reason,
        "token": token,
        "status": order.status,
    }


def fill_row(cycle: Cycle, order: Order, fill: Fill) -> dict[str, Any]:
    return {
        "account_id": cycle.identity.account_id,
        "symbol": cycle.market.symbol,
        "trade_id": fill.trade_id,
        "client_order_id": order.client_order_id,
        "strategy_id": cycle.identity.strategy_id,
        "cycle_number": cycle.number,
        "side": order.side,
        "role": order.slot.role,
        "level": _level(order.slot),
        "price": fill.price,
        "quantity": fill.quantity,
        "fee": fill.fee,
        "fee_asset": fill.fee_asset,
        "fee_value": fill.fee_value,
        "at": fill.at,
    }


def fill_of(row: RowMapping, share: Shared) -> Fill:
    return Fill(
        trade_id=row["trade_id"],
        at=share(row["at"]),
        price=share(row["price"]),
        quantity=share(row["quantity"]),
        fee=share(row["fee"]),
        fee_asset=share(row["fee_asset"]),
        fee_value=share(row["fee_value"]),
    )


def order_of(row: RowMapping, fills: Iterable[Fill], share: Shared) -> Order:
    level = row["level"]
    return Order(
        client_order_id=share(row["client_order_id"]),
        slot=share(Slot(Role(row["role"]), None if level == NO_LEVEL else level)),
        attempt=row["attempt"],
        side=Side(row["side"]),
        kind=Kind(row["kind"]),
        price=share(row["price"]),
        planned_price=share(row["planned_price"]),
        quantity=share(row["quantity"]),
        status=OrderStatus(row["status"]),
        created_at=share(row["created_at"]),
        venue_order_id=share(row["venue_order_id"]),
        reported_filled=share(row["reported_filled"]),
        fills=tuple(sorted(fills, key=fill_order)),
        cancel_asked=row["cancel_asked"],
        expired=row["expired"],
        finished_at=share(row["finished_at"]),
        reason=share(row["reason"]),
    )


def cycle_of(row: RowMapping, orders: Iterable[Order], installation: str, share: Shared) -> Cycle:
    """Raises `InvalidInput` when the row holds what no cycle could: somebody wrote it by hand."""
    exit_text = row["exit"]
    return Cycle(
        identity=Identity(installation, row["account_id"], row["strategy_id"]),
        number=row["number"],
        parameters=parameters_of(row["parameters"]),
        market=market_of(row["market"]),
        engine_version=row["engine_version"],
        size_factor=share(row["size_factor"]),
        wanted=_choice(DesiredState, "wanted", row["wanted"]),
        orders=tuple(orders),
        carried=share(Holding(row["carried_quantity"], row["carried_cost"])),
        peak=share(row["peak"]),
        exit=None if exit_text is None else _choice(ExitReason, "exit", exit_text),
        exit_at=share(row["exit_at"]),
        released_at_price=share(row["released_at_price"]),
        last_ended_at=share(row["last_ended_at"]),
        cycles_done=row["cycles_done"],
        stop_losses_in_row=row["stop_losses_in_row"],
        reinvested=share(row["reinvested"]),
        skipped=share(_levels("skipped", row["skipped"])),
        held=share(_levels("held", row["held"])),
        forgiven_at=share(row["forgiven_at"]),
        missing=share(row["missing"]),
        rules_changed_at=share(row["rules_changed_at"]),
    )


def _level(slot: Slot) -> int:
    return NO_LEVEL if slot.level is None else slot.level


def _parsed(field: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(field, "is not JSON.") from error


def _levels(field: str, text: str) -> frozenset[int]:
    numbers = _parsed(field, text)
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise InvalidInput(field, "is not a list of levels.")
    return frozenset(numbers)


def _choice(options: type[E], field: str, text: str) -> E:
    try:
        return options(text)
    except ValueError as error:
        raise InvalidInput(field, f"must be one of {', '.join(options)}.") from error
