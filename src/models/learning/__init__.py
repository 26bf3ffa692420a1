"""The learner: search, fit, arms, calibration, and the backtest over rolling origins."""
