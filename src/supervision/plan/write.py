"""Files of a plan: its table, the file for the platform, draws for the records, the frame, a summary, district lists.

Everything is made beside and put in place at the end: a plan is there whole or not at all. The same seed, month and
inputs give the same bytes.
"""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from features.places import check_place
from models.scoring.classification import GRADES
from serving.ledger.manifest import sha256
from supervision.errors import PlanError
from supervision.measures import FIELDS
from supervision.plan.given import BadRow
from supervision.plan.plan import SpotPlan
from supervision.plan.sheets import write_sheets

SUMMARY = "plan.json"
FILES = ("plan.parquet", "platform.csv", "draws.csv", "frame.parquet", "pairs.csv", "left_out.csv", SUMMARY)


def write_plan(
    plan: SpotPlan, folder: Path, *, left_out: Sequence[BadRow] = (), last: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Write a plan into a folder; an earlier plan of the same month and seed there is replaced.

    Parameters
    ----------
    plan
        To write.
    folder
        Made where it is missing.
    left_out
        Rows of the files given that could not be used.
    last
        Summary of an earlier plan, for comparison.

    Returns
    -------
    dict
        The summary, as it stands in ``plan.json``.

    Raises
    ------
    PlanError
        If the folder holds another plan, or other files.
    ConfigError
        If it can't be written.
    """
    check_place(folder)
    there = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    if there:
        if SUMMARY not in there:
            raise PlanError(f"{folder}: expected an empty folder or one of a plan; it has {there[0]}")
        before = read_summary(folder)
        if before["plan_id"] != plan.id:
            raise PlanError(f"{folder}: holds plan {before['plan_id']}; write {plan.id} into a folder of its own")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
        fresh = Path(beside) / "fresh"
        fresh.mkdir()
        summary = _write(plan, fresh, left_out, last)
        if folder.is_dir():
            folder.rename(Path(beside) / "before")
        fresh.rename(folder)
    return summary


def _write(plan: SpotPlan, made: Path, left_out: Sequence[BadRow], last: dict[str, Any] | None) -> dict[str, Any]:
    plan.rows.to_parquet(made / "plan.parquet", index=False)
    _csv(plan.rows[list(plan.rules.plan.platform.columns)], made / "platform.csv")
    _csv(plan.draws, made / "draws.csv")
    frame_table(plan).to_parquet(made / "frame.parquet", index=False)
    counts = plan.rows["pair"].value_counts()
    _csv(
        pd.DataFrame(
            {
                "pair": [p.id for p in plan.pairs],
                "district": [p.district for p in plan.pairs],
                "visits": [int(counts.get(p.id, 0)) for p in plan.pairs],
            }
        ),
        made / "pairs.csv",
    )
    if left_out:
        _csv(pd.DataFrame([asdict(bad) for bad in left_out]), made / "left_out.csv")
    sheets = write_sheets(plan, made)
    summary = summary_of(plan, left_out, last)
    names = [*(n for n in FILES if (made / n).is_file()), *sheets]
    summary["files"] = {name: sha256(made / name) for name in sorted(names)}
    (made / SUMMARY).write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return summary


def _csv(frame: pd.DataFrame, file: Path) -> None:
    frame.to_csv(file, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n", encoding="utf-8")


def frame_table(plan: SpotPlan) -> pd.DataFrame:
    """Return everyone of the frame with the probability to be drawn: with it and the seed anyone can draw again."""
    frame = plan.frame
    return pd.DataFrame(
        {
            "enterprise_id": frame.ids,
            "district": [frame.districts[d] if d >= 0 else None for d in frame.district],
            "measure_grade": [GRADES[g] for g in frame.strict],
            "main_field": [FIELDS[k] for k in frame.main],
            "stratum": frame.stratum,
            "probability_ppm": frame.ppm,
            "unprompted": ~frame.alone,
        }
    )


def summary_of(plan: SpotPlan, left_out: Sequence[BadRow], last: dict[str, Any] | None) -> dict[str, Any]:
    """Return the summary: what was drawn from what, what it finds, beside what."""
    rows, expected = plan.rows, plan.expected
    visits = rows[rows["fate"].isin(["planned", "merged"])]
    return {
        "plan_id": plan.id,
        "province": plan.rules.province,
        "month": plan.chance.month,
        "seed": plan.chance.seed,
        "ledger_manifest": plan.manifest,
        "frame": len(plan.frame),
        "without_district": int((plan.frame.district < 0).sum()),
        "records": plan.has_records,
        "draws": int((rows["arm"] == "random").sum()),
        "prompted": int((rows["arm"] == "targeted").sum()),
        "fates": {str(k): int(v) for k, v in rows["fate"].value_counts().sort_index().items()},
        "visits": len(visits),
        "visits_by_class": {g: int((visits["measure_grade"] == g).sum()) for g in GRADES},
        "expected_draws": _round(plan.frame.ppm.sum() / 1e6),
        "pairs": len(plan.pairs),
        "reserve": len(plan.reserve),
        "findings": {
            "level": expected.level,
            "visits": expected.visits,
            "plan": _interval(expected.plan),
            "uniform": _interval(expected.uniform),
            "last": None if last is None else {"plan_id": last["plan_id"], "visits": last["findings"]["visits"],
                                               "plan": last["findings"]["plan"]},
            "probabilities": expected.has_probability,
            "model_interval": expected.has_interval,
        },
        "random_share": {
            "share": _round(expected.share),
            "visits": _round(expected.random_visits),
            "cost": _round(expected.cost),
            "rate_of": expected.with_random.firms,
            "half_width": _round(expected.with_random.half_width),
            "rate_of_without": expected.without.firms,
            "half_width_without": _round(expected.without.half_width),
        },
        "left_out": [bad.text for bad in left_out],
    }  # fmt: skip


def _round(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4) + 0.0  # no -0.0


def _interval(found: Any) -> dict[str, float | None]:
    return {"value": _round(found.value), "low": _round(found.low), "high": _round(found.high)}


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary of a plan that was written.

    Raises
    ------
    PlanError
        If the folder has none.
    """
    path = folder / SUMMARY
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise PlanError(f"{folder}: expected the folder of a plan, with {SUMMARY}") from err
    if not isinstance(found, dict) or "plan_id" not in found or "findings" not in found:
        raise PlanError(f"{path}: is no summary of a plan")
    return found
