"""Runs side by side, exactly as MLflow has them."""

from __future__ import annotations

import pandas as pd
from rich.table import Table

from features.errors import FenleiError
from models import tracking
from models.metrics import METRICS


class RunNotFound(FenleiError):
    """A run named by the user does not exist."""


def runs(run_ids: list[str] | None = None, *, limit: int = 20) -> pd.DataFrame:
    """Training runs with their metrics under MLflow's names.

    Parameters
    ----------
    run_ids
        Runs (or beginnings of run ids) to show, in this order; None: the newest ``limit`` finished ones.
    limit
        At most this many when none are named.

    Returns
    -------
    DataFrame
        Index ``run``; columns ``study``, ``name``, ``version`` and every metric that any run has.

    Raises
    ------
    RunNotFound
        If a named run doesn't exist, or its beginning fits several.
    """
    client = tracking.client()
    with tracking.quiet():
        studies = {str(e.experiment_id): e.name for e in client.search_experiments()}
        found = client.search_runs(list(studies), "tags.kind = 'training' and status = 'FINISHED'", max_results=1000)
        found.sort(key=lambda r: (-r.info.start_time, r.info.run_id))
    chosen = found[:limit] if not run_ids else []
    for asked in run_ids or []:
        fits = [r for r in found if r.info.run_id.startswith(asked)]
        if len(fits) != 1:
            raise RunNotFound(f"{len(fits)} training runs begin with {asked!r} in {tracking.store().uri}")
        chosen.append(fits[0])
    rows = [
        {
            "run": r.info.run_id,
            "study": studies.get(str(r.info.experiment_id), ""),
            "name": r.info.run_name,
            "version": r.data.tags.get("version", ""),
            **dict(sorted(r.data.metrics.items())),
        }
        for r in chosen
    ]
    columns = ["run", "study", "name", "version"]
    return pd.DataFrame(rows, columns=columns if not rows else None).set_index("run")


def render(frame: pd.DataFrame, metrics: tuple[str, ...] = METRICS) -> Table:
    """Return runs as columns, metrics as rows, value and interval in one cell."""
    out = Table(title="runs", show_lines=False)
    out.add_column("")
    for run, row in frame.iterrows():
        out.add_column(f"{row['study']}\nv{row['version'] or '–'} {str(run)[:8]}", justify="right")
    for metric in metrics:
        cells = []
        for _, row in frame.iterrows():
            value, low, high = (row.get(f"{metric}{end}", float("nan")) for end in ("", "_low", "_high"))
            cells.append("–" if pd.isna(value) else f"{value:.4f}" + _span(low, high))
        out.add_row(metric, *cells)
    return out


def _span(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"\n[{low:.4f}, {high:.4f}]"
