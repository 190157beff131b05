"""The self-test of a live account: one order is placed far below the market, found, cancelled, proven gone.

It goes through the same `Venue` as every order, so what it proves is what strategies will rely on. Its row
is written before it is sent, it is sent once, and no answer is guessed: what a crash left unfinished is
looked for and cancelled before anything else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from core.money import plain
from core.order_ids import is_self_test
from core.orders import Order, OrderStatus, OrderUpdate
from db import account_status, audit, exchange_proofs, journal, leases
from db.account_status import ABOUT_THE_SELF_TEST, AccountStatus, SelfTest
from db.accounts import Account
from db.clock import utc_now
from db.handles import Session
from db.journal import JournalEntry, JournalLevel
from worker.clock import monotonic
from worker.database import Database
from worker.errors import KeyRefused, OutcomeUnknown, VenueUnavailable
from worker.venues.protocol import OpenOrder, Venue

log = logging.getLogger(__name__)
LOOK_EACH = 1.0
CANCEL_EACH = 5.0
GIVE_UP_AFTER = 120.0
MARGIN = 1.0
ROUNDS = 3
FINAL = (OrderStatus.CANCELLED, OrderStatus.FILLED)
NOT_THERE = (OrderStatus.REFUSED, OrderStatus.NOT_PLACED)

PASSED = (
    "Passed: a small order for {what} was placed far below the market, found on the exchange, cancelled, and"
    " is proven gone. Nothing was bought."
)
RUNNING = "Running: a small order for {what} is placed far below the market, looked for, and cancelled again."
REFUSED = (
    "Failed: the exchange did not take the test order ({reason}), so nothing was bought. Strategies would not"
    " be able to trade here either. {hint}"
)
NOT_FOUND = (
    "Failed: the test order was sent, and the exchange does not know it; nothing was bought. Orders may be"
    " lost on the way there. Try again later."
)
FILLED = (
    "Failed: the test order was bought although it was far below the market: {filled} now lie on the account"
    " and belong to no strategy. Sell them on the exchange if you do not want them."
)
NOT_PROVEN = (
    "Not finished: it is not proven yet that the test order {order} is gone. It is asked about again each"
    " minute; you can also cancel it on the exchange."
)
INTERRUPTED = (
    "Not finished: Stepladder stopped in the middle. The test order is gone and nothing was bought; press"
    " self-test again."
)
HINTS = {
    "funds": "There is not enough free money for the smallest order: put some on the account.",
    "filters": "The exchange's trading rules may have just changed; try again in a few minutes.",
    "maintenance": "The exchange is closed for maintenance; try again later.",
    "clock": "The clock of this server is wrong; the operator has to set it.",
}


class NotProven(VenueUnavailable):
    """Whether the test order rests on the exchange could not be told in time."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a self-test is made with. `token`: of the account's lease; None: not fenced (tests)."""

    database: Database
    venue: Venue
    account: Account
    token: int | None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


async def run_self_test(bench: Bench, request: int, symbol: str, order: Order) -> SelfTest:
    """The whole test. Raises what the database raises before the order is sent; then nothing was sent."""
    what = f"{plain(order.quantity)} {symbol} at {plain(order.price or order.planned_price)}"
    await say(bench, request, SelfTest.RUNNING, RUNNING.format(what=what), order.client_order_id)
    try:
        update = await _place(bench, symbol, order)
        if update is None:
            return await say(bench, request, SelfTest.FAILED, NOT_FOUND, order.client_order_id)
        if update.status in NOT_THERE:
            reason = update.reason or "no reason given"
            sentence = REFUSED.format(
                reason=reason, hint=HINTS.get(reason, "Check the key's rights.")
            )
            return await say(bench, request, SelfTest.FAILED, sentence, order.client_order_id)
        update = await _end(bench, symbol, order, update)
    except (NotProven, KeyRefused):
        await say(
            bench, request, SelfTest.RUNNING, NOT_PROVEN.format(order=order.client_order_id),
            order.client_order_id,
        )  # fmt: skip
        return SelfTest.RUNNING
    return await _conclude(bench, request, symbol, order, update, PASSED.format(what=what))


async def finish_self_test(
    bench: Bench, request: int, symbol: str, order: Order, installation: str
) -> SelfTest:
    """After a crash or a doubt: nothing is placed any more; what rests is cancelled and proven gone.

    `symbol`, `order`: as they would be placed now; what was placed is found by its id and by our prefix.
    A test order is never placed twice for one request, so none is on its way after the wait of a proof.
    """
    try:
        for rest in await left_over(bench.venue, bench.account.account_id, installation):
            await _cancel_left_over(bench, rest)
        update = await _find(bench, symbol, order, since=monotonic())
        if update is not None and update.status not in NOT_THERE:
            update = await _end(bench, symbol, order, update)
    except (NotProven, KeyRefused, VenueUnavailable) as error:
        log.warning("account %s: self-test not finished: %s", bench.account.account_id, error)
        return SelfTest.RUNNING
    if update is None:
        return await say(bench, request, SelfTest.FAILED, INTERRUPTED, order.client_order_id)
    return await _conclude(bench, request, symbol, order, update, None)


async def left_over(venue: Venue, account_id: int, installation: str) -> list[OpenOrder]:
    """Test orders that rest on the exchange, whatever symbol they are on."""
    found = await venue.everything(account_id)
    return [order for order in found if is_self_test(order.client_order_id, installation)]


async def _place(bench: Bench, symbol: str, order: Order) -> OrderUpdate | None:
    """What became of it; None: proven never to have arrived. Sent once, whatever happens."""
    sent = monotonic()
    try:
        answers = await bench.venue.place(bench.account.account_id, symbol, [order])
    except (OutcomeUnknown, VenueUnavailable):
        answers = []
    for update in answers:
        if update.client_order_id == order.client_order_id and update.status in NOT_THERE:
            return update
    # An answer is not enough: that it can be *found* is what is tested.
    return await _find(bench, symbol, order, since=sent)


async def _find(bench: Bench, symbol: str, order: Order, since: float) -> OrderUpdate | None:
    """The order as the exchange knows it; None when "not there" is proven (DESIGN 5)."""
    venue = bench.venue
    wait = (venue.request_window + venue.index_lag).total_seconds() + MARGIN
    rounds = 0
    while monotonic() - since < GIVE_UP_AFTER:
        asked = monotonic()
        try:
            found = await venue.look_up(bench.account.account_id, [order])
        except (OutcomeUnknown, VenueUnavailable):
            await bench.pause(LOOK_EACH)
            continue
        if found:
            return found[0]
        rounds += asked - since > wait
        if rounds >= ROUNDS:
            return None
        await bench.pause(LOOK_EACH)
    raise NotProven("the test order was not found in time")


async def _end(bench: Bench, symbol: str, order: Order, update: OrderUpdate) -> OrderUpdate:
    """Cancelled until a read shows its end with all its fills; a reply to a cancel proves nothing."""
    since, cancelled = monotonic(), -CANCEL_EACH
    while not _is_over(update):
        now = monotonic() - since
        if now > GIVE_UP_AFTER:
            raise NotProven("the test order's end was not seen in time")
        if update.status not in FINAL and now - cancelled >= CANCEL_EACH:
            cancelled = now
            try:
                await bench.venue.cancel(bench.account.account_id, symbol, [order])
            except (OutcomeUnknown, VenueUnavailable) as error:
                log.warning("cancel of the test order: %s", error)
        try:
            found = await bench.venue.look_up(bench.account.account_id, [order])
        except (OutcomeUnknown, VenueUnavailable):
            found = []
        update = found[0] if found else update
        if not _is_over(update):
            await bench.pause(LOOK_EACH)
    return update


def _is_over(update: OrderUpdate) -> bool:
    return update.status in FINAL and update.filled == sum(fill.quantity for fill in update.fills)


async def _cancel_left_over(bench: Bench, rest: OpenOrder) -> None:
    try:
        await bench.venue.cancel_by_id(bench.account.account_id, rest.symbol, rest.client_order_id)
    except OutcomeUnknown as error:
        log.warning("cancel of a test order that was left over: %s", error)


async def _conclude(
    bench: Bench,
    request: int,
    symbol: str,
    order: Order,
    update: OrderUpdate,
    passed: str | None,
) -> SelfTest:
    """`passed`: what to say when nothing was bought; None: the test was interrupted."""
    if update.filled > 0:
        filled = f"{plain(update.filled)} {symbol.partition('/')[0]}"
        sentence, result = FILLED.format(filled=filled), SelfTest.FAILED
    elif passed is None:
        sentence, result = INTERRUPTED, SelfTest.FAILED
    else:
        sentence, result = passed, SelfTest.PASSED
    return await say(bench, request, result, sentence, order.client_order_id)


async def say(
    bench: Bench, request: int, result: SelfTest, sentence: str, client_order_id: str
) -> SelfTest:
    at = utc_now()
    await bench.database.write(
        lambda session: _write(session, bench, request, result, sentence, client_order_id, at)
    )
    return result


def _write(
    session: Session,
    bench: Bench,
    request: int,
    result: SelfTest,
    sentence: str,
    client_order_id: str,
    at: datetime,
) -> None:
    account = bench.account
    if bench.token is not None:
        leases.fence(session, {account.account_id: bench.token})
    status = AccountStatus(
        account_id=account.account_id, user_id=account.user_id, self_test_rev=request,
        self_test=result, self_test_sentence=sentence, updated_at=at,
    )  # fmt: skip
    account_status.save(session, [status], only=ABOUT_THE_SELF_TEST)
    if result is SelfTest.PASSED:
        exchange_proofs.save_proof(session, account.exchange, account.account_id, at=at)
    level = JournalLevel.WARNING if result is SelfTest.FAILED else JournalLevel.INFO
    journal.append(
        session,
        [
            JournalEntry(
                at, account.user_id, f"self_test_{result.value}", sentence, level,
                account_id=account.account_id, client_order_id=client_order_id,
            )
        ],
    )  # fmt: skip
    audit.append(
        session,
        actor_id=None,
        subject_id=account.user_id,
        action=f"self-test {result.value}",
        details={"account": account.account_id, "order": client_order_id, "request": request},
        at=at,
    )
