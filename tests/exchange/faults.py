"""Faults on command: armed by their id of the catalogue, fired by the next request that fits.

exchange.faults.arm("E1")                                   the next create's answer is lost
exchange.faults.arm("E3", 5, how="-1007", accepted=False)   five creates, none of them placed
exchange.faults.arm("E8", when=lambda request: request.client_order_id == "...", fraction="0.4")
exchange.faults.act("E26", account, fraction="0.3")         at once, without waiting for a request
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from tests.exchange import fault_acts as acts
from tests.exchange import fault_answers as answers
from tests.exchange import fault_orders as orders
from tests.exchange.accounts import Books, VenueOrder
from tests.exchange.fault_plan import random_options
from tests.exchange.wire import Outcome, Refusal, Reply, Request, When

if TYPE_CHECKING:
    from tests.exchange.by_hand import ExchangeAccount
    from tests.exchange.exchange import Exchange

Row = dict[str, Any]

ACTS: dict[str, Callable[..., bool]] = {
    "E10": acts.purge,
    "E13": acts.skew,
    "E14": acts.ban,
    "E15": acts.maintenance,
    "E16": acts.halt,
    "E17": acts.change_rules,
    "E21": acts.gap,
    "E22": acts.gap,
    "E25": acts.cancel_by_hand,
    "E26": acts.take_coins,
    "E27": acts.bring_coins,
    "E28": acts.foreign_bot,
    "E31": acts.spoil_key,
    "E32": acts.change_rights,
    "E33": acts.drain,
    "E36": acts.take_back,
}
POINTS: dict[str, dict[str, Callable[..., Any]]] = {
    "transit": {"E2": answers.late_request},
    "before": {
        "E2": answers.lost_request,
        "E3": answers.unknown_before,
        "E14": answers.firewall,
        "E15": answers.overloaded,
        "error": answers.error,
    },
    "after": {
        "E1": answers.lost_answer,
        "E3": answers.unknown_after,
        "E4": answers.duplicate,
        "E5": answers.told_twice,
    },
    "rows": {"E5": answers.doubled_rows, "E19": answers.strange_fees},
    "page": {"E37": answers.small_pages},
    "prices": {"E23": answers.bad_tick, "E24": answers.absurd_ticker},
    "accepted": {"E11": orders.index_lag, "E35": orders.ends_at_once},
    "answered": {
        "E7": orders.partly_then_cancelled,
        "E20": orders.dust,
        "E30": orders.near_trade,
    },
    "cancelling": {"E8": orders.fill_during_cancel, "E9": orders.unknown_order},
    "lag": {"E6": orders.trade_lag},
    "splits": {"E18": orders.fee_taken_in, "E19": orders.several_fees},
    "executed": {"E34": orders.overfill},
}
FAULTS = tuple(sorted({*ACTS, *(name for point in POINTS.values() for name in point)} - {"error"}))
CREATES_ONLY = ("E1", "E2", "E3", "E4")


@dataclass(slots=True, eq=False)
class Armed:
    fault: str
    times: int
    when: When | None
    how: dict[str, Any]

    def fits(self, request: Request) -> bool:
        if self.when is not None:
            return self.when(request)
        return request.is_create if self.fault in CREATES_ONLY else True


@dataclass(frozen=True, slots=True)
class Fired:
    at: int
    fault: str
    how: dict[str, Any]
    key: str | None
    client_order_id: str | None


@dataclass
class Faults:
    """`fired` counts by id, `log` says when and where; `on_fire` is told of each as it happens."""

    exchange: Exchange
    seed: int = 0
    armed: list[Armed] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    log: list[Fired] = field(default_factory=list)
    on_fire: Callable[[Fired], None] | None = None

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def arm(self, fault: str, times: int = 1, when: When | None = None, **how: Any) -> Armed:
        """The next `times` requests (orders, executions) that fit. Without `when`: E1 to E4 creates only,
        acts any signed request. `when` is asked about a create request where only the order is known."""
        if fault not in FAULTS and fault != "error":
            raise ValueError(f"the test exchange has no fault {fault}")
        one = Armed(fault, times, when, how)
        self.armed.append(one)
        return one

    def draw(self, random: Random, only: tuple[str, ...] = FAULTS, when: When | None = None) -> str:
        """Arms a random fault with random options; its id. The same seed draws the same."""
        fault = random.choice(only)
        self.arm(fault, 1, when, **random_options(fault, random))
        return fault

    def act(self, fault: str, account: ExchangeAccount, **how: Any) -> bool:
        """One of ACTS now. False: there was nothing to do it to."""
        request = Request("ACT", "", "", {}, "", account.key, how.pop("address", "127.0.0.1"))
        if not ACTS[fault](self.exchange, how, account, request):
            return False
        self._fire(Armed(fault, 1, None, how), request)
        return True

    def disarm(self) -> None:
        self.armed.clear()

    def heal(self) -> None:
        """Nothing is armed any more, and what lasts is undone."""
        self.disarm()
        acts.heal(self.exchange)

    def _fire(self, armed: Armed, request: Request) -> None:
        armed.times -= 1
        if armed.times <= 0 and armed in self.armed:
            self.armed.remove(armed)
        self.fired[armed.fault] += 1
        one = Fired(
            self.exchange.now(), armed.fault, armed.how, request.key, request.client_order_id
        )
        self.log.append(one)
        if self.on_fire is not None:
            self.on_fire(one)

    def _try(self, point: str, request: Request, *known: Any) -> Any:
        """What the first armed fault that applies at this point makes of it; None: none applies."""
        for armed in list(self.armed):
            spoil = POINTS[point].get(armed.fault)
            if spoil is None or not armed.fits(request):
                continue
            result = spoil(self.exchange, armed.how, *known)
            if result is not None:
                self._fire(armed, request)
                return result
        return None

    # --- requests and answers ------------------------------------------------------------------------------

    def transit(self, request: Request) -> int:
        return self._try("transit", request, request) or 0

    def before(self, request: Request) -> Outcome | None:
        account = self.exchange.accounts.get(request.key or "")
        for armed in list(self.armed):
            act = ACTS.get(armed.fault)
            if act is None or account is None or not armed.fits(request):
                continue
            if act(self.exchange, armed.how, account, request):
                self._fire(armed, request)
        outcome: Outcome | None = self._try("before", request, request)
        return outcome

    def after(self, request: Request, reply: Reply) -> Outcome:
        if not self.armed:
            return reply
        outcome: Outcome = self._try("after", request, request, reply) or reply
        account = self.exchange.accounts.get(request.key or "")
        if request.is_create and reply.status == 200 and account is not None:
            order = account.by_id[reply.body()["orderId"]]
            self._try("answered", request, account, order)
        return outcome

    def rows(self, request: Request, rows: list[Row]) -> list[Row]:
        spoilt: list[Row] | None = self._try("rows", request, request, rows)
        return rows if spoilt is None else spoilt

    def page(self, request: Request, limit: int) -> int:
        return self._try("page", request, request, limit) or limit

    def prices(self, request: Request, rows: list[Row]) -> list[Row]:
        spoilt: list[Row] | None = self._try("prices", request, request, rows)
        return rows if spoilt is None else spoilt

    # --- the engine ----------------------------------------------------------------------------------------

    def accepted(self, account: ExchangeAccount, order: VenueOrder) -> None:
        self._try("accepted", about(account, order), account, order)

    def cancelling(self, request: Request, account: ExchangeAccount, order: VenueOrder) -> None:
        """Raises Refusal when the cancel is to be refused."""
        result = self._try("cancelling", request, account, order)
        if isinstance(result, Refusal):
            raise result

    def trade_lag(self, account: Books, order: VenueOrder) -> int:
        if not self.armed:
            return 0
        return self._try("lag", about(account, order), account, order) or 0

    def splits(
        self, account: Books, order: VenueOrder, quantity: Decimal
    ) -> list[tuple[Decimal, str]]:
        if not self.armed:
            return [(quantity, account.fees.mode)]
        parts: list[tuple[Decimal, str]] | None = self._try(
            "splits", about(account, order), account, order, quantity
        )
        return parts or [(quantity, account.fees.mode)]

    def executed(self, account: Books, order: VenueOrder, quantity: Decimal) -> Decimal:
        if not self.armed:
            return quantity
        return self._try("executed", about(account, order), account, order, quantity) or quantity


def about(account: Books, order: VenueOrder) -> Request:
    """The create request of an order, as far as it can be told from the order."""
    params = {
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "newClientOrderId": order.client_order_id,
    }
    return Request("POST", "api.binance.com", "/api/v3/order", params, "", account.key)
