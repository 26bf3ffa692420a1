"""Drift after sign-off: later months of records against what a version was frozen with.

Training compares the months of its own test (`models.review.review`). Once a version is in use the records grow: its
scores, classes and indicators of each later month are compared with the distributions frozen in its run
(``frozen.json``), what its visits find with what it said of them as results ripen, and the same levels ask for a new
model (``drift.toml``). Nothing is learned and nothing is signed here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from features.records.store import RecordStore
from models.errors import ModelError
from models.evaluation import TestVisits
from models.evaluation.drift.psi import Frozen
from models.evaluation.policies import load_drift
from models.review.review import Stable, stability_of, tested_visits
from models.scoring.risk_model import RiskModel
from models.study.circumstances import Circumstances
from models.study.dataset import Part
from models.study.experiment import Experiment, experiment_hash
from models.study.labels import assigned, indicator_table, look_up
from models.study.panel import follow_months
from models.study.pending import awaited_visits, count_by_month, score_awaited
from models.study.splits import segments
from models.study.weights import design_weights
from models.tracking import artifacts, runs, versions
from models.tracking.artifacts import FROZEN
from models.tracking.store import Store

MONTHS = 12
"""Months looked back on: a year, for risk has its seasons."""


class MonitoringError(ModelError):
    """A version can't be followed on these records."""


@dataclass(frozen=True)
class Monitored:
    """A version on later months.

    Parameters
    ----------
    version, experiment
        Registered version and the name of its study.
    as_of
        Day the records were taken.
    since
        The month the version could first have been used in, which is what was frozen.
    months
        First days of the months looked at.
    visits
        Of those months, with a result, of the arms that measure.
    stable
        What moved, and whether a new model is asked for.
    """

    version: str
    experiment: str
    as_of: date
    since: date
    months: tuple[date, ...]
    visits: TestVisits
    stable: Stable

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        s = self.stable
        return {
            "version": self.version,
            "experiment": self.experiment,
            "as_of": self.as_of.isoformat(),
            "frozen": self.since.isoformat(),
            "months": [m.isoformat() for m in self.months],
            "arm": self.visits.statement,
            "visits": len(self.visits),
            "enterprises": s.enterprises,
            "drift": s.retrain.as_dict(),
            "scores": [x.as_dict() for x in s.scores],
            "classes": [x.as_dict() for x in s.classes],
            "indicators": [[x.as_dict() for x in month] for month in s.indicators],
            "migrations": [x.as_dict() for x in s.migrations],
            "calibration": s.calibration.as_dict(),
            "expected": [x.as_dict() for x in s.expected],
        }


def monitor(
    store: Store, version: str, experiment: Experiment, source: Path | RecordStore, as_of: date, months: int = MONTHS
) -> Monitored:
    """Compare a registered version on the latest months of records with what was frozen with it.

    Parameters
    ----------
    store, version
        Where it is registered, and which it is.
    experiment
        The study that made it: whose cohort, label and arms are looked at.
    source
        Clean folder, or the store of one, newer than the one the version was learned from.
    as_of
        Day the records were taken; nothing known later is read.
    months
        At most so many, the latest.

    Raises
    ------
    MonitoringError
        If the version comes from another study, froze nothing, or the records end before its second month.
    """
    run = versions.run_id(store, version)
    _same_study(store, version, experiment)
    model, frozen = RiskModel.load(versions.bundle(store, version)), frozen_of(store, version, run)
    since = experiment.split.test_from
    firsts = [m.date() for m in pd.date_range(since, as_of, freq="MS") if m.date() > since][-months:]
    if not firsts:
        raise MonitoringError(f"the records end on {as_of}: version {version} is followed from the month after {since}")
    later = experiment.split.model_copy(update={"test_from": firsts[0], "test_to": date(9999, 1, 1)})
    moved = experiment.model_copy(update={"split": later})
    visits = _visits(source, moved, model, as_of)
    rows = awaited_visits(source, moved, as_of)
    waiting = score_awaited(source, moved, model, rows, weighted=visits.arm == "random")
    stable, _ = stability_of(
        model,
        follow_months(source, experiment, tuple(firsts)),
        visits,
        count_by_month(rows),
        load_drift(experiment.province),
        experiment.seed,
        frozen=frozen,
        waiting=waiting,
    )
    return Monitored(version, experiment.name, as_of, since, tuple(firsts), visits, stable)


def frozen_of(store: Store, version: str, run: str) -> dict[str, Frozen]:
    """Read the distributions frozen with a version.

    Raises
    ------
    MonitoringError
        If its run logged none, they are not those the version was registered with, or they can't be read.
    """
    path = versions.artifact(store, run, FROZEN)
    if path is None:
        raise MonitoringError(f"version {version}: its run logged no {FROZEN}, so there is nothing to compare with")
    stated = {
        versions.inputs(store, version).get("frozen_hash"),
        runs.get_run(store, run).data.params.get("frozen_hash"),
    }
    if stated != {artifacts.file_hash(path)}:
        raise MonitoringError(f"version {version}: {FROZEN} of its run is not the file it was registered with")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Frozen.model_validate(f) for name, f in told.items()}
    except (OSError, ValueError, AttributeError, ValidationError) as err:
        raise MonitoringError(f"version {version}: {FROZEN} of its run can't be read: {err}") from err


def _same_study(store: Store, version: str, experiment: Experiment) -> None:
    registered = versions.inputs(store, version).get("experiment_hash")
    own = experiment_hash(experiment)
    if registered != own:
        raise MonitoringError(
            f"version {version} was made by another study than {experiment.name}: its experiment hashes to "
            f"{str(registered)[:12]}…, this file to {own[:12]}…"
        )


def _visits(source: Path | RecordStore, experiment: Experiment, model: RiskModel, as_of: date) -> TestVisits:
    """Visits since the first month looked at, results as known on the day of the records."""
    found = assigned(source, segments(experiment.split, experiment.split.test_from, as_of)[-1:], experiment, as_of).rows
    found = found.drop(columns="segment")
    frame = look_up(indicator_table(source, [found], experiment), found)
    X = np.ascontiguousarray(frame[list(model.indicator_names)].to_numpy(dtype=np.float64))
    weight = design_weights(found, experiment.arms.weights)
    y, circumstances = found["violation"].to_numpy(dtype=np.int8), Circumstances.none(len(found))
    return tested_visits(source, experiment, Part(found, frame, X, y, weight, circumstances), model)
