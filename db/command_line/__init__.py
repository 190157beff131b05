"""The commands of `python -m db`, one file for each kind."""
