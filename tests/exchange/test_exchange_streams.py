"""Private and market streams, heard by the unmodified ccxt.pro client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import ccxt
import pytest

from tests.exchange.conftest import Place


@contextlib.asynccontextmanager
async def heard(
    watch: Callable[[], Awaitable[Any]], pause: float | None = 0.05
) -> AsyncIterator[asyncio.Queue[Any]]:
    """Whatever `watch` tells, one after the other, errors included; after an error it is asked again after
    a pause."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def listen() -> None:
        while True:
            try:
                told = await watch()
            except ccxt.NetworkError as error:
                queue.put_nowait(error)
                if pause is not None:
                    await asyncio.sleep(pause)
                continue
            for row in told if isinstance(told, list) else [told]:
                queue.put_nowait(dict(row))

    task = asyncio.create_task(listen())
    try:
        yield queue
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ccxt.NetworkError):
            await task


async def subscribed(place: Place, times: int = 1) -> None:
    """So many subscriptions have been made since the start."""
    for _ in range(200):
        if place.server.streams.subscriptions >= times:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody subscribed")


async def nothing(queue: asyncio.Queue[Any]) -> bool:
    """Whether nothing is heard for a while."""
    try:
        await asyncio.wait_for(queue.get(), 0.2)
    except TimeoutError:
        return True
    return False


async def test_orders_trades_and_balances_are_told(place: Place, stream_client: Any) -> None:
    async with (
        heard(stream_client.watch_orders) as orders,
        heard(stream_client.watch_my_trades) as trades,
        heard(stream_client.watch_balance) as balances,
    ):
        await subscribed(place)
        made = await place.buy("s1")
        told = await asyncio.wait_for(orders.get(), 2)
        assert (told["clientOrderId"], told["status"], told["id"]) == ("s1", "open", made["id"])
        assert (await asyncio.wait_for(balances.get(), 2))["USDT"]["used"] == "490.00000000"
        place.exchange.move("BTCUSDT", "48900")
        trade = await asyncio.wait_for(trades.get(), 2)
        assert (trade["id"], trade["order"]) == ("1", made["id"])
        assert trade["fee"] == {"currency": "BTC", "cost": "0.00001000"}
        assert (await asyncio.wait_for(orders.get(), 2))["status"] == "closed"
    assert len(place.account.listeners) == 1


async def test_a_cancelled_order_keeps_its_own_id_in_the_stream(
    place: Place, stream_client: Any
) -> None:
    async with heard(stream_client.watch_orders) as orders:
        await subscribed(place)
        await place.buy("s1")
        await orders.get()
        place.account.cancel_by_hand("s1")
        told = await asyncio.wait_for(orders.get(), 2)
        assert (told["clientOrderId"], told["status"]) == ("s1", "canceled")


async def test_a_wrong_signature_is_refused(place: Place, stream_client: Any) -> None:
    """ccxt 4.5.90 stumbles over its own tidying: the refusal comes out as a KeyError."""
    stream_client.secret = "wrong"
    with pytest.raises(KeyError) as stumbled:
        await stream_client.watch_orders()
    assert isinstance(stumbled.value.__context__, ccxt.AuthenticationError)
    assert place.account.listeners == []


async def test_a_cut_connection_is_an_error_and_the_next_call_listens_again(
    place: Place, stream_client: Any
) -> None:
    async with heard(stream_client.watch_orders) as orders:
        await subscribed(place)
        assert await place.control("streams", do="drop") == {"dropped": 1}
        assert isinstance(await asyncio.wait_for(orders.get(), 2), ccxt.NetworkError)
        await subscribed(place, 2)
        await place.buy("s1")
        assert (await asyncio.wait_for(orders.get(), 2))["clientOrderId"] == "s1"


async def test_a_client_that_asks_again_at_once_after_a_cut_hears_nothing(
    place: Place, stream_client: Any
) -> None:
    """ccxt 4.5.90 notices the close twice, forgets the new connection the second time and waits on a third
    one, to which it never subscribes: who listens must pause first."""
    async with heard(stream_client.watch_orders, pause=None) as orders:
        await subscribed(place)
        await place.control("streams", do="drop")
        assert isinstance(await asyncio.wait_for(orders.get(), 2), ccxt.NetworkError)
        await subscribed(place, 2)
        await place.buy("s1")
        assert await nothing(orders)


async def test_a_muted_stream_looks_alive_and_says_nothing(
    place: Place, stream_client: Any
) -> None:
    async with heard(stream_client.watch_orders) as orders:
        await subscribed(place)
        await place.control("streams", do="mute")
        await place.buy("s1")
        assert await nothing(orders)
        await place.control("streams", do="unmute")
        await place.buy("s2")
        assert (await asyncio.wait_for(orders.get(), 2))["clientOrderId"] == "s2"


async def test_a_terminated_stream_is_not_noticed_by_the_client(
    place: Place, stream_client: Any
) -> None:
    async with heard(stream_client.watch_orders) as orders:
        await subscribed(place)
        place.account.revoke_key()
        assert await nothing(orders)


async def test_best_prices_are_told_when_they_change(place: Place, stream_client: Any) -> None:
    def watch() -> Any:
        return stream_client.watch_bids_asks(["BTC/USDT", "ETH/USDT"])

    async with heard(watch) as tickers:
        first = asyncio.create_task(tickers.get())
        while not first.done():
            await asyncio.sleep(0.02)
            place.exchange.move("BTCUSDT", "51000", "51001")
        assert first.result()["BTC/USDT"]["bid"] == "51000.00000000"


async def test_mini_tickers_are_told_each_second_without_a_change(
    place: Place, stream_client: Any
) -> None:
    told = await asyncio.wait_for(stream_client.watch_tickers(["ETH/USDT"]), 3)
    assert told["ETH/USDT"]["last"] == "3000.00000000"
