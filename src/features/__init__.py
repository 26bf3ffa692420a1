"""Source contract, checks, point-in-time indicators: everything below the models."""

from features.catalogue import CATALOGUE, lookup
from features.engine.duckdb_engine import compute_indicators
from features.population.cohort import cohort, members_of
from features.population.outcomes import read_outcomes
from features.table.notebook import indicators

__all__ = ["CATALOGUE", "cohort", "compute_indicators", "indicators", "lookup", "members_of", "read_outcomes"]
