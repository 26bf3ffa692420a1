"""Source contract, checks, point-in-time indicators: everything below the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.catalogue.catalogue import CATALOGUE, lookup
    from features.check.folder import check_folder
    from features.engine.duckdb_engine import compute_indicators
    from features.engine.record.record import Record, extract_context, indicators_of
    from features.population.cohort import cohort, members_of
    from features.population.outcomes import read_outcomes
    from features.records.store import open_folder
    from features.scope import Scope
    from features.table.notebook import indicators
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "CATALOGUE": "features.catalogue.catalogue",
            "Record": "features.engine.record.record",
            "Scope": "features.scope",
            "check_folder": "features.check.folder",
            "cohort": "features.population.cohort",
            "compute_indicators": "features.engine.duckdb_engine",
            "extract_context": "features.engine.record.record",
            "indicators": "features.table.notebook",
            "indicators_of": "features.engine.record.record",
            "lookup": "features.catalogue.catalogue",
            "members_of": "features.population.cohort",
            "open_folder": "features.records.store",
            "read_outcomes": "features.population.outcomes",
        },
    )

__all__ = [
    "CATALOGUE",
    "Record",
    "Scope",
    "check_folder",
    "cohort",
    "compute_indicators",
    "extract_context",
    "indicators",
    "indicators_of",
    "lookup",
    "members_of",
    "open_folder",
    "read_outcomes",
]
