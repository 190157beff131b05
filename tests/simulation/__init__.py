"""The real worker on a virtual clock: seeded faults, crash points, invariants V1-V20. See `__main__`."""
