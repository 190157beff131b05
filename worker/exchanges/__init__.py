"""Everything that knows ccxt: one adapter per exchange, and the clients that share what can be shared."""
