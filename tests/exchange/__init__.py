"""A test exchange: Binance spot's wire format, its rules, and faults on command.

`exchange.py` is the engine: no input or output, no wall clock. `server.py` puts it behind real sockets,
`loopback.py` behind a session for simulations. Nothing here is used by the program itself.
"""
