"""A migrated database where a test asks for one."""

from tests.migrated import *  # noqa: F403
