"""Engines that compute indicators: a run by DuckDB or Spark, and one enterprise's record through the same SQL."""
