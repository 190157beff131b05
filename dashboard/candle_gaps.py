"""Pure: which part of a history nobody has fetched yet, and what of it is worth asking for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.candle_requests import CandleRequest, RequestState

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
QUIET = 5 * MINUTE_MS
"""Up to this long a market may go without a trade, and the worker may be behind."""
OPEN = (RequestState.WANTED, RequestState.WORKING)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` until before `until`, in ms."""

    since: int
    until: int


def gaps(opened: Iterable[int], since: int, until: int) -> tuple[Span, ...]:
    """Stretches of `since` to `until` without one-minute candles. `opened`: rising."""
    known = list(opened)
    ends = [since, *(at + MINUTE_MS for at in known)]
    found = zip(ends, [*known, until], strict=True)
    return tuple(Span(end, start) for end, start in found if start - end > QUIET)


def to_ask(
    missing: Sequence[Span], until: int, last: CandleRequest | None, now_ms: int
) -> Span | None:
    """None when the last request covers all that is missing, even where it found nothing there.

    Whole hours, so that the same wish a minute later, or from another tab, is the same request.
    """
    if not missing or (last is not None and all(_covers(last, gap) for gap in missing)):
        return None
    first = missing[0].since
    return Span(first - first % HOUR_MS, max(until, now_ms) // HOUR_MS * HOUR_MS + HOUR_MS)


def fraction_done(request: CandleRequest, now_ms: int) -> float:
    reached = request.since if request.done_until is None else request.done_until
    whole = min(request.until, now_ms) - request.since
    return min(max((reached - request.since) / whole, 0.0), 1.0) if whole > 0 else 0.0


def _covers(request: CandleRequest, gap: Span) -> bool:
    reach = request.until
    if request.state is RequestState.DONE and request.done_until is not None:
        # What has passed since then was in the future when it was fetched.
        reach = min(reach, request.done_until + QUIET)
    return request.since <= gap.since and gap.until <= reach
