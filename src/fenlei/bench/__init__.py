"""Benchmarks: measured, never asserted. ``fenlei bench VERB`` prints a table; nothing here is imported elsewhere."""
