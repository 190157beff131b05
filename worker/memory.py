"""After many accounts were opened: what was needed only to read them goes back to the system, and what stays
is left out of later collections, which would stop the worker for a good part of a second."""

from __future__ import annotations

import ctypes
import gc


def settle() -> None:
    """Takes up to a second with tens of thousands of orders in memory; nothing else runs meanwhile."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # Only glibc can be asked for this; elsewhere the memory is used again later.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
