"""The gate's checks: each looks at one thing and says pass, fail or cannot tell, with what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.stats import rankdata

from features.catalogue import CATALOGUE, catalogue_hash
from features.errors import FenleiError
from features.policy import Policy, policy_hash
from models.experiment import SEGMENTS
from models.retrain import EVALUATION, FOLDER, Inputs, computing, retrain
from models.risk_model import POLICIES, RiskModel
from models.signing.evaluation_file import EvaluationFile, Judged, Verdict
from models.splits import Assignment, check_order

TRAINED_FROM = ("data_hash", "catalogue_hash", "policy_hash", "experiment_hash")
"""What training registers of where a version comes from."""


class GatePolicy(Policy):
    """``gate.toml``: see the file."""

    single_auc: float = Field(gt=0.5, le=1.0)
    single_least: int = Field(ge=1)
    unknown: Literal["reason", "refuse", "allow"]


@dataclass
class Seen:
    """What the checks look at, read once.

    Parameters
    ----------
    version, run, model, bundle_hash
        The registered version, its run, its model and the SHA-256 over the model's files.
    tags, params, run_tags
        Hashes registered with the version; parameters and tags of its run.
    inputs, evaluation
        What the run logged of its fit and of its evaluation; None where it logged none, or nothing readable.
    policy
        The province's ``gate.toml``.
    wrong
        Artifact to what is wrong with it, where it could not be read.
    actual
        Hashes an entry would bind: as registered, and of the run's files as they are.
    """

    version: str
    run: str
    model: RiskModel
    bundle_hash: str
    tags: dict[str, str]
    params: dict[str, str]
    run_tags: dict[str, str]
    inputs: Inputs | None
    evaluation: EvaluationFile | None
    policy: GatePolicy
    wrong: dict[str, str] = field(default_factory=dict)
    actual: dict[str, str] = field(default_factory=dict)


Answer = tuple[Verdict, str]


def _files(seen: Seen) -> Answer:
    """The model's files are those that were registered."""
    registered, measured = seen.tags.get("bundle_hash"), seen.run_tags.get("model_hash")
    if registered is None:
        return "cannot tell", "the version was registered without the hash of its files"
    if registered != seen.bundle_hash:
        return "fail", f"its files hash to {seen.bundle_hash[:12]}…, registered was {registered[:12]}…"
    if measured is not None and measured != seen.model.content_hash:
        return "fail", f"it holds model {seen.model.content_hash[:12]}…, the run measured {measured[:12]}…"
    return "pass", f"its files are as registered ({registered[:12]}…)"


def _inputs(seen: Seen) -> Answer:
    """Every hash that the version, its run, its model and its logged files name is the same, and holds today."""
    tags, wrong = seen.tags, []
    for name in TRAINED_FROM:
        if name in tags and name in seen.params and tags[name] != seen.params[name]:
            wrong.append(f"{name} of the version is not its run's")
    stated = {"catalogue_hash": seen.model.catalogue_hash, "policy_hash": seen.model.policy_hash}
    stated["data_hash"] = str(seen.model.about.get("source_hash", tags.get("data_hash", "")))
    wrong += [f"{k} of the version is not its model's" for k, v in stated.items() if k in tags and tags[k] != v]
    if seen.inputs is not None and seen.inputs.data_hash != tags.get("data_hash"):
        wrong.append("the logged inputs come from other data than the version names")
    if seen.model.catalogue_hash != catalogue_hash(CATALOGUE):
        wrong.append("the catalogue of indicators is another than when it was trained")
    if seen.model.policy_hash != policy_hash(seen.model.province, *POLICIES):
        wrong.append("the province's policies are others than when it was trained")
    wrong += [
        f"{what} is not as the run logged it"
        for what, tag in ((EVALUATION, "evaluation_hash"), (f"{FOLDER}/", "inputs_hash"))
        if tag in tags and tags[tag] != seen.actual.get(tag)
    ]
    if wrong:
        return "fail", "; ".join(wrong)
    unknown = [name for name in TRAINED_FROM if name not in tags]
    if unknown:
        return "cannot tell", f"registered without {', '.join(unknown)}"
    return "pass", f"trained from data {tags['data_hash'][:12]}…, and catalogue and policies are those of today"


def _without_inputs(seen: Seen) -> Answer:
    if FOLDER in seen.wrong:
        return "fail", seen.wrong[FOLDER]
    return "cannot tell", f"the run logged no {FOLDER}/"


def _order(seen: Seen) -> Answer:
    """Each segment is later than the last, and its outcomes were known before the next began."""
    if seen.inputs is None:
        return _without_inputs(seen)
    rows = pd.concat([seen.inputs.segments[s] for s in SEGMENTS], ignore_index=True)
    names = np.repeat(SEGMENTS, [len(seen.inputs.segments[s]) for s in SEGMENTS])
    try:
        check_order(rows, Assignment(pd.Series(names, name="segment"), {}))
    except AssertionError as err:
        return "fail", str(err)
    late = int((rows["cutoff"] > rows["visited_on"]).sum())
    if late:
        return "fail", f"{late} rows have indicators of a day after the visit"
    return "pass", f"{len(rows):,} outcomes, each segment known before the next began"


def _single(seen: Seen) -> Answer:
    """No indicator alone tells the test's outcomes suspiciously well."""
    if seen.inputs is None:
        return _without_inputs(seen)
    X, y, policy = seen.inputs.matrix("test"), seen.inputs.outcome("test") == 1, seen.policy
    best, judged = (0.5, "none"), 0
    for at, name in enumerate(seen.inputs.names):
        known = ~np.isnan(X[:, at])
        for what, score, rows in ((name, X[:, at], known), (f"knowing {name}", known.astype(float), known | True)):
            if min(int(y[rows].sum()), int((~y[rows]).sum())) < policy.single_least:
                continue
            judged += 1
            found = _auc(score[rows], y[rows])
            best = max(best, (max(found, 1 - found), what))
    if judged == 0:
        return "cannot tell", f"fewer than {policy.single_least} visits with or without a violation in the test"
    text = f"the strongest alone is {best[1]}, AUC {best[0]:.3f} on the test; up to {policy.single_auc:g} is believed"
    return ("fail" if best[0] > policy.single_auc else "pass"), text


def _auc(score: np.ndarray, y: np.ndarray) -> float:
    """Probability that a violating visit outranks a clean one; ties count half."""
    bad = int(y.sum())
    return float((rankdata(score)[y].sum() - bad * (bad + 1) / 2) / (bad * (len(y) - bad)))


def _retrained(seen: Seen) -> Answer:
    """Fitted again from the logged inputs, it gives the same booster."""
    if seen.inputs is None:
        return _without_inputs(seen)
    if seen.inputs.names != seen.model.indicator_names:
        return "fail", "the logged inputs have other columns than the model"
    try:
        again = retrain(seen.inputs)
    except FenleiError as err:
        return "fail", str(err)
    if again == seen.model.booster_text:
        rows = len(seen.inputs.segments["fit"])
        return "pass", f"fitted again on {rows:,} logged visits, it gives the same booster, letter by letter"
    here = computing()
    other = [f"{k} {v}, here {here.get(k)}" for k, v in seen.inputs.computed_by.items() if here.get(k) != v]
    if other:
        return "cannot tell", f"it gives another booster, but it was trained with {'; '.join(other)}"
    return "fail", "fitted again from the logged inputs, it gives another booster"


def _judged(seen: Seen, of: Callable[[EvaluationFile], Judged | None], what: str) -> Answer:
    if EVALUATION in seen.wrong:
        return "fail", seen.wrong[EVALUATION]
    found = of(seen.evaluation) if seen.evaluation is not None else None
    if found is None:
        return (
            "cannot tell",
            f"the run's {EVALUATION} doesn't judge {what}" if seen.evaluation else f"the run logged no {EVALUATION}",
        )
    return found.verdict, found.why or f"{what}: {found.verdict}, as the run's {EVALUATION} says"


LOOK: dict[str, Callable[[Seen], Answer]] = {
    "files": _files,
    "inputs": _inputs,
    "order": _order,
    "single_indicators": _single,
    "retrained": _retrained,
    "bands": lambda seen: _judged(seen, lambda e: e.band_contract, "the band contract"),
    "drift": lambda seen: _judged(seen, lambda e: e.drift, "drift"),
}
