"""Shared by all benchmarks: grids, measures, processes."""
