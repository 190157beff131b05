"""Who asks, and may they: keys, signatures, times, rights."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.wire import Refusal, Request, missing

LONGEST_WINDOW = 60_000
DEFAULT_WINDOW = 5_000


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def owner(accounts: Mapping[str, ExchangeAccount], request: Request, now: int) -> ExchangeAccount:
    """The account whose key signed this request. Raises Refusal."""
    account = account_of(accounts, request.key, request.address, now)
    text, _, signature = request.text.rpartition("&signature=")
    if not hmac.compare_digest(sign(account.secret, text), signature):
        raise Refusal(-1022, "Signature for this request is not valid.")
    check_time(request.params, now)
    return account


def account_of(
    accounts: Mapping[str, ExchangeAccount], key: str | None, address: str, now: int
) -> ExchangeAccount:
    if not key:
        raise Refusal(-2014, "API-key format invalid.", 401)
    account = accounts.get(key)
    if account is None or not _may_enter(account, address, now):
        raise not_permitted(address)
    return account


def _may_enter(account: ExchangeAccount, address: str, now: int) -> bool:
    rights = account.rights
    if rights.revoked or not rights.can_read:
        return False
    if rights.expires_at is not None and now >= rights.expires_at:
        return False
    return rights.addresses is None or address in rights.addresses


def not_permitted(address: str | None = None) -> Refusal:
    seen = "" if address is None else f", request ip: {address}"
    return Refusal(-2015, f"Invalid API-key, IP, or permissions for action{seen}.", 401)


def check_time(params: Mapping[str, str], now: int) -> None:
    if not params.get("timestamp", "").isdecimal():
        raise missing("timestamp")
    stamp = int(params["timestamp"])
    window = params.get("recvWindow", str(DEFAULT_WINDOW))
    if not window.isdecimal() or not 0 < int(window) <= LONGEST_WINDOW:
        raise Refusal(-1131, "recvWindow must be less than 60000.")
    if stamp >= now + 1000:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - stamp > int(window):
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
