"""The places where orders go: one small protocol, one module per kind."""
