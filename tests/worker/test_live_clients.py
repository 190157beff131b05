"""Clients under guard: nothing but what the adapter allows is ever signed, and no key is ever shown."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
import pytest_asyncio

from tests.exchange.exchange import Exchange
from tests.exchange.loopback import LoopbackSession
from tests.faults import fault
from tests.worker.live import LiveRig, now_ms
from worker.errors import VenueUnavailable
from worker.exchanges import hub as hub_module
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.allow_list import CallRefused
from worker.exchanges.clients import client_for, guarded
from worker.exchanges.hub import Hub
from worker.keys.opening import ExchangeKey

KEY, SECRET, PASSWORD = "canary-key-6b1f", "Y2FuYXJ5LXNlY3JldC05ZDJl", "canary-pass-77aa"
OTHER_KEY = ExchangeKey(KEY, SECRET, PASSWORD, "e" * 64)
MOVES_COINS = re.compile("withdraw|transfer", re.IGNORECASE)


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        yield made


class Client:
    """A guarded client of any exchange; nothing can leave: its session raises."""

    def __init__(self, exchange: str) -> None:
        import ccxt.pro

        adapter = ADAPTERS[exchange]
        kind = getattr(ccxt.pro, exchange)
        config = {"apiKey": KEY, "secret": SECRET, "password": PASSWORD, "session": Nowhere()}
        self.client = guarded(kind)({"enableRateLimit": False, **config})
        self.client.hub = Hub(exchange, {}, adapter)
        self.client.allows = adapter.allows

    def calls(self) -> dict[str, tuple[object, str, str]]:
        """Every implicit method: (api, HTTP method, path)."""
        from ccxt.base.types import Entry

        found = {}
        for kind in type(self.client).__mro__:
            for name, entry in vars(kind).items():
                if isinstance(entry, Entry):
                    found[name] = (entry.api, entry.method, entry.path)
        return found


class Nowhere:
    headers: ClassVar[dict[str, str]] = {}

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a request left: {name}")


@fault("E32", "S16")
@pytest.mark.parametrize("exchange", sorted(ADAPTERS))
async def test_no_call_that_moves_coins_is_ever_signed(exchange: str):
    made = Client(exchange)
    calls = made.calls()
    dangerous = [name for name, call in calls.items() if MOVES_COINS.search(f"{name} {call[2]}")]
    assert len(calls) > 50
    assert dangerous
    for name in dangerous:
        with pytest.raises(CallRefused):
            await getattr(made.client, name)({})
    made.client.session = None


@fault("S16")
@pytest.mark.parametrize("exchange", sorted(ADAPTERS))
def test_whatever_is_not_on_the_list_is_refused(exchange: str):
    made = Client(exchange)
    adapter = ADAPTERS[exchange]
    refused = 0
    for api, method, path in made.calls().values():
        if adapter.allows(api, method, path):  # type: ignore[arg-type]
            continue
        with pytest.raises(CallRefused) as error:
            made.client.sign(path, api, method, {"amount": "1", "address": KEY})
        assert KEY not in str(error.value)
        refused += 1
    assert refused > 50
    made.client.session = None


@fault("S16")
async def test_the_unified_ways_to_move_coins_are_closed_too(rig: LiveRig):
    client = client_for(rig.hub, rig.venue.adapter, rig.key)
    with pytest.raises(CallRefused):
        await client.withdraw("BTC", "1", "somewhere")
    with pytest.raises(CallRefused):
        await client.transfer("BTC", "1", "spot", "future")


async def test_a_client_is_never_shown_copied_or_written(rig: LiveRig):
    client = client_for(rig.hub, rig.venue.adapter, ExchangeKey(KEY, SECRET, PASSWORD, "f" * 64))
    for text in (repr(client), str(client), f"{client}", f"{client!r}"):
        assert not any(secret in text for secret in (KEY, SECRET, PASSWORD))
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(client)


async def test_clients_share_everything_but_the_key_and_take_new_markets(rig: LiveRig):
    first = client_for(rig.hub, rig.venue.adapter, rig.key)
    second = client_for(rig.hub, rig.venue.adapter, rig.key)
    for name in ("markets", "markets_by_id", "api", "exceptions", "session", "ssl_context", "urls"):
        assert getattr(first, name) is getattr(second, name), name
    assert first.throttler is second.throttler is rig.hub.budget
    assert first.options is not second.options
    rig.exchange.list_symbol("ETH", "USDT", price="3000")
    rig.hub._loaded_at -= 60
    rig.hub.reload_soon()
    await rig.hub.tend()
    assert "ETH/USDT" in first.markets
    assert first.markets is second.markets is rig.hub.master.markets


@fault("E38", "P7")
async def test_where_nonces_count_each_is_larger_than_the_last_whatever_the_clock_does(
    rig: LiveRig, monkeypatch: pytest.MonkeyPatch
):
    client = client_for(rig.hub, replace(rig.venue.adapter, is_serial=True), OTHER_KEY)
    found = [client.nonce() for _ in range(3)]
    rig.hub.clock.offset -= timedelta(hours=1)
    found += [client.nonce() for _ in range(3)]
    assert found == sorted(set(found))


async def test_nothing_is_retried_by_ccxt(rig: LiveRig):
    client = client_for(rig.hub, rig.venue.adapter, rig.key)
    assert client.options["maxRetriesOnFailure"] == 0
    rig.exchange.faults.arm("error", 2, when=lambda r: "account" in r.path, code=-1000, text="x")
    with pytest.raises(VenueUnavailable):
        await rig.venue.balances(7)
    assert len([r for r in rig.sent if r.path.endswith("/account")]) == 1


@fault("S11")
async def test_no_secret_and_no_signature_is_logged_even_at_debug(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    exchange = Exchange(now_ms)
    exchange.list_symbol("BTC", "USDT", price="50000")
    exchange.add_account(KEY, SECRET)
    monkeypatch.setattr(hub_module, "open_session", lambda tls: LoopbackSession(exchange))
    with caplog.at_level(logging.DEBUG):
        hub = Hub("binance", {}, ADAPTERS["binance"])
        await hub.ready()
        client = client_for(hub, ADAPTERS["binance"], ExchangeKey(KEY, SECRET, "", "f" * 64))
        exchange.faults.arm("error", when=lambda r: "account" in r.path, code=-1000, text="x")
        with pytest.raises(VenueUnavailable) as raised:
            await hub.ask(client.privateGetAccount({}))
        await client.privateGetAccount({})
        await hub.close()
    said = caplog.text + str(raised.value) + repr(raised.value.__context__.__class__)
    assert not any(secret in said for secret in (KEY, SECRET, "signature="))
