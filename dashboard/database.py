"""The dashboard's one way to the database: one engine per process, whole units in short transactions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from db import transactions
from db.engine import make_engine
from db.handles import Engine, Session
from db.settings import DatabaseSettings

T = TypeVar("T")


@functools.cache
def engine() -> Engine:
    """Made once per process. Not `st.cache_resource`: the routes ask for it outside of any script."""
    return make_engine(DatabaseSettings().database_url)


def read(unit: Callable[[Session], T]) -> T:
    return transactions.run(engine(), unit, write=False)


def write(unit: Callable[[Session], T]) -> T:
    return transactions.run(engine(), unit, write=True)
