"""One key, one line: where requests are numbered they leave one after the other, whichever client asks."""

import asyncio
from urllib.parse import parse_qs

import pytest

from tests.exchanges.wire import SECRET, Wire
from tests.faults import fault
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.clients import client_for
from worker.exchanges.hub import Hub
from worker.exchanges.stream import PrivateStream
from worker.keys.opening import ExchangeKey

KEY = ExchangeKey("key-canary", SECRET, "", "f" * 64)
ANOTHER = ExchangeKey("key-canary-2", SECRET, "", "e" * 64)


class Counter:
    """What the exchange does with numbered requests: each larger than the one before it, or refused."""

    def __init__(self):
        self.numbers = []
        self.now = self.most = 0

    async def fetch(self, url, method="GET", headers=None, body=None):
        self.now += 1
        self.most = max(self.most, self.now)
        self.numbers.append(int(parse_qs(body)["nonce"][0]))
        for _ in range(3):
            await asyncio.sleep(0)
        self.now -= 1
        return {"error": [], "result": {"open": {}}}


@pytest.fixture
def hub():
    made = Hub("kraken", {}, ADAPTERS["kraken"])
    made._unit = 1e-6
    made._master = Wire(ADAPTERS["kraken"]).client
    return made


@fault("E38")
async def test_a_served_account_and_the_look_at_its_key_use_one_number_after_the_other(hub):
    counter, adapter = Counter(), ADAPTERS["kraken"]
    clients = [client_for(hub, adapter, KEY), client_for(hub, adapter, KEY)]
    for client in clients:
        client.fetch = counter.fetch

    asked = [adapter.find_open(clients[n % 2], None) for n in range(8)]
    assert await asyncio.gather(*asked) == [[]] * 8

    assert counter.most == 1, "two requests were on their way at once"
    assert counter.numbers == sorted(set(counter.numbers))
    assert not any(PrivateStream.is_possible(client) for client in clients)


@fault("E38")
async def test_the_numbers_go_on_where_a_client_that_was_given_back_has_left_them(hub):
    counter, adapter = Counter(), ADAPTERS["kraken"]
    first = client_for(hub, adapter, KEY)
    first.line.last_nonce = 9_000_000_000_000_000
    again = client_for(hub, adapter, KEY)
    again.fetch = counter.fetch

    await adapter.find_open(again, None)

    assert counter.numbers == [9_000_000_000_000_001]


async def test_another_key_has_a_line_of_its_own_and_waits_for_nobody(hub):
    counter, adapter = Counter(), ADAPTERS["kraken"]
    clients = [client_for(hub, adapter, KEY), client_for(hub, adapter, ANOTHER)]
    for client in clients:
        client.fetch = counter.fetch

    await asyncio.gather(*(adapter.find_open(client, None) for client in clients))

    assert counter.most == 2
    assert clients[0].throttler is not clients[1].throttler
    assert client_for(hub, adapter, KEY).throttler is clients[0].throttler
