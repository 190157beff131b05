"""/control: faults, prices and hands over HTTP, for drills and for tests in other processes.

GET /control/ledger, state, fired; POST with a JSON body: arm, act, draw, disarm, heal, move, gap, hand,
account, streams. Amounts are text. 400 with a sentence when something is wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

from aiohttp import web

from tests.exchange.accounts import Rights
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import KEY, Exchange
from tests.exchange.faults import FAULTS
from tests.exchange.ledger import ledger
from tests.exchange.streams import Streams
from tests.exchange.wire import Refusal, Request, When

Body = dict[str, Any]
HANDS = "cancel, sell, buy, rest, deposit, withdraw, fill, expire, purge, roll_back"


class Control:
    def __init__(self, exchange: Exchange, streams: Streams) -> None:
        self._exchange = exchange
        self._streams = streams
        self._commands: dict[str, Callable[[Body], Any]] = {
            "ledger": lambda body: ledger(exchange),
            "state": self._state,
            "fired": lambda body: dict(exchange.faults.fired),
            "arm": self._arm,
            "act": self._act,
            "draw": self._draw,
            "disarm": lambda body: exchange.faults.disarm(),
            "heal": lambda body: exchange.faults.heal(),
            "move": lambda body: exchange.move(body["symbol"], body.get("bid"), body.get("ask")),
            "gap": lambda body: exchange.gap(body["symbol"], Decimal(body["fraction"])),
            "hand": self._hand,
            "rights": self._rights,
            "account": self._account,
            "streams": self._sockets,
        }

    async def answer(self, asked: web.Request) -> web.Response:
        command = self._commands.get(asked.match_info["command"])
        if command is None:
            return _wrong("there are: " + ", ".join(self._commands), 404)
        try:
            body = await asked.json() if asked.can_read_body else dict(asked.query)
            result = command(body)
            if isinstance(result, Awaitable):
                result = await result
        except Refusal as refusal:
            return _wrong(f"the exchange refused: {refusal.code} {refusal.text}")
        except KeyError as error:
            return _wrong(f"{error} is missing or not known")
        except (ValueError, TypeError, InvalidOperation) as error:
            return _wrong(f"{error}")
        return web.json_response({"done": True} if result is None else result)

    def _account_of(self, body: Body) -> ExchangeAccount:
        return self._exchange.accounts[body.pop("key", KEY)]

    def _state(self, body: Body) -> Body:
        exchange = self._exchange
        return {
            "time": exchange.now(),
            "symbols": {
                one.unified: {"bid": str(one.bid), "ask": str(one.ask), "status": one.status}
                for one in exchange.symbols.values()
            },
            "armed": [{"fault": one.fault, "times": one.times} for one in exchange.faults.armed],
            "fired": dict(exchange.faults.fired),
            "requests": {
                f"{method} {path}": times for (method, path), times in exchange.requests.items()
            },
            "heaviest_minute": exchange.weights.heaviest(),
            "requests_during_bans": len(exchange.weights.requests_during_bans()),
        }

    def _arm(self, body: Body) -> None:
        """fault, times, where {method, path, key, client_order_id, prefix, symbol, side, type}, how {...}."""
        where = body.get("where")
        self._exchange.faults.arm(
            body["fault"],
            int(body.get("times", 1)),
            None if where is None else fits(where),
            **body.get("how", {}),
        )

    def _act(self, body: Body) -> Body:
        account = self._account_of(body)
        done = self._exchange.faults.act(body["fault"], account, **body.get("how", {}))
        return {"done": done}

    def _draw(self, body: Body) -> Body:
        """seed, times: that many random faults are armed."""
        random = Random(int(body.get("seed", 0)))
        only = tuple(body.get("only", FAULTS))
        times = int(body.get("times", 1))
        return {"armed": [self._exchange.faults.draw(random, only) for _ in range(times)]}

    def _hand(self, body: Body) -> Body | None:
        """do: one of HANDS; key; and what it needs."""
        account = self._account_of(body)
        deed = str(body["do"])
        if deed in ("deposit", "withdraw"):
            amount = Decimal(body["amount"])
            getattr(account, deed)(body["asset"], amount)
            return None
        if deed in ("sell", "buy"):
            account.trade_by_hand(_name(body), deed.upper(), Decimal(body["quantity"]))
            return None
        if deed == "rest":
            quantity, price = Decimal(body["quantity"]), Decimal(body["price"])
            account.rest_by_hand(_name(body), body["side"].upper(), quantity, price)
            return None
        if deed == "roll_back":
            return {"done": bool(account.trades) and account.roll_back(account.trades[-1])}
        return self._to_order(account, deed, body)

    def _to_order(self, account: ExchangeAccount, deed: str, body: Body) -> Body:
        orders = account.of(body["client_order_id"])
        if deed not in ("cancel", "fill", "expire", "purge"):
            raise ValueError(f"a hand can do: {HANDS}")
        if not orders or (deed != "purge" and not orders[-1].is_open):
            return {"done": False}
        if deed == "cancel":
            account.cancel_by_hand(orders[-1])
        elif deed == "fill":
            quantity = body.get("quantity")
            account.fill(orders[-1], None if quantity is None else Decimal(quantity))
        elif deed == "expire":
            account.expire(orders[-1], body.get("status", "EXPIRED"))
        else:
            account.purge(orders[-1])
        return {"done": True}

    def _rights(self, body: Body) -> None:
        """key, and fields of Rights."""
        account = self._account_of(body)
        for name, value in body.items():
            if name not in Rights.__slots__:
                raise ValueError(f"a key has no right {name}")
            setattr(account.rights, name, frozenset(value) if isinstance(value, list) else value)

    def _account(self, body: Body) -> None:
        """key, secret, balances {asset: amount}, fee_mode."""
        balances = {asset: Decimal(amount) for asset, amount in body["balances"].items()}
        self._exchange.add_account(
            body["key"], body["secret"], balances, fee_mode=body.get("fee_mode", "base")
        )

    async def _sockets(self, body: Body) -> Body:
        """do: drop, mute or unmute."""
        if body["do"] == "drop":
            return {"dropped": await self._streams.drop()}
        self._streams.muted = body["do"] == "mute"
        return {"muted": self._streams.muted}


def _name(body: Body) -> str:
    return str(body["symbol"]).replace("/", "")


def fits(where: Body) -> When:
    """A predicate from a description: every given field must be so."""

    def predicate(request: Request) -> bool:
        known = {
            "method": request.method,
            "path": request.path,
            "key": request.key,
            "client_order_id": request.client_order_id,
            "symbol": request.params.get("symbol"),
            "side": request.params.get("side"),
            "type": request.params.get("type"),
        }
        prefix = where.get("prefix", "")
        return (request.client_order_id or "").startswith(prefix) and all(
            known[name] == value for name, value in where.items() if name != "prefix"
        )

    return predicate


def _wrong(sentence: str, status: int = 400) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
