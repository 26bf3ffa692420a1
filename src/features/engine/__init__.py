"""Indicators computed: a run by DuckDB or Spark, and one enterprise's record through the same SQL."""
