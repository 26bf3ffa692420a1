"""Source contract, checks, point-in-time indicators: everything below the models."""

from features.catalogue import CATALOGUE, lookup
from features.cohort import cohort, members_of
from features.engine import compute_indicators
from features.notebook import indicators
from features.outcomes import read_outcomes

__all__ = ["CATALOGUE", "cohort", "compute_indicators", "indicators", "lookup", "members_of", "read_outcomes"]
