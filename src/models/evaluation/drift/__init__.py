"""Drift: scores, classes, indicators and calibration, month by month."""
