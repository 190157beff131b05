"""Every test of `db` may have a migrated database: `engine` (both), `sqlite_engine`, `mariadb_engine`."""

from tests.migrated import *  # noqa: F403
