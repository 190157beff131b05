"""The journal's sentences about orders: placed, filled, refused, put off, cancelled by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from core.accounting import Position
from core.cycle import BASE, Cycle
from core.events import Event
from core.market import Side
from core.money import ONE, ZERO
from core.orders import VANISHED, Fill, Kind, Order, OrderStatus, Role
from core.slots import not_before
from core.story_entry import Entry, EntryLevel
from core.wanted import (
    COLLAR,
    GIVE_UP_AFTER,
    WIDE_COLLAR,
    WIDEN_AFTER,
    base_price,
    base_started_at,
    cycle_levels,
    target_price,
)
from core.words import (
    count_words,
    money_words,
    order_words,
    percent_words,
    price_words,
    quantity_words,
    result_words,
    time_words,
)

EXIT_NAMES = {
    Role.TAKE_PROFIT: "take profit",
    Role.STOP_LOSS: "stop loss",
    Role.CLOSE: "closed by you",
}


def tell_orders(
    before: Cycle, after: Cycle, was: Position, held: Position, event: Event
) -> Iterator[Entry]:
    """Fills first, then what else became of known orders, then the new ones."""
    new = []
    for order in after.orders:
        known = before.find(order.client_order_id)
        if known is None:
            new.append(order)
        elif known is not order:
            yield from _tell_fills(before, after, known, order, held.realized - was.realized, held)
            yield from _tell_status(after, known, order, event.at)
    yield from _tell_placed(after, new)


def reason_words(reason: str | None, quote: str) -> str:
    """A venue's short code in words; a code without words of its own stands as it is."""
    words = {
        None: "it gave no reason",
        "funds": f"not enough {quote} is free on the account",
        "maintenance": "the exchange is in maintenance",
        "too_late": "the order reached it too late",
        "clock": "its clock and ours differ",
        "filters": "price or quantity break the rules of the market",
        "symbol": "the market is closed or unknown",
    }
    return words.get(reason) or str(reason).replace("_", " ")


def _tell_fills(
    before: Cycle, after: Cycle, known: Order, order: Order, earned: Decimal, held: Position
) -> Iterator[Entry]:
    seen = {fill.trade_id for fill in known.fills}
    fills = [fill for fill in order.fills if fill.trade_id not in seen]
    if not fills:
        return
    if order.filled > order.quantity >= known.filled:
        yield _overfilled(after, order)
    if known.was_said_gone:
        yield _filled_after_all(after, order, fills)
    if order.side is Side.SELL:
        yield _sold(after, order, fills, earned)
    elif not before.has_fills():
        yield _started(after, order, fills)
    else:
        yield _bought(after, order, fills, held)


def _overfilled(cycle: Cycle, order: Order) -> Entry:
    did = "bought" if order.side is Side.BUY else "sold"
    return Entry(
        EntryLevel.ALARM,
        "overfilled",
        f"The exchange {did} {quantity_words(cycle.market, order.filled)} by the {order_words(order.slot)},"
        f" more than the {quantity_words(cycle.market, order.quantity)} that it was asked for. It is"
        " taken as it is and counted in full. Look at the exchange and ask it why.",
        order.client_order_id,
    )


def _filled_after_all(cycle: Cycle, order: Order, fills: list[Fill]) -> Entry:
    words, _, _ = _traded(cycle, fills)
    did = "bought" if order.side is Side.BUY else "sold"
    return Entry(
        EntryLevel.ALARM,
        "order_turned_up",
        f"The {order_words(order.slot)} that was taken for gone on your word turned up: it {did} {words}."
        " That is booked now, and what was planned without it is planned anew. Look whether you hold what"
        " you expect.",
        order.client_order_id,
    )


def _traded(cycle: Cycle, fills: list[Fill]) -> tuple[str, Decimal, Decimal]:
    """("0.512 BTC at 97.50", average price, cost)."""
    quantity = sum((fill.quantity for fill in fills), ZERO)
    cost = sum((fill.cost for fill in fills), ZERO)
    price = cost / quantity
    words = f"{quantity_words(cycle.market, quantity)} at {price_words(cycle.market, price)}"
    return words, price, cost


def _sold(cycle: Cycle, order: Order, fills: list[Fill], earned: Decimal) -> Entry:
    words, _, _ = _traded(cycle, fills)
    part = "" if order.filled >= order.quantity else "part of the "
    name = EXIT_NAMES[order.slot.role]
    if order.slot.role is Role.TAKE_PROFIT and order.kind is Kind.MARKET:
        name = "trailing"
    return Entry(
        EntryLevel.WARNING if order.slot.role is Role.STOP_LOSS else EntryLevel.INFO,
        "sold",
        f"Sold {words} ({part}{name}): {result_words(cycle.market, earned)}, fees included.",
        order.client_order_id,
    )


def _started(cycle: Cycle, order: Order, fills: list[Fill]) -> Entry:
    words, _, cost = _traded(cycle, fills)
    sentence = (
        f"Cycle {cycle.number} started: bought {words}, for {money_words(cycle.market, cost)}"
        " (first buy)."
    )
    levels = cycle_levels(cycle)
    if levels:
        top, bottom = levels[0].price, levels[-1].price
        sentence += (
            f" {count_words(len(levels), 'extra buy is', 'extra buys are')} planned below,"
            f" from {price_words(cycle.market, top)} down to {price_words(cycle.market, bottom)}."
        )
    return Entry(EntryLevel.INFO, "cycle_started", sentence, order.client_order_id)


def _bought(cycle: Cycle, order: Order, fills: list[Fill], held: Position) -> Entry:
    words, price, _ = _traded(cycle, fills)
    first = base_price(cycle)
    part = "" if order.filled >= order.quantity else "part of "
    if order.slot.role is Role.BASE or first is None:
        sentence = f"Bought {words} more ({part}the first buy)."
    else:
        fell = percent_words(ONE - price / first)
        sentence = (
            f"Bought {words} ({part}level {order.slot.level}): the price fell {fell} below the"
            " first buy."
        )
    average, target = held.average_entry_price, target_price(cycle, held)
    if average is not None and target is not None:
        aim = price_words(cycle.market, cycle.market.round_price(Side.SELL, target))
        sentence += (
            f" Average entry price is now {price_words(cycle.market, average)},"
            f" the take profit {aim}."
        )
    return Entry(EntryLevel.INFO, "bought", sentence, order.client_order_id)


def _tell_status(cycle: Cycle, known: Order, order: Order, at: datetime) -> Iterator[Entry]:
    if known.status is order.status:
        return
    told = _status_words(cycle, order, at)
    if told is not None:
        level, code, sentence = told
        yield Entry(level, code, sentence, order.client_order_id)


def _status_words(cycle: Cycle, order: Order, at: datetime) -> tuple[EntryLevel, str, str] | None:
    name = order_words(order.slot)
    match order.status:
        case OrderStatus.REFUSED:
            why = reason_words(order.reason, cycle.market.quote)
            return (
                EntryLevel.ALARM,
                "order_refused",
                f"The exchange refused the {name}: {why}. It bought and sold nothing."
                " Nothing is bought until you press Try again; what is held can still be sold.",
            )
        case OrderStatus.NOT_PLACED:
            return EntryLevel.WARNING, "order_not_placed", _not_placed(cycle, order)
        case OrderStatus.NOT_ACCEPTED:
            return (
                EntryLevel.INFO,
                "order_not_accepted",
                f"It is proven that the {name} never reached the exchange. It bought and sold"
                " nothing, and is placed again if it is still wanted.",
            )
        case OrderStatus.QUARANTINED if order.reason == VANISHED:
            return (
                EntryLevel.ALARM,
                "order_vanished",
                f"The exchange had the {name} and does not show it any more, neither open nor ended. It is"
                " counted as if it were still there, and nothing more is bought. Look at the exchange;"
                " this goes on by itself as soon as the order or its trades turn up. If it is not there and"
                " did not fill, say so on the strategy's page.",
            )
        case OrderStatus.QUARANTINED:
            return (
                EntryLevel.ALARM,
                "order_quarantined",
                f"Nobody can say whether the {name} exists on the exchange. It is counted as if it"
                " did, and nothing more is bought. Look at the exchange; if it is not there and did not"
                " fill, say so on the strategy's page.",
            )
        case OrderStatus.CANCELLING:
            return _given_up(cycle, order, at)
        case OrderStatus.CANCELLED:
            return _cancelled(cycle, order)
    return None


def _not_placed(cycle: Cycle, order: Order) -> str:
    why = reason_words(order.reason, cycle.market.quote)
    again = not_before(cycle.attempts(order.slot))
    when = "" if again is None else f" from {time_words(again)} on"
    side = "bought" if order.side is Side.BUY else "sold"
    return (
        f"The exchange did not take the {order_words(order.slot)} now: {why}. Nothing was {side}"
        f" by it; it is tried again{when} if it is still wanted."
    )


def _given_up(cycle: Cycle, order: Order, at: datetime) -> tuple[EntryLevel, str, str] | None:
    """Cancels of ours are told by their cause; only a first buy that never filled has none else."""
    if order.slot != BASE or order.kind is not Kind.LIMIT:
        return None
    if at - base_started_at(cycle) < GIVE_UP_AFTER:
        return None
    return (
        EntryLevel.INFO,
        "first_buy_given_up",
        "The first buy was not filled within 5 minutes; what is left of it is cancelled.",
    )


def _cancelled(cycle: Cycle, order: Order) -> tuple[EntryLevel, str, str] | None:
    name = order_words(order.slot)
    if order.was_said_gone:
        return EntryLevel.WARNING, "order_said_gone", _said_gone(cycle, order)
    if order.expired:
        return (
            EntryLevel.WARNING,
            "order_expired",
            f"The {name} found no buyer near the market price, so the exchange ended it unfilled or"
            " in part. The rest is tried again at once."
            if order.side is Side.SELL
            else f"The exchange ended the {name} by itself. The rest is placed again if it is"
            " still wanted.",
        )
    if order.cancelled_by_hand:
        return (
            EntryLevel.WARNING,
            "cancelled_by_you",
            f"The {name} was cancelled by you on the exchange. It is not placed again, and nothing"
            " is bought, until you press Try again.",
        )
    return None


def _said_gone(cycle: Cycle, order: Order) -> str:
    market, side = cycle.market, "bought" if order.side is Side.BUY else "sold"
    kept = (
        f"What it had {side} before, {quantity_words(market, order.filled)}, stays booked."
        if order.fills
        else f"It {side} nothing."
    )
    return (
        f"You looked on the exchange: the {order_words(order.slot)} is not there and did not fill. The"
        f" exchange was asked once more, and nothing contradicts you. {kept} The order counts as over, and"
        " is placed again if it is still wanted. Should it turn up, it is cancelled and you are told."
    )


def _tell_placed(cycle: Cycle, new: list[Order]) -> Iterator[Entry]:
    market = cycle.market
    extra = [order for order in new if order.slot.role is Role.SAFETY]
    for order in new:
        if _is_first_widened(cycle, order):
            yield _widened(order)
        if order.slot.role is not Role.SAFETY:
            yield _entry_placed(_placed_words(cycle, order), [order])
    if len(extra) == 1:
        order = extra[0]
        cost = money_words(market, order.planned_price * order.quantity)
        price = price_words(market, order.planned_price)
        words = f"Extra buy {order.slot.level} is being placed: {cost} at {price}."
        yield _entry_placed(words, extra)
    elif extra:
        total = sum((order.planned_price * order.quantity for order in extra), ZERO)
        prices = [order.planned_price for order in extra]
        yield _entry_placed(
            f"{len(extra)} extra buys are being placed, from {price_words(market, max(prices))} down to"
            f" {price_words(market, min(prices))}: {money_words(market, total)} in all, without fees.",
            extra,
        )


def _is_first_widened(cycle: Cycle, order: Order) -> bool:
    """An urgent exit that is not done after 30 s may now fill further away from the market."""
    if cycle.exit_at is None or order.side is Side.BUY or order.kind is not Kind.MARKET:
        return False
    wide_from = cycle.exit_at + WIDEN_AFTER
    earlier = (o for o in cycle.attempts(order.slot) if o is not order)
    return order.created_at >= wide_from and not any(
        o.kind is Kind.MARKET and o.created_at >= wide_from for o in earlier
    )


def _widened(order: Order) -> Entry:
    return Entry(
        EntryLevel.ALARM,
        "exit_widened",
        f"The {order_words(order.slot)} is not done after {WIDEN_AFTER.seconds} seconds. From now on it"
        f" accepts prices down to {percent_words(WIDE_COLLAR)} below the market instead of"
        f" {percent_words(COLLAR)}. Look at the market: few are buying.",
        order.client_order_id,
    )


def _entry_placed(words: str, orders: list[Order]) -> Entry:
    one = orders[0].client_order_id if len(orders) == 1 else None
    return Entry(EntryLevel.INFO, "orders_placed", words, one)


def _placed_words(cycle: Cycle, order: Order) -> str:
    market = cycle.market
    quantity = quantity_words(market, order.quantity)
    price = price_words(market, order.planned_price)
    if order.slot.role is Role.BASE:
        cost = money_words(market, order.planned_price * order.quantity)
        near = "about " if order.kind is Kind.MARKET else ""
        return f"The first buy is being placed: {quantity} at {near}{price}, {cost} without fees."
    if order.kind is Kind.LIMIT:
        verb = "is being placed" if order.attempt == 1 else "is being placed anew"
        return f"The {order_words(order.slot)} {verb}: {quantity} at {price}."
    limit = "" if order.price is None else f", not below {price_words(market, order.price)}"
    return f"{quantity} are being sold at the market price of about {price}{limit}."
