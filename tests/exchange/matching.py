"""Orders meet prices: acceptance, fills, fees, ends. Exact decimals, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Protocol

from tests.exchange.accounts import OPEN, ZERO, Books, VenueOrder, VenueTrade
from tests.exchange.events import account_position, execution_report
from tests.exchange.symbols import Symbol
from tests.exchange.wire import EIGHT, Refusal, cut


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new order as asked for. `price` is 0 for market orders, one of the quantities may be 0."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    client_order_id: str
    made_by: str = "api"


class Hooks(Protocol):
    """Where faults interfere with the engine."""

    def splits(
        self, account: Books, order: VenueOrder, quantity: Decimal
    ) -> list[tuple[Decimal, str]]:
        """One execution as one or several trades: quantity and how its fee is taken."""

    def trade_lag(self, account: Books, order: VenueOrder) -> int:
        """For how many ms queries do not find the trade."""

    def executed(self, account: Books, order: VenueOrder, quantity: Decimal) -> Decimal:
        """How much is executed where `quantity` should be."""


class Matching:
    """`clock`: ms since the epoch. `bnb_price`: BNB in quote, for fees, where BNB is not listed."""

    def __init__(self, clock: Callable[[], int], hooks: Hooks) -> None:
        self.clock = clock
        self.hooks = hooks
        self.symbols: dict[str, Symbol] = {}
        self.resting: dict[str, dict[int, tuple[Books, VenueOrder]]] = {}
        self.bnb_price = Decimal(600)
        self.next_order_id = 1001

    # --- new orders ----------------------------------------------------------------------------------------

    def place(self, account: Books, wanted: Wanted) -> VenueOrder:
        """Raises Refusal; then nothing has changed."""
        symbol = self._symbol_for(account, wanted)
        at_market = wanted.type == "MARKET"
        quantity = self._quantity(symbol, wanted)
        self._check(account, symbol, wanted, quantity)
        asset, locked = self._needs(account, symbol, wanted, quantity)
        account.lock(asset, locked)
        now = self.clock()
        order = VenueOrder(
            order_id=self.next_order_id,
            client_order_id=wanted.client_order_id,
            symbol=symbol.name,
            side=wanted.side,
            type=wanted.type,
            time_in_force=wanted.time_in_force,
            price=wanted.price,
            quantity=quantity,
            quote_quantity=wanted.quote_quantity,
            time=now,
            updated=now,
            locked=locked,
            locked_asset=asset,
            made_by=wanted.made_by,
        )
        self.next_order_id += 1
        account.add(order)
        self.resting.setdefault(symbol.name, {})[order.order_id] = (account, order)
        account.tell(execution_report(order, "NEW", now))
        self._tell_balances(account, symbol)
        self._take(account, symbol, order, at_market)
        return order

    def _symbol_for(self, account: Books, wanted: Wanted) -> Symbol:
        symbol = self.symbols.get(wanted.symbol)
        if symbol is None or not symbol.listed:
            raise Refusal(-1121, "Invalid symbol.")
        if not symbol.is_open:
            raise Refusal(-1013, "Market is closed.")
        taken = account.of(wanted.client_order_id)
        if any(one.is_open and one.symbol == symbol.name for one in taken):
            raise Refusal(-2010, "Duplicate order sent.")
        return symbol

    def _quantity(self, symbol: Symbol, wanted: Wanted) -> Decimal:
        if wanted.quantity or not wanted.quote_quantity:
            return wanted.quantity
        price = symbol.ask if wanted.side == "BUY" else symbol.bid
        if price is None:
            price = symbol.last
        lots = (wanted.quote_quantity / price / symbol.rules.lot).to_integral_value(ROUND_DOWN)
        return lots * symbol.rules.lot

    def _check(self, account: Books, symbol: Symbol, wanted: Wanted, quantity: Decimal) -> None:
        rules = symbol.rules
        at_market = wanted.type == "MARKET"
        if not at_market:
            rules.check_price(wanted.price, wanted.side == "BUY", symbol.last)
        rules.check_quantity(quantity, at_market)
        rules.check_notional((symbol.last if at_market else wanted.price) * quantity, at_market)
        mine = sum(1 for one in account.open.values() if one.symbol == symbol.name)
        if not at_market and mine >= rules.max_orders:
            raise Refusal(-1013, "Filter failure: MAX_NUM_ORDERS")
        if wanted.type == "LIMIT_MAKER" and _crosses(symbol, wanted.side == "BUY", wanted.price):
            raise Refusal(-2010, "Order would immediately match and take.")

    def _needs(
        self, account: Books, symbol: Symbol, wanted: Wanted, quantity: Decimal
    ) -> tuple[str, Decimal]:
        if wanted.side == "SELL":
            return symbol.base, quantity
        price = wanted.price if wanted.type != "MARKET" else symbol.ask or symbol.last
        return symbol.quote, _cost(account, price * quantity)

    def _take(self, account: Books, symbol: Symbol, order: VenueOrder, at_market: bool) -> None:
        """What crosses the book is executed at once; what may not rest ends."""
        price = symbol.ask if order.is_buy else symbol.bid
        there = price is not None and (at_market or _crosses(symbol, order.is_buy, order.price))
        possible = order.quantity if symbol.liquidity is None else symbol.liquidity
        if order.time_in_force == "FOK" and not (there and possible >= order.quantity):
            self.end(account, order, "EXPIRED")
            return
        if there and price is not None and possible > 0:
            self.execute(account, order, min(order.left, possible), price, is_maker=False)
        if order.is_open and (at_market or order.time_in_force in ("IOC", "FOK")):
            self.end(account, order, "EXPIRED")

    # --- executions ----------------------------------------------------------------------------------------

    def reach(self, symbol: Symbol, at_most: Decimal | None = None) -> None:
        """Executes what the prices of now reach, best price first, at each order's own price."""
        if not symbol.is_open:
            return
        bid, ask = symbol.bid, symbol.ask
        reached = [
            (account, order)
            for account, order in self.resting.get(symbol.name, {}).values()
            if (
                ask is not None and order.price >= ask
                if order.side == "BUY"
                else bid is not None and order.price <= bid
            )
        ]
        reached.sort(
            key=lambda pair: (
                -pair[1].price if pair[1].is_buy else pair[1].price,
                pair[1].order_id,
            )
        )
        for account, order in reached:
            left = order.left if at_most is None else min(order.left, at_most)
            self.execute(account, order, left, order.price, is_maker=True)

    def execute(
        self,
        account: Books,
        order: VenueOrder,
        quantity: Decimal,
        price: Decimal,
        *,
        is_maker: bool,
    ) -> None:
        """Executes `quantity` of an open order. Faults may split it, or execute more."""
        if quantity <= 0 or order.status not in OPEN:
            return
        quantity = self.hooks.executed(account, order, quantity)
        for part, mode in self.hooks.splits(account, order, quantity):
            self._trade(account, order, part, price, mode, is_maker)
        symbol = self.symbols[order.symbol]
        if not order.is_open:
            self._rest_no_more(account, order)
        self._release(account, symbol, order)
        self._tell_balances(account, symbol)

    def _trade(
        self,
        account: Books,
        order: VenueOrder,
        quantity: Decimal,
        price: Decimal,
        mode: str,
        is_maker: bool,
    ) -> None:
        symbol = self.symbols[order.symbol]
        now = self.clock()
        notional = cut(quantity * price)
        asset, fee = self._fee(account, symbol, order, quantity, notional, mode, is_maker)
        pays, gets = (notional, quantity) if order.is_buy else (quantity, notional)
        self._pay(account, order, pays)
        account.balance(symbol.base if order.is_buy else symbol.quote).free += gets
        if asset == order.locked_asset:
            self._pay(account, order, fee)
        else:
            account.balance(asset).free -= fee
        trade = VenueTrade(
            trade_id=symbol.next_trade_id,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            symbol=symbol.name,
            price=price,
            quantity=quantity,
            quote_quantity=notional,
            commission=fee,
            commission_asset=asset,
            time=now,
            is_buyer=order.is_buy,
            is_maker=is_maker,
            visible_at=now + self.hooks.trade_lag(account, order),
        )
        symbol.next_trade_id += 1
        account.book(trade)
        order.filled += quantity
        order.quote_filled += notional
        order.updated = now
        order.status = "FILLED" if order.filled >= order.quantity else "PARTIALLY_FILLED"
        if trade.visible_at == now:
            account.tell(execution_report(order, "TRADE", now, trade))

    def _fee(
        self,
        account: Books,
        symbol: Symbol,
        order: VenueOrder,
        quantity: Decimal,
        notional: Decimal,
        mode: str,
        is_maker: bool,
    ) -> tuple[str, Decimal]:
        rate = account.fees.maker if is_maker else account.fees.taker
        if mode == "bnb":
            listed = self.symbols.get(f"BNB{symbol.quote}")
            fee = cut(notional * rate / (listed.last if listed else self.bnb_price))
            if account.balance("BNB").free >= fee:
                return "BNB", fee
        fee = cut(notional * rate)
        there = account.balance(symbol.quote).free + order.locked >= notional + fee
        if order.is_buy and (mode != "quote" or not there):
            return symbol.base, cut(quantity * rate)
        return symbol.quote, fee

    def _pay(self, account: Books, order: VenueOrder, amount: Decimal) -> None:
        """From what the order has locked, and from the free balance what goes beyond that."""
        balance = account.balance(order.locked_asset)
        locked = min(amount, order.locked)
        order.locked -= locked
        balance.locked -= locked
        balance.free -= amount - locked

    def _release(self, account: Books, symbol: Symbol, order: VenueOrder) -> None:
        """What is locked beyond what the rest of the order needs is free again."""
        needed = ZERO
        if order.is_open:
            needed = _cost(account, order.price * order.left) if order.is_buy else order.left
        if order.locked > needed:
            account.unlock(order.locked_asset, order.locked - needed)
            order.locked = needed

    # --- ends ----------------------------------------------------------------------------------------------

    def end(
        self,
        account: Books,
        order: VenueOrder,
        status: str,
        *,
        by: str = "venue",
        cancel_id: str | None = None,
    ) -> None:
        """CANCELED, EXPIRED, EXPIRED_IN_MATCH or REJECTED; its fills stay."""
        order.status = status
        order.updated = self.clock()
        order.ended_by = by
        self._rest_no_more(account, order)
        symbol = self.symbols[order.symbol]
        self._release(account, symbol, order)
        kind = "TRADE_PREVENTION" if status == "EXPIRED_IN_MATCH" else status
        account.tell(execution_report(order, kind, order.updated, cancel_id=cancel_id))
        self._tell_balances(account, symbol)

    def _rest_no_more(self, account: Books, order: VenueOrder) -> None:
        account.open.pop(order.order_id, None)
        self.resting.get(order.symbol, {}).pop(order.order_id, None)

    def _tell_balances(self, account: Books, symbol: Symbol) -> None:
        assets = [symbol.base, symbol.quote]
        if account.fees.mode == "bnb" and "BNB" not in assets:
            assets.append("BNB")
        account.tell(account_position(account, assets, self.clock()))


def _crosses(symbol: Symbol, is_buy: bool, price: Decimal) -> bool:
    if is_buy:
        return symbol.ask is not None and price >= symbol.ask
    return symbol.bid is not None and price <= symbol.bid


def _cost(account: Books, notional: Decimal) -> Decimal:
    """What a buy locks; with fees in quote its fee as well."""
    if account.fees.mode == "quote":
        notional *= 1 + max(account.fees.maker, account.fees.taker)
    return notional.quantize(EIGHT, ROUND_UP)
