"""Entry point for notebooks: one call from a source folder, a clean folder or an open store to a frame."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pandas as pd
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from features.catalogue.sectors import sector_or_none
from features.check import check_folder
from features.contract.manifest import read_manifest
from features.engine.duckdb_engine import evaluate
from features.engine.plan import plan
from features.errors import SourceError
from features.policies import features_policy
from features.population.cohort import cohort
from features.records.store import RecordStore, open_folder
from features.scope import Scope


def indicators(
    data: Path | str | RecordStore,
    cohort_or_as_of: pd.DataFrame | date | str,
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
        If the folder or the cohort can't be read, or the text is no date.

    Examples
    --------
    With ``clean`` a clean folder:

    >>> frame = indicators(clean, "2026-01", Scope("hebei", names=["complaints_3m"]), show_progress=False)
    >>> frame.index.names
    FrozenList(['enterprise_id', 'cutoff'])
    """
    asked = _day(cohort_or_as_of) if isinstance(cohort_or_as_of, str) else cohort_or_as_of
    last = max(pd.to_datetime(asked["cutoff"])).date() if isinstance(asked, pd.DataFrame) and len(asked) else asked
    province, known = scope.province, scope.known_as_of
    chosen = plan(scope.names, features=features_policy(province), sector=sector_or_none(province, scope.sector))
    steps = len(chosen.wanted) + 5
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=not show_progress, transient=True) as bar:
        task = bar.add_task("opening", total=steps)

        def step(name: str) -> None:
            bar.update(task, description=name, advance=1)

        until = last if isinstance(last, date) else date.max
        with _opened(data, max(until, known or until), step) as store:
            pairs = (
                asked
                if isinstance(asked, pd.DataFrame)
                else cohort(store, [asked], Scope(province, sector=scope.sector))
            )
            return evaluate(store, pairs, scope, progress=step)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError as err:
        raise SourceError(f"{text!r} is no cut-off; expected a date such as 2026-01-31, or a month 2026-01") from err


@contextmanager
def _opened(data: Path | str | RecordStore, until: date, step: Callable[[str], None]) -> Iterator[RecordStore]:
    """Open what was given; what was opened here is closed at the end."""
    if isinstance(data, RecordStore):
        yield data
        return
    folder = Path(data)
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; expected a source folder or the clean folder of `fenlei check`")
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        if not (folder.name == "clean" and (folder.parent / "report.json").is_file()):
            taken = max(until, read_manifest(folder).as_of or until)
            step("check")
            check_folder(folder, taken, Path(scratch))
            folder = Path(scratch) / "clean"
        store = open_folder(folder)
        try:
            yield store
        finally:
            store.close()
