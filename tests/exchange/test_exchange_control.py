"""/control and the command line: how other processes and people break things."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from decimal import Decimal

import aiohttp
import ccxt
import pytest

from tests.exchange.__main__ import prepared
from tests.exchange.conftest import Place
from tests.exchange.restless import Restless


async def test_faults_are_armed_for_the_requests_described(place: Place) -> None:
    where = {"prefix": "s2", "side": "BUY"}
    await place.control("arm", fault="E3", times=1, where=where, how={"how": "502"})
    await place.buy("s1")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await place.buy("s2")
    state = await place.control("state")
    assert (state["armed"], state["fired"]) == ([], {"E3": 1})
    assert state["requests"]["POST /api/v3/order"] == 2


async def test_hands_prices_and_acts_change_the_books(place: Place) -> None:
    for name in ("s1", "s2", "s3"):
        await place.buy(name)
    await place.control("hand", do="cancel", client_order_id="s1")
    await place.control("hand", do="fill", client_order_id="s2", quantity="0.004")
    await place.control("hand", do="deposit", asset="BTC", amount="0.5")
    await place.control("hand", do="sell", symbol="BTC/USDT", quantity="0.1")
    assert await place.control("act", fault="E33") == {"done": True}
    await place.control("move", symbol="BTC/USDT", bid="48000")
    books = (await place.control("ledger"))["test-key"]
    filled = {one["client_order_id"]: (one["status"], one["filled"]) for one in books["orders"]}
    assert filled["s1"] == ("CANCELED", "0")
    assert filled["s2"] == filled["s3"] == ("FILLED", "0.01")
    assert len(books["trades"]) == 4
    assert books["balances"]["USDT"] == {"free": "0", "locked": "0"}


async def test_accounts_and_rights_are_changed_and_random_faults_drawn(place: Place) -> None:
    await place.control("account", key="k2", secret="s2", balances={"USDT": "5"}, fee_mode="bnb")
    await place.control("rights", key="k2", can_withdraw=True)
    other = place.a_client(apiKey="k2", secret="s2")
    assert (await other.sapiGetAccountApiRestrictions())["enableWithdrawals"] is True
    drawn = await place.control("draw", seed=3, times=4)
    assert len(drawn["armed"]) == 4
    assert await place.control("heal") == {"done": True}
    assert (await place.control("state"))["armed"] == []


@pytest.mark.parametrize(("command", "body", "sentence"), [
    ("arm", {"fault": "E99"}, "no fault E99"),
    ("arm", {}, "'fault' is missing"),
    ("hand", {"do": "dance", "client_order_id": "s1"}, "a hand can do"),
    ("hand", {"do": "buy", "symbol": "BTC/USDT", "quantity": "900"}, "the exchange refused: -2010"),
    ("rights", {"can_fly": True}, "no right can_fly"),
    ("dance", {}, "there are: ledger"),
])  # fmt: skip
async def test_what_cannot_be_done_is_said_in_a_sentence(
    place: Place, command: str, body: dict, sentence: str
) -> None:
    assert sentence in (await place.control(command, **body))["error"]


async def test_the_program_says_how_to_reach_it_and_moves_its_prices() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.exchange", "--port", "0",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout is not None
    try:
        line = b""
        while b"VENUE_ROUTES=" not in line:
            line = await asyncio.wait_for(program.stdout.readline(), 10)
        routes = json.loads(line.decode().partition("=")[2].strip().strip("'"))
        url = routes["api.binance.com"]
        async with aiohttp.ClientSession() as session:
            before = None
            for _ in range(100):
                async with session.get(f"{url}/control/state") as response:
                    bid = (await response.json())["symbols"]["BTC/USDT"]["bid"]
                if before not in (None, bid):
                    break
                before = bid
                await asyncio.sleep(0.05)
            assert bid != before
    finally:
        program.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(program.wait(), 5) == 0
        await program.stdout.read()


def test_restless_prices_are_the_same_for_the_same_seed_and_swing_both_ways() -> None:
    def path(seed: int) -> list[Decimal]:
        exchange = prepared(seed)
        restless = Restless(exchange, seed)
        prices = []
        for _ in range(400):
            restless.step(0.5)
            prices.append(exchange.symbols["BTCUSDT"].last)
        return prices

    assert path(1) == path(1) != path(2)
    assert min(path(1)) < 60_000 * Decimal("0.98")
    assert max(path(1)) > 60_000 * Decimal("1.02")
