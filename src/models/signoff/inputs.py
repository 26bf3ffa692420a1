"""Inputs of a fit, logged with the run so that the same model can be fitted again from them alone.

``inputs/`` holds one Parquet file a segment (day of visit, day known, cut-off, outcome, weight, whether apart from
the random arm, 1 / draw probability, a number that tells visits to one enterprise from those to others, the visit's
circumstances and the learner's columns; no enterprise ids, no inspectors' ids) and ``spec.json`` (columns, parameters,
seed, versions of what computes). The
gate fits again from these files, compares both parts of the margin with the registered ones, and judges the band
contract of everyone again (`models.signoff.contract_replay`).
"""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.errors import FenleiError
from models.arrays import Floats
from models.learning.classifier import RiskClassifier
from models.learning.fit import fit_rows, study_classifier
from models.learning.search import Params
from models.study.circumstances import Circumstances
from models.study.dataset import Dataset
from models.study.experiment import SEGMENTS, Experiment
from models.study.weights import Rows
from models.tracking import artifacts, runs
from models.tracking.artifacts import BESIDE, FOLDER
from models.tracking.store import Store

FORMAT = 3
COMPUTES = ("lightgbm", "numpy", "scikit-learn", "scipy")
"""Packages whose version may change a booster's text."""

_SPEC = "spec.json"
_OUTCOME = ("visited_on", "known_at", "cutoff", "violation", "weight", "apart", "drawn", "enterprise")
_TERM, _PAIR = "c:", "pair"
"""Before a circumstance's name in a column; the column of the inspecting pair's number."""
_PREFIX = "x:"
"""Before an indicator's name in a column: an indicator may be called as an outcome's column is."""


class InputsError(FenleiError):
    """Logged inputs are missing, incomplete or can't be read."""


@dataclass(frozen=True)
class Inputs:
    """What a run logged of its fit.

    Parameters
    ----------
    names
        The learner's columns, in order.
    parameters
        Of `RiskClassifier`, constraints and seed included.
    terms
        Names of the visits' circumstances that the fit knew apart.
    data_hash
        Of the clean tables that the rows were computed from.
    computed_by
        Package (and machine) to version.
    segments
        Segment to its rows: columns ``visited_on``, ``known_at``, ``cutoff`` (datetime64), ``violation``,
        ``weight``, ``apart`` (not of the random arm), ``drawn`` (1 / draw probability; 1 where there was no draw),
        ``enterprise`` (0, 1, …: a number of the segment's own) and the learner's, in order.
    """

    names: tuple[str, ...]
    parameters: dict[str, Any]
    terms: tuple[str, ...]
    data_hash: str
    computed_by: dict[str, str]
    segments: dict[str, pd.DataFrame]

    def matrix(self, segment: str) -> Floats:
        """The learner's columns of a segment, float64 of shape (n, k)."""
        columns = [_PREFIX + name for name in self.names]
        return np.ascontiguousarray(self.segments[segment][columns].to_numpy(dtype=np.float64))

    def outcome(self, segment: str) -> NDArray[np.int8]:
        """0/1 of each row of a segment."""
        return self.segments[segment]["violation"].to_numpy(dtype=np.int8)

    def rows(self, segment: str) -> Rows:
        """A segment as the fit is given it."""
        found = self.segments[segment]
        terms = found[[_TERM + name for name in self.terms]].to_numpy(dtype=np.float64)
        seen = Circumstances(terms, found[_PAIR].to_numpy(dtype=np.int64))
        return Rows(self.matrix(segment), self.outcome(segment), seen, found["weight"].to_numpy(dtype=np.float64))


def computing() -> dict[str, str]:
    """Return what computes here: packages and the kind of processor."""
    return {name: version(name) for name in COMPUTES} | {"machine": platform.machine()}


def write_inputs(folder: Path, experiment: Experiment, dataset: Dataset, params: Params) -> None:
    """Write what the fit with these parameters is given.

    Parameters
    ----------
    folder
        Made anew.
    params
        The parameters in force, as the search found them.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for segment in SEGMENTS:
        part = dataset.parts[segment]
        days = {c: pd.to_datetime(part.outcomes[c]).astype("datetime64[s]").to_numpy() for c in _OUTCOME[:3]}
        columns = {**days, "violation": part.y.astype(np.int8), "weight": part.weight, "apart": part.targeted}
        chance = part.outcomes["probability_ppm"].to_numpy(dtype=np.float64, na_value=np.nan)
        # In the order of the ids: simulations by enterprise then draw the same numbers as they did on the ids.
        number = np.unique(part.enterprise.astype(str), return_inverse=True)[1]
        columns |= {"drawn": np.where(np.isnan(chance), 1.0, 1e6 / chance), "enterprise": number.astype(np.int64)}
        seen = part.circumstances
        terms = seen.terms if seen.terms.shape[1] else np.zeros((len(part), len(dataset.coding.names)))
        columns |= {_TERM + name: terms[:, i] for i, name in enumerate(dataset.coding.names)} | {_PAIR: seen.pair}
        columns |= {_PREFIX + name: part.X[:, i] for i, name in enumerate(dataset.names)}
        pq.write_table(pa.table(columns), folder / f"{segment}.parquet", compression="zstd")
    spec = {
        "format": FORMAT,
        "names": list(dataset.names),
        "terms": list(dataset.coding.names),
        "parameters": study_classifier(experiment, dataset.names, params).get_params(),
        "data_hash": dataset.source_hash,
        "computed_by": computing(),
    }
    (folder / _SPEC).write_text(json.dumps(spec, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def log_inputs(
    store: Store, run_id: str, folder: Path, experiment: Experiment, dataset: Dataset, params: Params, logged: Path
) -> dict[str, str]:
    """Log what the fit was given with its run, and return the hashes to register with the version.

    Parameters
    ----------
    folder
        Where the inputs are written first, made anew.
    logged
        The folder of the run's other artifacts: those of `BESIDE` that are there are hashed too.
    """
    write_inputs(folder, experiment, dataset, params)
    runs.log_folder(store, run_id, folder, FOLDER)
    found = {"inputs_hash": artifacts.bundle_hash(folder)}
    return found | {k: artifacts.file_hash(logged / name) for k, name in BESIDE.items() if (logged / name).is_file()}


def read_inputs(folder: Path) -> Inputs:
    """Read what `write_inputs` wrote.

    Raises
    ------
    InputsError
        If a file is missing or not as it was written; the message names it.
    """
    try:
        spec = json.loads((folder / _SPEC).read_text(encoding="utf-8"))
        if spec["format"] != FORMAT:
            raise InputsError(f"{folder / _SPEC}: format {spec['format']!r}, expected {FORMAT}: train it again")
        names = tuple(map(str, spec["names"]))
        terms = tuple(map(str, spec["terms"]))
        wanted = [*_OUTCOME, *(_TERM + name for name in terms), _PAIR, *(_PREFIX + name for name in names)]
        segments = {s: pq.read_table(folder / f"{s}.parquet").to_pandas() for s in SEGMENTS}
        for segment, rows in segments.items():
            if list(rows.columns) != wanted:
                raise InputsError(f"{folder / segment}.parquet: its columns are not those of {_SPEC}")
        return Inputs(names, dict(spec["parameters"]), terms, spec["data_hash"], dict(spec["computed_by"]), segments)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as err:
        raise InputsError(f"{folder}: the logged inputs can't be read: {err}") from err


def retrain(inputs: Inputs) -> RiskClassifier:
    """Fit again from logged inputs alone.

    Raises
    ------
    InputsError
        If the learner refuses what was logged.
    """
    try:
        return fit_rows(RiskClassifier(**inputs.parameters), inputs.rows("fit"))
    except (TypeError, ValueError) as err:
        raise InputsError(f"the logged inputs don't fit the learner: {err}") from err
