"""The two types that callers have to name. Everything else of SQLAlchemy stays inside db."""

from sqlalchemy import Engine as Engine
from sqlalchemy.orm import Session as Session

__all__ = ["Engine", "Session"]
