"""What a client that holds somebody's key may ask of an exchange; everything else raises before it is
signed. Withdrawals and transfers are on no adapter's list, whatever the key allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worker.errors import VenueError

Api = str | Sequence[str]
Allows = Callable[[Api, str, str], bool]
"""(api, method, path) as ccxt's `sign` receives them."""


class CallRefused(VenueError):
    """A call that the adapter does not allow: a fault of ours, or somebody else's code in our process."""


def check_call(allows: Allows, api: Api, method: str, path: str) -> None:
    """Raises `CallRefused` naming the call, which holds no parameter of it."""
    if not allows(api, method, path):
        name = api if isinstance(api, str) else "/".join(api)
        raise CallRefused(f"{method} {name} {path} is not allowed")
