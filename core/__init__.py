"""Pure rules, no I/O. Reading order: money, market, parameters, orders, cycle, engine, walker, backtest."""
