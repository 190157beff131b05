"""What a key of Gate may do."""

from __future__ import annotations

from worker.errors import VenueUnavailable
from worker.exchanges.adapter import Client, Permissions, Row
from worker.exchanges.adapters import asking

SHOWN = 6
"""So many characters of a key at least tell it from the others of the account."""


async def permissions(client: Client) -> Permissions:
    """They tell of one key or of all keys of the account, of which only the beginning is shown: what cannot
    be told to be ours says nothing about it."""
    answer = await client.privateAccountGetMainKeys()
    rows = (
        [answer] if isinstance(answer, dict) and answer else asking.rows_at({"all": answer}, "all")
    )
    mine = [row for row in rows if _is_of(client, row, is_alone=isinstance(answer, dict))]
    if not rows:
        raise VenueUnavailable("an answer without permissions")
    ips = asking.row_at(await client.privateAccountGetDetail()).get("ip_whitelist")
    if len(mine) != 1:
        return Permissions(None, None, None, None, readable=False)
    rights = asking.rows_at(mine[0], "perms")
    writes = {str(right.get("name")) for right in rights if right.get("read_only") is not True}
    return Permissions(
        can_trade="spot" in writes,
        can_withdraw=bool(writes & {"withdrawal", "withdraw"}),
        can_transfer="wallet" in writes,
        addresses=tuple(str(ip) for ip in ips) if isinstance(ips, list) else None,
    )


def _is_of(client: Client, row: Row, *, is_alone: bool) -> bool:
    shown = row.get("key")
    if not isinstance(shown, str):
        return is_alone
    start = shown.rstrip("*")
    return len(start) >= SHOWN and str(client.apiKey).startswith(start)
