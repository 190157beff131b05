"""The exchanges on which real orders are possible, as the form shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveExchange:
    """`id`: ccxt's. `key_help`: where to make a key and which rights to give. `address_help`: how to bind
    it to the worker's address. `needs_password`: the key has a passphrase as well.
    `can_read_permissions`: the exchange tells what a key may do."""

    id: str
    name: str
    key_help: str
    address_help: str
    needs_password: bool
    can_read_permissions: bool


_ALL = (
    LiveExchange(
        id="binance",
        name="Binance",
        key_help="On binance.com under Account, API Management: create a system-generated key, tick Enable"
        " Reading and Enable Spot & Margin Trading, and nothing else: no withdrawals, no transfers.",
        address_help="There choose Restrict access to trusted IPs only and enter the address shown here.",
        needs_password=False,
        can_read_permissions=True,
    ),
)

LIVE_EXCHANGES: dict[str, LiveExchange] = {exchange.id: exchange for exchange in _ALL}
