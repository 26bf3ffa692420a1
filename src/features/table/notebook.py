"""Entry point for notebooks: one call from a source folder, a clean folder or an open store to a frame."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pandas as pd
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from features.check import check_folder, check_required
from features.contract.manifest import read_manifest
from features.engine.duckdb_engine import evaluate
from features.engine.plan import plan_of
from features.errors import SourceError
from features.frames import as_pairs
from features.given import DayLike, PathLike, as_day, as_path
from features.population.cohort import cohort
from features.records.moments import check_day
from features.records.store import RecordStore, open_folder
from features.scope import Scope, checked_scope


def indicators(
    data: PathLike | RecordStore,
    cohort_or_as_of: pd.DataFrame | DayLike,
    scope: Scope,
    *,
    show_progress: bool = True,
) -> pd.DataFrame:
    """Compute indicators for a notebook.

    Parameters
    ----------
    data
        Source folder of the contract (it is checked first, in a scratch folder; rows that break the contract are
        left out), clean folder of ``fenlei check``, or an open `features.records.store.RecordStore`.
    cohort_or_as_of
        Frame with ``enterprise_id`` and ``cutoff``, or one cut-off for every enterprise of the cohort then: a date,
        ``"2026-01-31"``, or ``"2026-01"`` for its first day.
    scope
        As in `features.compute_indicators`; where one cut-off is given, a sector's enterprises alone are taken.
    show_progress
        Show a bar on standard error.

    Returns
    -------
    pandas.DataFrame
        As `features.compute_indicators`: index (enterprise_id, cutoff), indicators and evidence.

    Raises
    ------
    SourceError
        If the folder or the cohort can't be read, the register has no usable row, nobody belongs to the cohort, or the
        text is no date.
    ConfigError
        If a cut-off is after the day the records were taken, or a cohort's before they begin.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> frame = indicators(clean, "2026-01", Scope("hebei", names=["complaints_3m"]), show_progress=False)
    >>> frame.index.names
    FrozenList(['enterprise_id', 'cutoff'])
    """
    province, known = checked_scope(scope).province, scope.known_as_of
    asked: pd.DataFrame | None = None
    last: date | None
    if isinstance(cohort_or_as_of, date | str):
        last = _day(cohort_or_as_of)
    else:
        asked = as_pairs(cohort_or_as_of, "the cohort")
        last = max((pd.Timestamp(day).date() for day in asked["cutoff"]), default=None)
    chosen = plan_of(scope)
    steps = len(chosen.wanted) + 5
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=not show_progress, transient=True) as bar:
        task = bar.add_task("opening", total=steps)

        def step(name: str) -> None:
            bar.update(task, description=name, advance=1)

        with open_source(data, last, known, step) as store:
            if asked is None and last is not None:
                asked = cohort(store, [last], Scope(province, sector=scope.sector))
                if asked.empty:
                    raise SourceError(f"no enterprise belongs to the cohort of {province} at {last}")
            assert asked is not None  # a day was given, or a frame
            return evaluate(store, asked, scope, progress=step)


def _day(given: DayLike) -> date:
    return as_day(
        f"{given}-01" if isinstance(given, str) and len(given) == 7 else given, "cut-off (a month is 2026-01)"
    )


@contextmanager
def open_source(
    data: PathLike | RecordStore, last: date | None, known: date | None, step: Callable[[str], None]
) -> Iterator[RecordStore]:
    """Open a source folder (it is checked first), a clean folder or an open store, for cut-offs up to ``last``.

    ``step`` is told of what is done; what was opened here is closed at the end.

    Raises
    ------
    SourceError
        If there is no such folder, or its register has no usable row.
    ConfigError
        If a day is after that of the records, or before they begin.
    """
    if isinstance(data, RecordStore):
        yield data
        return
    folder = as_path(data, "data")
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; expected a source folder or the clean folder of `fenlei check`")
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        if not (folder.name == "clean" and (folder.parent / "report.json").is_file()):
            as_of = read_manifest(folder).as_of
            for what, day in (("cut-off", last), ("known-as-of", known)):
                if day is not None:
                    check_day(what, day, as_of, folder)
            step("check")
            asked = max((day for day in (last, known) if day is not None), default=date.max)
            report = check_folder(folder, as_of or asked, Path(scratch))
            check_required(report, folder)
            folder = Path(scratch) / "clean"
        store = open_folder(folder)
        try:
            yield store
        finally:
            store.close()
