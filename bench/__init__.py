"""Programs that measure; the README states their figures."""
