"""People with keys, and versions of a small real study that the gate can look at whole."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from scipy.special import expit, logit

from features.catalogue import CATALOGUE, catalogue_hash
from features.policy import policy_hash
from helpers.here import here
from helpers.root import ROOT
from helpers.small_model import DIRECTIONS, FAMILIES, NAMES, outcomes, rows
from models.evaluation import check_band_contract, gather_visits, load_contract
from models.evaluation.policies import JUDGED_BY
from models.learning.calibration import fit_calibrator
from models.learning.fit import fitted
from models.learning.search import Params
from models.scoring.bands import load_bands
from models.scoring.risk_model import RiskModel, assemble
from models.scoring.rules.province import POLICIES
from models.signoff import inputs as retrain
from models.signoff.record.keys import make_key, read_key
from models.signoff.record.signers import Signer, lines
from models.study.circumstances import Coding
from models.study.dataset import Dataset, Part
from models.study.experiment import SEGMENTS, Experiment, load_experiment
from models.tracking import artifacts, runs, versions
from models.tracking.names import LEGACY

ON = "2026-11-02"
PARAMS: Params = {"n_estimators": 15, "min_data_in_leaf": 40, "num_threads": 1}
FROM, UNTIL = date(2026, 1, 1), date(2028, 1, 1)
STUDY = ROOT / "experiments" / "demo.toml"
SPANS = {
    "fit": (date(2022, 1, 1), date(2024, 11, 1)),
    "calibrate": (date(2023, 12, 1), date(2024, 11, 1)),
    "test": (date(2024, 12, 1), date(2025, 12, 1)),
}
"""Visits of each segment; what calibrates is out of time of its own fits, and teaches the last one, too."""


CODING = Coding(("arm: not random",), (0.0,), ())
"""The demo's: what visits outside the random arm find more is known apart."""


@dataclass
class People:
    """A list of signers under a folder, and the private keys of everybody on it."""

    folder: Path
    signers: dict[str, Signer]
    keys: dict[str, Ed25519PrivateKey]

    @property
    def path(self) -> Path:
        return self.folder / "signers.toml"

    def add(self, label: str, name: str, zh: str, **changes: object) -> Ed25519PrivateKey:
        """List somebody with a new key, or with what ``changes`` say."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{label}.key"
        public = make_key(file)
        fields: dict[str, object] = {"name": name, "name_zh": zh, "public_key": public}
        fields |= {"roles": ("propose", "approve"), "valid_from": FROM, "valid_until": UNTIL} | changes
        self.keys[label] = read_key(file)
        self.signers[label] = Signer.model_validate(fields)
        self.write()
        return self.keys[label]

    def write(self) -> None:
        self.path.write_text("\n\n".join(map(lines, self.signers.values())) + "\n", encoding="utf-8")


def people(folder: Path) -> People:
    """Li Na and Wang Wei may do everything, Zhao Min may approve alone."""
    made = People(folder, {}, {})
    made.add("li", "Li Na", "李娜")
    made.add("wang", "Wang Wei", "王伟")
    made.add("zhao", "Zhao Min", "赵敏", roles=("approve",))
    return made


def part(segment: str, n: int, seed: int) -> Part:
    """Rows of one segment of the demo study's calendar, each known twelve days after its visit.

    Risks lie further apart than in the small province: a few thousand visits then tell of every class.
    """
    frame, risk = rows(n, seed)
    truth = expit(1 + 1.8 * logit(risk))
    start, end = SPANS[segment]
    days = pd.date_range(start, pd.Timestamp(end) - pd.Timedelta(days=1), periods=n).floor("D")
    table = pd.DataFrame({"visited_on": days, "known_at": days + pd.Timedelta(days=12)})
    table["arm"] = "random"
    table["cutoff"] = days.to_period("M").to_timestamp()
    table["inspection_id"] = [f"{segment}{k}" for k in range(n)]
    table["enterprise_id"] = frame.index.get_level_values("enterprise_id").to_numpy()
    table["probability_ppm"] = 100_000
    table["severity"] = table["restates"] = 0
    y = outcomes(truth, seed + 10)
    X = np.ascontiguousarray(frame[list(NAMES)].to_numpy(dtype=np.float64))
    return Part(table, frame, X, y, np.ones(n), CODING.code(table))


@lru_cache(maxsize=2)
def study(province: str = "hebei") -> tuple[Experiment, Dataset, RiskModel]:
    """The small province learnt as a study learns: its dataset, and a model of this catalogue and these policies.

    The test finds what the model says, by chance alone: its band contract holds, and the visits are enough to tell.
    """
    experiment = load_experiment(STUDY).model_copy(update={"learner": {}, "province": province})
    parts = {s: part(s, n, seed) for s, n, seed in zip(SEGMENTS, (1200, 2000, 8000), (1, 3, 4), strict=True)}
    nothing = pd.DataFrame()
    population = parts["test"].X
    learner = fitted(experiment, NAMES, parts["fit"], PARAMS)
    later = parts["calibrate"]
    model = assemble(
        booster_text=learner.booster_text(),
        linear=learner.linear_,
        tree_share=learner.tree_share,
        calibrator=fit_calibrator("platt", learner.decision_function(later.X), later.y),
        bands=load_bands(province),
        reference=learner.decision_function(population),
        indicator_names=NAMES,
        families=FAMILIES,
        directions=DIRECTIONS,
        nullable=["registered_capital"],
        province=province,
        catalogue_hash=catalogue_hash(CATALOGUE),
        policy_hash=policy_hash(province, *POLICIES),
        arm="random arm of a made-up province",
        about={"source_hash": "d" * 64},
    )
    found = outcomes(model.probability(model.margin(population)), 5)
    dataset = Dataset(
        parts={**parts, "test": replace(parts["test"], y=found)},
        folds=(),
        coding=CODING,
        names=NAMES,
        left_out=(),
        population=population,
        every=nothing,
        counts=nothing,
        dropped={},
        source_hash="d" * 64,
        as_of=date(2026, 1, 1),
    )
    return experiment, dataset, model


@lru_cache(maxsize=2)
def contract(province: str = "hebei") -> dict[str, Any]:
    """What the review of the study finds of the band contract."""
    experiment, dataset, model = study(province)
    test = dataset.parts["test"]
    margin = model.margin(test.X)
    score = np.round(model.score(margin), 1)
    visits = gather_visits(
        test.outcomes.assign(violation=test.y),
        probability=model.probability(margin),
        score=score,
        grade=model.grades(score),
    )
    return check_band_contract(visits, model.bands, load_contract(province), seed=experiment.seed).as_dict()


def judged(bands: str = "pass", drift: str = "pass", why: str = "", province: str = "hebei") -> dict[str, Any]:
    """``evaluation.json`` as the study's review writes it; another verdict on the contract is that of a group."""
    found = contract(province)
    of_group = {"check": "calibration_slope", "subject": "size micro", "attribute": "size", "group": "micro"}
    more = [] if bands == "pass" else [{**of_group, "verdict": bands, "text": why}]
    return {
        "band_contract": {**found, "verdict": bands, "checks": [*found["checks"], *more]},
        "drift": {"verdict": drift},
        "policies": {name: policy_hash(province, name) for name in JUDGED_BY},
    }


def tags(province: str = "hebei") -> dict[str, str]:
    """What training registers of where a version comes from."""
    _, dataset, model = study(province)
    return {
        "data_hash": dataset.source_hash,
        "catalogue_hash": model.catalogue_hash,
        "policy_hash": model.policy_hash,
        "experiment_hash": "e" * 64,
    }


def register(
    folder: Path,
    n: int = 1,
    *,
    evaluation: dict[str, Any] | None = None,
    inputs: bool = True,
    data: Dataset | None = None,
    model: RiskModel | None = None,
    province: str = "hebei",
    named: str = "demo",
    registered: str = LEGACY,
) -> str:
    """Log and register a version of the study ``named`` as training does; returns it.

    Under ``registered``: by default as before there was a model for each study, with plain numbers as versions.
    """
    experiment, dataset, fresh = study(province)
    made = (model or fresh).model_copy(update={"about": {"n": n, "source_hash": dataset.source_hash}})
    work = folder / f"work{n}"
    found_of_it = judged(province=province) if evaluation is None else evaluation
    out = work / "report"
    out.mkdir(parents=True, exist_ok=True)
    if found_of_it:
        (out / artifacts.EVALUATION).write_text(json.dumps(found_of_it), encoding="utf-8")
    if inputs:
        (out / artifacts.FROZEN).write_text("{}", encoding="utf-8")
    with runs.run(here(), named, f"run {n}") as run_id:
        found = tags(province)
        tags_of_run = {"kind": "training", "model_hash": made.content_hash}
        runs.log(here(), run_id, params={**found, "seed": experiment.seed}, tags=tags_of_run, files=out)
        found["model_hash"] = made.content_hash
        if inputs:
            found |= retrain.log_inputs(here(), run_id, work / "inputs", experiment, data or dataset, PARAMS, out)
        made.save(work / "bundle")
        version = versions.register(here(), run_id, work / "bundle", NAMES, found, model=registered)
        runs.log(here(), run_id, tags={"version": version})
    return version
