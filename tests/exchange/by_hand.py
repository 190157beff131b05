"""What a person, or another program, does to an account behind the worker's back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.exchange.accounts import ZERO, Books, VenueOrder, VenueTrade
from tests.exchange.events import balance_update, execution_report, stream_terminated
from tests.exchange.matching import Matching, Wanted
from tests.exchange.wire import cut


@dataclass(eq=False)
class ExchangeAccount(Books):
    """An account with the acts that do not come through the API of its key."""

    engine: Matching = None  # type: ignore[assignment]
    made_by_hand: int = 0

    def cancel_by_hand(self, order: VenueOrder | str) -> VenueOrder | None:
        """Cancels one open order, given itself or its client order id. None: it is not open."""
        if isinstance(order, str):
            found = [one for one in self.of(order) if one.is_open]
            if not found:
                return None
            order = found[-1]
        if not order.is_open:
            return None
        self.engine.end(self, order, "CANCELED", by="hand", cancel_id=self._hand_id("web"))
        return order

    def trade_by_hand(self, symbol: str, side: str, quantity: Decimal) -> VenueOrder:
        """A market order of the person. Raises Refusal."""
        return self._order_by_hand(symbol, side, "MARKET", quantity, ZERO, "web")

    def rest_by_hand(
        self, symbol: str, side: str, quantity: Decimal, price: Decimal, maker: str = "bot"
    ) -> VenueOrder:
        """A limit order of another program (or of the person: maker="web"). Raises Refusal."""
        return self._order_by_hand(symbol, side, "LIMIT", quantity, price, maker)

    def _order_by_hand(
        self, symbol: str, side: str, kind: str, quantity: Decimal, price: Decimal, maker: str
    ) -> VenueOrder:
        wanted = Wanted(
            symbol, side, kind, "GTC", price, quantity, ZERO, self._hand_id(maker), "hand"
        )
        return self.engine.place(self, wanted)

    def _hand_id(self, maker: str) -> str:
        self.made_by_hand += 1
        return f"{maker}_{self.made_by_hand:08d}"

    def deposit(self, asset: str, amount: Decimal) -> None:
        self.balance(asset).free += amount
        self.tell(balance_update(asset, amount, self.engine.clock()))

    def withdraw(self, asset: str, amount: Decimal | None = None) -> Decimal:
        """At most what is free; None: all of it. What was taken."""
        free = self.balance(asset).free
        taken = free if amount is None else min(cut(amount), free)
        self.balance(asset).free -= taken
        if taken:
            self.tell(balance_update(asset, -taken, self.engine.clock()))
        return taken

    def sell_by_hand(self, symbol: str, fraction: Decimal = Decimal(1)) -> VenueOrder | None:
        """Sells that part of the base coins; resting sells of the symbol are cancelled first. None: not
        possible now. Raises Refusal."""
        rules = self.engine.symbols[symbol]
        if not rules.is_open or rules.bid is None:
            return None
        for order in list(self.open.values()):
            if order.symbol == symbol and not order.is_buy:
                self.cancel_by_hand(order)
        quantity = cut(self.balance(rules.base).free * fraction)
        quantity -= quantity % rules.rules.lot
        if quantity < rules.rules.min_quantity or quantity * rules.last < rules.rules.min_notional:
            return None
        return self.trade_by_hand(symbol, "SELL", quantity)

    def fill(self, order: VenueOrder | str, quantity: Decimal | None = None) -> VenueOrder | None:
        """Somebody trades against a resting order, at its own price: all of it or `quantity`."""
        if isinstance(order, str):
            found = [one for one in self.of(order) if one.is_open]
            if not found:
                return None
            order = found[-1]
        amount = order.left if quantity is None else min(quantity, order.left)
        self.engine.execute(self, order, amount, order.price, is_maker=True)
        return order

    def expire(self, order: VenueOrder, status: str = "EXPIRED") -> None:
        """The venue ends an order: EXPIRED, EXPIRED_IN_MATCH, REJECTED or CANCELED."""
        if order.is_open:
            self.engine.end(self, order, status)

    def purge(self, order: VenueOrder, archived: bool = False) -> None:
        """Queries never find this order again; a resting one is taken off the book first."""
        self.expire(order, "CANCELED")
        order.purged = True
        order.archived = archived and not order.filled

    def roll_back(self, trade: VenueTrade) -> bool:
        """The venue takes a trade back. False: the coins are gone, so it cannot."""
        order = self.by_id[trade.order_id]
        symbol = self.engine.symbols[trade.symbol]
        back = {symbol.base: ZERO, symbol.quote: ZERO}
        sign = 1 if trade.is_buyer else -1
        back[symbol.base] -= sign * trade.quantity
        back[symbol.quote] += sign * trade.quote_quantity
        back[trade.commission_asset] = back.get(trade.commission_asset, ZERO) + trade.commission
        if any(self.balance(asset).free + change < 0 for asset, change in back.items()):
            return False
        for asset, change in back.items():
            self.balance(asset).free += change
        self.unbook(trade)
        order.filled -= trade.quantity
        order.quote_filled -= trade.quote_quantity
        if order.is_open:
            self.engine.end(self, order, "EXPIRED")
        order.status = "EXPIRED"
        order.updated = self.engine.clock()
        self.tell(execution_report(order, "EXPIRED", order.updated))
        return True

    def revoke_key(self) -> None:
        self.rights.revoked = True
        self.tell(stream_terminated(self.engine.clock()))
