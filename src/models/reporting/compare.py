"""Runs side by side, exactly as MLflow has them: same metrics, same names, same order when sorted by one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from features.errors import FenleiError
from models.signoff.approval import in_use
from models.tracking.metric_names import GROUPS, HEADLINE, better, group_of
from models.tracking.runs import client, quiet
from models.tracking.store import Store

FACTS = ("study", "name", "version", "band_contract", "drift", "arm", "approved", "not_approved")
"""Columns of `runs` that are no metric and no parameter; those of parameters begin with ``params.``."""
PARAMS = "params."
DECIDES = ("data_hash", "test_from", "test_to", "measure_arms", "weights", "label_codes", "sector", "province", "as_of")
"""Parameters that must be alike for two runs' figures to be of the same visits."""
WRITTEN = ("bundle_hash", "model_hash", "inputs_hash", "evaluation_hash", "frozen_hash")
"""Parameters that say what a run wrote, and nothing of what it was given: no two runs have them alike."""
OVERLAP = "intervals overlap"
WIDE = 3
"""Up to so many runs an interval stands beside its figure, of more below it."""
LINE = "\n"


class RunNotFound(FenleiError):
    """A run named by the user does not exist."""


class MetricNotFound(FenleiError):
    """No run has the metric to sort by."""


@dataclass(frozen=True)
class Best:
    """Which run is best in a metric: its id, or why none is named."""

    metric: str
    run: str
    text: str


def compare_runs(
    store: Store, run_ids: list[str] | None = None, *, limit: int = 20, sort: str | None = None
) -> pd.DataFrame:
    """Training runs with their metrics under MLflow's names.

    Parameters
    ----------
    store
        Where they are.
    run_ids
        Runs (or beginnings of run ids) to show, in this order; None: the newest ``limit`` finished ones.
    limit
        At most this many when none are named.
    sort
        A metric: the best first, by value, as MLflow ranks them; runs without it come last.

    Returns
    -------
    DataFrame
        Index ``run``; columns `FACTS`, every metric that any run has, and ``params.`` with every parameter. Where the
        record has a run's version in force and it is not used, ``not_approved`` says why; where the record is broken,
        it says so of every run.

    Raises
    ------
    RunNotFound
        If a named run doesn't exist, or its beginning fits several.
    MetricNotFound
        If no run has the metric to sort by.
    """
    mlflow = client(store)
    with quiet():
        studies = {str(e.experiment_id): e.name for e in mlflow.search_experiments()}
        found = mlflow.search_runs(list(studies), "tags.kind = 'training' and status = 'FINISHED'", max_results=1000)
    found.sort(key=lambda r: (-r.info.start_time, r.info.run_id))
    chosen = found if not run_ids else []
    for asked in run_ids or []:
        fits = [r for r in found if r.info.run_id.startswith(asked)]
        if len(fits) != 1:
            raise RunNotFound(f"{len(fits)} training runs begin with {asked!r} in {store.uri}")
        chosen.append(fits[0])
    if sort is not None:
        if chosen and not any(sort in r.data.metrics for r in chosen):
            there = sorted({m for r in chosen for m in r.data.metrics if not m.endswith(("_low", "_high"))})
            raise MetricNotFound(f"no run has a metric {sort!r}; there are {', '.join(there)}")
        sign = -1.0 if better(sort) > 0 else 1.0
        chosen.sort(key=lambda r: sign * r.data.metrics[sort] if sort in r.data.metrics else math.inf)
    if not run_ids:
        chosen = chosen[:limit]
    in_force, broken = _approved(store)
    rows = [
        {
            "run": r.info.run_id,
            "study": studies.get(str(r.info.experiment_id), ""),
            "name": r.info.run_name,
            "version": r.data.tags.get("version", ""),
            "band_contract": r.data.tags.get("band_contract", ""),
            "drift": r.data.tags.get("drift", ""),
            "arm": r.data.tags.get("arm", ""),
            "approved": in_force.get(r.info.run_id) == "",
            "not_approved": broken or in_force.get(r.info.run_id, ""),
            **dict(sorted(r.data.metrics.items())),
            **{f"{PARAMS}{k}": v for k, v in sorted(r.data.params.items())},
        }
        for r in chosen
    ]
    return pd.DataFrame(rows, columns=["run", *FACTS] if not rows else None).set_index("run")


def _approved(store: Store) -> tuple[dict[str, str], str]:
    """Return the runs whose version the record has in force, each with why it is not used; and why it is broken.

    By the run that was signed: a run's tag of its version is anybody's to set.
    """
    try:
        return {entry.run: why for entry, why in in_use(store).values()}, ""
    except FenleiError as err:
        return {}, f"the approval record can't be relied on, so no run counts as approved: {err}"


def metrics_in(frame: pd.DataFrame) -> list[str]:
    """Return the metrics of the runs, without the ends of their intervals, group by group."""
    ends = ("_low", "_high")
    names = [c for c in frame.columns if c not in FACTS and not c.startswith(PARAMS)]
    plain = [n for n in names if not (n.endswith(ends) and n.removesuffix(ends[0]).removesuffix(ends[1]) in names)]
    order = {n: k for k, n in enumerate(HEADLINE)}
    return sorted(plain, key=lambda n: ([*GROUPS, ""].index(group_of(n)), order.get(n, len(order)), n))


def differs(frame: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the parameters in which the runs differ: name to run to value; those that decide first."""
    names = [n for c in frame.columns if (n := c.removeprefix(PARAMS)) != c and n not in WRITTEN]
    out = {}
    for name in sorted(names, key=lambda n: (n not in DECIDES, DECIDES.index(n) if n in DECIDES else 0, n)):
        values = {str(run): "" if pd.isna(v) else str(v) for run, v in frame[f"{PARAMS}{name}"].items()}
        if len(set(values.values())) > 1:
            out[name] = values
    return out


def not_comparable(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the parameters by which the runs' figures are of different visits; empty where the visits are the same."""
    return tuple(name for name in differs(frame) if name in DECIDES)


def best(frame: pd.DataFrame, metric: str) -> Best:
    """Name the run that is best in a metric, where that is more than noise.

    Only a run whose interval lies apart from every other's is best. Runs measured on the same visits could be told
    apart sooner by a paired difference, which needs their predictions: overlapping intervals are no proof of equality.
    """
    sign = better(metric)
    if sign == 0 or len(frame) < 2:
        return Best(metric, "", "")
    if not_comparable(frame):
        return Best(metric, "", "other visits")
    if f"{metric}_low" not in frame.columns:
        return Best(metric, "", "no interval")
    rows = frame[[metric, f"{metric}_low", f"{metric}_high"]].astype(float)
    if rows.isna().to_numpy().any():
        return Best(metric, "", "not in every run")
    top = str((sign * rows[metric]).idxmax())
    others = rows.drop(index=top)
    apart = (
        rows.loc[top, f"{metric}_low"] > others[f"{metric}_high"].max()
        if sign > 0
        else rows.loc[top, f"{metric}_high"] < others[f"{metric}_low"].min()
    )
    return Best(metric, top, "best") if apart else Best(metric, "", OVERLAP)


def as_dict(frame: pd.DataFrame) -> dict[str, Any]:
    """Plain values for ``--json``: the runs, in what they differ, and who is best in what."""
    return {
        "runs": [
            {k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.reset_index().to_dict("records")
        ],
        "differs": differs(frame),
        "not_comparable": list(not_comparable(frame)),
        "best": {b.metric: b.run or b.text for m in metrics_in(frame) if (b := best(frame, m)).text},
    }


def render(frame: pd.DataFrame, *, everything: bool = False) -> Group:
    """Return runs as columns, metrics as rows by group, value and interval in one cell, and why they may differ.

    Parameters
    ----------
    frame
        As `runs` gives it.
    everything
        Show every metric, not only those of `models.tracking.metric_names.GROUPS`.
    """
    out = Table(title="runs", show_lines=False)
    out.add_column("")
    for run, row in frame.iterrows():
        mark = " ✓ approved" if row["approved"] else ""
        # A run that registers no version, such as a card's, is told by its name.
        called = f"v{row['version']}" if row["version"] else row["name"] if row["name"] != row["study"] else "v–"
        out.add_column(f"{row['study']}\n{called} {str(run)[:8]}{mark}", justify="right")
    out.add_column("best")
    for fact in ("band_contract", "drift"):
        out.add_row(fact.replace("_", " "), *(row[fact] or "–" for _, row in frame.iterrows()), "")
    out.add_section()
    metrics, wide = metrics_in(frame), len(frame) <= WIDE
    for group in (*GROUPS, ""):
        shown = [m for m in metrics if group_of(m) == group and (group or everything)]
        if shown:
            out.add_row(Text(group or "others", style="bold"), *[""] * (len(frame) + 1))
        for metric in shown:
            out.add_row(
                f"  {metric}", *(_cell(row, metric, wide) for _, row in frame.iterrows()), _best_text(frame, metric)
            )
        out.add_section()
    parts: list[Table | Text] = [out]
    for why in dict.fromkeys(w for w in frame["not_approved"] if w):
        named = ", ".join(f"v{v or '–'}" for v in frame["version"][frame["not_approved"] == why])
        parts.append(Text(f"{named} not approved: {why}", style="bold"))
    if len(frame) > 1:
        parts += _why(frame)
    for arm in dict.fromkeys(frame["arm"]):
        named = ", ".join(f"v{row['version'] or '–'}" for _, row in frame.iterrows() if row["arm"] == arm)
        parts.append(Text(f"arm of {named}: {arm or 'not said'}"))
    return Group(*parts)


def _why(frame: pd.DataFrame) -> list[Table | Text]:
    """Return what the runs differ in, and whether their figures are of the same visits."""
    found = differs(frame)
    parts: list[Table | Text] = []
    if found:
        table = Table(title="differing inputs")
        table.add_column("")
        for run, row in frame.iterrows():
            table.add_column(f"v{row['version'] or '–'} {str(run)[:8]}", overflow="fold")
        for name, values in found.items():
            cells = [_shortened(v) for v in values.values()]
            table.add_row(Text(name, style="bold" if name in DECIDES else ""), *cells)
        parts.append(table)
    other = not_comparable(frame)
    parts.append(
        Text(f"Not comparable: measured on other visits, they differ in {', '.join(other)}.")
        if other
        else Text(
            f"Measured on the same visits. {OVERLAP!r}: no run is named best; a paired difference could tell sooner."
        )
    )
    return parts


def _best_text(frame: pd.DataFrame, metric: str) -> Text:
    found = best(frame, metric)
    if not found.run:
        return Text(found.text, style="dim")
    version = str(frame["version"][found.run]) or "–"
    return Text(f"★ v{version} {found.run[:8]}", style="bold")


def _cell(row: pd.Series[Any], metric: str, wide: bool) -> str:
    value, low, high = (row.get(f"{metric}{end}", math.nan) for end in ("", "_low", "_high"))
    if pd.isna(value):
        return "–"
    if better(metric) and float(value).is_integer() and pd.isna(low):
        return f"{value:,.0f}"
    return f"{value:.4f}" + ("" if pd.isna(low) else f"{' ' if wide else LINE}[{low:.4f}, {high:.4f}]")


def _shortened(value: str) -> str:
    """Return the first 12 digits of a hash, anything else as it is."""
    return value[:12] if len(value) == 64 and set(value) <= set("0123456789abcdef") else value or "–"
