"""Exchange keys in the worker: opened, checked, tried, sealed anew. Nothing here ever shows one."""
