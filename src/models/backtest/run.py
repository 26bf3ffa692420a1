"""``fenlei backtest``: one study retrained at many moments, measured, written down and logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.errors import SourceError
from features.given import PathLike, as_path
from features.population.groups import enterprise_groups, groups_policy
from features.records.store import RecordStore, opened
from models.arrays import Floats
from models.backtest.figures import differences, figures, scores_by_visit
from models.backtest.page import render_page
from models.backtest.result import BacktestResult
from models.backtest.scorers import Told, tell
from models.backtest.windows import build_windows
from models.evaluation.metrics import Interval, Sample, Scored, evaluate
from models.learning.rolling import USUAL_SHARE, look_back
from models.settings import check_surroundings, checked_study
from models.study.experiment import Experiment
from models.study.indicators import catalogue
from models.study.records import prepare
from models.tracking import runs
from models.tracking.store import Store, checked_store

SCORES = "backtest_scores.parquet"
"""What was said of each visit, in the study's folder."""
Without = Literal["none", "families", "groups"]
LEAST_VIOLATIONS = 50
"""Violations below which a subset's AUC says too little to be shown."""
SUBSETS = ("visited", "size", "region", "industry")


def backtest(
    experiment_path: PathLike,
    *,
    store: Store,
    data: PathLike,
    work: PathLike,
    origins: int | None = None,
    every: int | None = None,
    without: Without = "none",
    say: Callable[[str], None] = lambda _: None,
) -> BacktestResult:
    """Retrain a study at each of many moments as production would, and measure what followed.

    Parameters
    ----------
    experiment_path
        The experiment file; its ``[backtest]`` says which moments.
    store
        Where the run is logged.
    data, work
        Source folder; folder for checked records and what is written.
    origins, every
        Instead of the file's.
    without
        Whether to fit again without each family, or each group, of indicators.
    say
        Told of every step.

    Raises
    ------
    FenleiError
        If the file, a policy or the source is wrong, or the records are too short for so many moments.
    """
    experiment = checked_study(as_path(experiment_path, "experiment file"), trials=None)
    source = as_path(data, "data")
    if not source.is_dir():
        raise SourceError(f"experiment {experiment.name}: no source folder at {data}; name it with --data")
    asked = {k: v for k, v in {"origins": origins, "every": every}.items() if v is not None}
    plan = type(experiment.backtest).model_validate(experiment.backtest.model_dump() | asked)
    experiment = experiment.model_copy(update={"backtest": plan})
    own = as_path(work, "work") / experiment.name
    check_surroundings(checked_store(store), own, own / "backtest.json")
    prepared = prepare(experiment.source, experiment.name, source, own, say)
    with opened(prepared.clean) as records:
        say("computing the indicators")
        windows = build_windows(records, experiment, prepared.as_of)
        told = tell(experiment, windows, say)
        say("measuring")
        found = figures(experiment, told)
        lost = auc_lost(experiment, told, without, say)
        subsets = by_subset(records, experiment, told)
    folder = own / "backtest"
    folder.mkdir(parents=True, exist_ok=True)
    result = BacktestResult(
        experiment=experiment, prepared=prepared, told=told, found=found, lost=lost, subsets=subsets, folder=folder
    )
    # Not among the run's files: it names enterprises.
    scores_by_visit(told).to_parquet(own / SCORES, index=False)
    return replace(result, run_id=_logged(result, store))


def auc_lost(
    experiment: Experiment, told: Sequence[Told], without: Without, say: Callable[[str], None]
) -> dict[str, Interval]:
    """Return the AUC that is lost without each family or group of indicators, fitted anew with the usual blend.

    The full learner that it is compared with has the usual blend, too.
    """
    if without == "none":
        return {}
    known = catalogue(experiment)

    def kind(name: str) -> str:
        return known[name].family if without == "families" else known[name].group

    params, chosen = dict(experiment.learner), experiment.tuning.blend == "chosen"

    def share(one: Told) -> float:
        return USUAL_SHARE if chosen else one.blend.tree_share

    full = [one.back.margin(one.blend.rounds, share(one)) for one in told]
    left: dict[str, list[Floats]] = {}
    for what in dict.fromkeys(kind(n) for n in known):
        if not any(kind(n) == what for one in told for n in one.window.names):
            continue
        say(f"without {what}")
        left[what] = []
        for one in told:
            kept = [i for i, n in enumerate(one.window.names) if kind(n) != what]
            fold = one.window.fold
            cut = replace(
                fold,
                fit=replace(fold.fit, X=fold.fit.X[:, kept]),
                validate=replace(fold.validate, X=fold.validate.X[:, kept]),
            )
            names = tuple(one.window.names[i] for i in kept)
            if not names:
                left[what].append(np.zeros(len(fold.validate)))
                continue
            back = look_back(experiment, names, cut, params)
            left[what].append(back.margin(one.blend.rounds, share(one)))
    return differences(experiment, told, full, left)


def by_subset(records: RecordStore, experiment: Experiment, told: Sequence[Told]) -> dict[str, dict[str, Any]]:
    """Return visits, violations and AUC within named groups of enterprises, as known at each cut-off."""
    outcomes = pd.concat([one.window.fold.validate.outcomes for one in told], ignore_index=True)
    groups = enterprise_groups(records, outcomes[["enterprise_id", "cutoff"]], groups_policy(experiment.province))
    scores = scores_by_visit(told)
    strata = np.unique(scores["origin"], return_inverse=True)[1].astype(np.int64)
    e, out = experiment.evaluation, dict[str, dict[str, Any]]()
    for attribute in SUBSETS:
        column = groups[attribute].fillna("unknown").astype(str).to_numpy()
        for group in sorted(set(column.tolist())):
            own = column == group
            if int(scores["violation"].to_numpy()[own].sum()) < LEAST_VIOLATIONS:
                continue
            part = scores[own]
            sample = Sample.of(
                part["violation"].to_numpy(), part["enterprise_id"].to_numpy(dtype=object), part["weight"].to_numpy()
            )
            scored = {name: Scored(part[f"margin:{name}"].to_numpy(dtype=np.float64)) for name in told[0].margins}
            shown = evaluate(
                sample,
                scored,
                repetitions=min(e.repetitions, 500),
                level=e.level,
                seed=experiment.seed,
                strata=strata[own],
            )
            aucs = {name: row["auc"].as_dict() for name, row in shown.values.items()}  # noqa: PD011
            out[f"{attribute}: {group}"] = {"visits": int(own.sum()), "violations": shown.violations, "auc": aucs}
    return out


def _logged(result: BacktestResult, store: Store) -> str:
    """Write the page and the figures, log them as a run, and return its id."""
    experiment, found = result.experiment, result.found
    text = json.dumps(result.as_dict(), ensure_ascii=False, indent=1, sort_keys=True)
    (result.folder / "backtest.json").write_text(text + "\n", encoding="utf-8")
    (result.folder / "backtest.html").write_text(render_page(result), encoding="utf-8")
    metrics = {"test/auc": found.pooled.values["model"]["auc"].value}  # noqa: PD011
    metrics |= {f"baseline/{n}/auc_difference": row["auc"].value for n, row in found.pooled.differences.items()}
    metrics |= {"worth/days_earlier": found.days.days, "backtest/forecast_within_two_points": float(found.near)}
    with runs.run(store, experiment.name, f"{experiment.name} backtest", tags={"kind": "backtest"}) as run_id:
        plan = experiment.backtest.model_dump(mode="json")
        runs.log(
            store,
            run_id,
            params={"origins": plan["origins"], "every_months": plan["every"], "as_of": str(result.prepared.as_of)},
            metrics={k: v for k, v in metrics.items() if np.isfinite(v)},
            files=result.folder,
        )
    return run_id
