"""Where prices come from: the simulated market, a replayed file, or an exchange's public data."""
