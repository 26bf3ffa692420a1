"""The backtest: retrained at each of many earlier moments as production would, beside the rivals."""
