"""Worlds between two months: the same enterprises' indicators as the reasons for a change come in, one by one.

The order of exchange is stated, for parts of a sum depend on it: time passes first (records age out of their windows,
years are counted), then records that were known already are corrected, then new records come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from features.engine.duckdb_engine import compute_indicators
from features.errors import ConfigError
from features.given import DayLike, PathLike, as_day
from features.records.store import open_folder
from features.scope import Scope, checked_scope


@dataclass(frozen=True)
class Between:
    """Indicators and evidence of the same enterprises in the same order, in four worlds.

    Parameters
    ----------
    last
        At the earlier cut-off, with what was known then.
    aged
        At the later cut-off, with what was known at the earlier one.
    corrected
        At the later cut-off, with what was known then of records that were known at the earlier one.
    now
        At the later cut-off, with all that was known then.
    """

    last: pd.DataFrame
    aged: pd.DataFrame
    corrected: pd.DataFrame
    now: pd.DataFrame


def between(
    clean: PathLike,
    enterprises: Sequence[str],
    before: DayLike,
    after: DayLike,
    scope: Scope,
    *,
    memory: str | None = None,
) -> Between:
    """Compute the four worlds of some enterprises.

    A month's tables are the same for everyone: ``last`` and ``now`` are the tables of both months, ``aged`` is
    `features.table.month.write_clean_table` at the later cut-off with ``Scope(known_as_of=before)``, ``corrected`` the
    same with ``records_before=before``.

    Parameters
    ----------
    clean
        Clean folder written by `features.check.check_folder`.
    enterprises
        Their ids.
    before, after
        The two cut-offs.
    scope
        Whose policies hold, and which indicators; its ``known_as_of`` must be left open.
    memory
        What DuckDB may hold.

    Raises
    ------
    ConfigError
        If the cut-offs are not in order, the scope names a day of knowledge, or a cut-off is after the day the records
        were taken.
    """
    first, second = as_day(before, "earlier cut-off"), as_day(after, "later cut-off")
    if first >= second:
        raise ConfigError(f"expected the earlier cut-off first, got {first} and {second}")
    if checked_scope(scope).known_as_of is not None:
        raise ConfigError("between two months each world has its own knowledge: leave the scope's known_as_of open")
    pairs = pd.DataFrame({"enterprise_id": list(enterprises)})
    then, later = (pairs.assign(cutoff=day) for day in (first, second))
    whole = open_folder(clean, memory=memory)
    try:
        last = compute_indicators(whole, then, scope)
        aged = compute_indicators(whole, later, replace(scope, known_as_of=first))
        now = compute_indicators(whole, later, scope)
    finally:
        whole.close()
    known = open_folder(clean, memory=memory, records_before=first)
    try:
        corrected = compute_indicators(known, later, scope)
    finally:
        known.close()
    return Between(last, aged, corrected, now)
