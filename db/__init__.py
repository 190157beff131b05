"""The database: the only thing that the dashboard and the worker share."""
