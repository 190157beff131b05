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
    LiveExchange(
        id="bybit",
        name="Bybit",
        key_help="On bybit.com under Account, API: create a system-generated key of a unified trading account"
        " with Read-Write and, under Unified Trading, Spot trading; nothing under Assets or Wallet.",
        address_help="There choose Only IPs with permissions and enter the address shown here. Without it the"
        " key ends by itself after three months.",
        needs_password=False,
        can_read_permissions=True,
    ),
    LiveExchange(
        id="okx",
        name="OKX",
        key_help="On okx.com under Profile, API: create a key for API trading with the permissions Read and"
        " Trade, without Withdraw. The passphrase that you choose there is needed here as well.",
        address_help="There enter the address shown here under IP address. Without it the key ends by itself"
        " after fourteen days without use.",
        needs_password=True,
        can_read_permissions=True,
    ),
    LiveExchange(
        id="kraken",
        name="Kraken",
        key_help="On kraken.com under Settings, API: create a key with Query Funds, Query Open Orders &"
        " Trades, Query Closed Orders & Trades, Create & Modify Orders and Cancel & Close Orders,"
        " and nothing else. Use it in no other program: its requests are numbered.",
        address_help="There switch on IP address restriction and enter the address shown here.",
        needs_password=False,
        can_read_permissions=True,
    ),
    LiveExchange(
        id="kucoin",
        name="KuCoin",
        key_help="On kucoin.com under API Management: create a key with the rights General and"
        " Spot Trading, without Transfer and Withdrawal. Coins must be in the trading account. The"
        " passphrase that you choose there is needed here as well.",
        address_help="There choose Yes under IP restriction and enter the address shown here.",
        needs_password=True,
        can_read_permissions=True,
    ),
    LiveExchange(
        id="gate",
        name="Gate",
        key_help="On gate.com under API Management: create an API v4 key of a classic (not unified)"
        " account with Spot Trade, read and write, and Account read-only; no Wallet and no Withdraw.",
        address_help="There enter the address shown here under IP whitelist. Without it the key ends by"
        " itself after 90 days.",
        needs_password=False,
        can_read_permissions=True,
    ),
    LiveExchange(
        id="bitget",
        name="Bitget",
        key_help="On bitget.com under API keys: create a system-generated key of a classic (not unified)"
        " account with Read-write and Spot trade; no Transfer and no Withdraw. The passphrase that you"
        " choose there is needed here as well.",
        address_help="There enter the address shown here under Bind IP address.",
        needs_password=True,
        can_read_permissions=False,
    ),
)

LIVE_EXCHANGES: dict[str, LiveExchange] = {exchange.id: exchange for exchange in _ALL}
