"""The gate's checks: each looks at one thing and says pass, fail or cannot tell, with what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.metrics import roc_auc_score

from features.catalogue import catalogue_for, catalogue_hash
from features.errors import FenleiError
from features.policy import Policy, policy_hash
from models.evaluation.policies import JUDGED_BY
from models.evaluation.verdicts import Verdict
from models.scoring.bands import BandPolicy, load_bands
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import POLICIES
from models.signoff.contract_replay import contract_differs
from models.signoff.evaluation_file import MOST, EvaluationFile, Judged
from models.signoff.inputs import Inputs, computing, retrain
from models.study.experiment import SEGMENTS
from models.study.splits import Assignment, SegmentOrderError, check_order
from models.tracking.artifacts import BESIDE, EVALUATION, FOLDER


class GatePolicy(Policy):
    """``gate.toml``: see the file."""

    studies: tuple[str, ...] = Field(min_length=1)
    single_auc: float = Field(gt=0.5, le=1.0)
    single_least: int = Field(ge=1)
    unknown: Literal["reason", "refuse", "allow"]
    policies_must_be_signed: bool = False


@dataclass(kw_only=True)
class Seen:
    """What the checks look at, read once.

    Parameters
    ----------
    version, run, model, bundle_hash
        The registered version, its run, its model and the SHA-256 over the model's files.
    tags, params
        Hashes registered with the version; parameters of its run, which hold the same hashes and which MLflow lets
        nobody change.
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
    inputs: Inputs | None
    evaluation: EvaluationFile | None
    policy: GatePolicy
    wrong: dict[str, str] = field(default_factory=dict)
    actual: dict[str, str] = field(default_factory=dict)


VerdictAndWhy = tuple[Verdict, str]


def _held(seen: Seen, name: str, found: str | None, what: str) -> list[str]:
    """Say where a hash that the run states, the one that the version states and the thing itself are not the same.

    A hash that is stated nowhere is no agreement: who can take a tag away could otherwise take the check away.
    """
    stated = {"its run": seen.params.get(name), "the version": seen.tags.get(name)}
    missing = " and ".join(who for who, said in stated.items() if said is None)
    if missing:
        return [f"{missing} states no {name}, as every training writes it: look who took it away, or train it again"]
    if found is None:
        return [f"{what} is not there, but its run logged it"]
    return [
        f"{name} of {what} is {found[:12]}…, {who} states {said[:12]}…"
        for who, said in stated.items()
        if said is not None and said != found
    ]


def _files(seen: Seen) -> VerdictAndWhy:
    """The model's files are those that were registered, and hold the model that was measured."""
    wrong = _held(seen, "bundle_hash", seen.bundle_hash, "its files")
    wrong += _held(seen, "model_hash", seen.model.content_hash, "the model in them")
    if wrong:
        return "fail", "; ".join(wrong)
    return "pass", f"its files are as registered ({seen.bundle_hash[:12]}…)"


def _inputs(seen: Seen) -> VerdictAndWhy:
    """Every hash that the version, its run, its model and its logged files name is the same, and holds today."""
    model = seen.model
    found = {
        "data_hash": (str(model.about.get("source_hash", "")), "the data its model names"),
        "catalogue_hash": (model.catalogue_hash, "the catalogue its model names"),
        "policy_hash": (model.policy_hash, "the policies its model names"),
        "experiment_hash": (seen.params.get("experiment_hash"), "the study"),
        "inputs_hash": (seen.actual.get("inputs_hash"), f"{FOLDER}/"),
        **{k: (seen.actual.get(k), name) for k, name in BESIDE.items()},
    }
    wrong = [line for name, (value, what) in found.items() for line in _held(seen, name, value, what)]
    if seen.inputs is not None and seen.inputs.data_hash != seen.tags.get("data_hash"):
        wrong.append("the logged inputs come from other data than the version names")
    if model.catalogue_hash != catalogue_hash(catalogue_for(model.indicator_names, model.province)):
        wrong.append("the catalogue of indicators is another than when it was trained")
    if model.policy_hash != policy_hash(model.province, *POLICIES):
        wrong.append("the province's policies are others than when it was trained")
    wrong += [*_own_bands(model), *_judged_by(seen)]
    if wrong:
        return "fail", "; ".join(wrong)
    return "pass", f"trained from data {seen.tags['data_hash'][:12]}…, and catalogue and policies are those of today"


def _own_bands(model: RiskModel) -> list[str]:
    """Say where the model's bands are not its province's: a study that sets its own sets what it is judged by."""
    promised = load_bands(model.province)
    differs = [
        f"{name} {getattr(model.bands, name)}, the province's {getattr(promised, name)}"
        for name in BandPolicy.model_fields
        if getattr(model.bands, name) != getattr(promised, name)
    ]
    return [f"its bands are its study's own, which can't be signed: {', '.join(differs)}"] if differs else []


def _judged_by(seen: Seen) -> list[str]:
    """Say which policies of the evaluation are not today's; another hash is in ``evaluation.json`` for good."""
    if seen.evaluation is None:
        return []
    out = []
    for name in JUDGED_BY:
        said = seen.evaluation.policies.get(name)
        if said is None:
            out.append(f"{EVALUATION} does not say which {name}.toml it was judged by; train it again")
        elif said != policy_hash(seen.model.province, name):
            out.append(f"it was judged by another {name}.toml than today's; train it again")
    return out


def _without_inputs(seen: Seen) -> VerdictAndWhy:
    if FOLDER in seen.wrong:
        return "fail", seen.wrong[FOLDER]
    return "cannot tell", f"the run logged no {FOLDER}/"


def _order(seen: Seen) -> VerdictAndWhy:
    """The test is later than what teaches and calibrates, whose outcomes were known before it began."""
    if seen.inputs is None:
        return _without_inputs(seen)
    rows = pd.concat([seen.inputs.segments[s] for s in SEGMENTS], ignore_index=True)
    names = np.repeat(SEGMENTS, [len(seen.inputs.segments[s]) for s in SEGMENTS])
    try:
        for before in ("fit", "calibrate"):
            check_order(rows, Assignment(pd.Series(names, name="segment"), {}), (before, "test"))
    except SegmentOrderError as err:
        return "fail", str(err)
    late = int((rows["cutoff"] > rows["visited_on"]).sum())
    if late:
        return "fail", f"{late} rows have indicators of a day after the visit"
    return "pass", f"{len(rows):,} outcomes; what teaches and calibrates was known before the test began"


def _single(seen: Seen) -> VerdictAndWhy:
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
            found = float(roc_auc_score(y[rows], score[rows]))
            best = max(best, (max(found, 1 - found), what))
    if judged == 0:
        return "cannot tell", f"fewer than {policy.single_least} visits with or without a violation in the test"
    text = f"the strongest alone is {best[1]}, AUC {best[0]:.3f} on the test; up to {policy.single_auc:g} is believed"
    return ("fail" if best[0] > policy.single_auc else "pass"), text


def _retrained(seen: Seen) -> VerdictAndWhy:
    """Fitted again from the logged inputs, it gives the same booster and the same linear part."""
    if seen.inputs is None:
        return _without_inputs(seen)
    if seen.inputs.names != seen.model.indicator_names:
        return "fail", "the logged inputs have other columns than the model"
    try:
        again = retrain(seen.inputs)
    except FenleiError as err:
        return "fail", str(err)
    model = seen.model
    if (again.booster_text(), again.linear_, again.tree_share) == (model.booster_text, model.linear, model.tree_share):
        rows = len(seen.inputs.segments["fit"])
        return "pass", f"fitted again on {rows:,} logged visits, it gives the same model, letter by letter"
    if other := _computed_elsewhere(seen.inputs):
        return "cannot tell", f"it gives another model, but it was trained with {other}"
    return "fail", "fitted again from the logged inputs, it gives another model"


def _computed_elsewhere(inputs: Inputs) -> str:
    """Say with what else than here the run computed; empty where nothing differs."""
    here = computing()
    return "; ".join(f"{k} {v}, here {here.get(k)}" for k, v in inputs.computed_by.items() if here.get(k) != v)


def _judged(seen: Seen, of: Callable[[EvaluationFile], Judged | None], what: str) -> VerdictAndWhy:
    if EVALUATION in seen.wrong:
        return "fail", seen.wrong[EVALUATION]
    found = of(seen.evaluation) if seen.evaluation is not None else None
    if found is None:
        return (
            "cannot tell",
            f"the run's {EVALUATION} doesn't judge {what}" if seen.evaluation else f"the run logged no {EVALUATION}",
        )
    return found.verdict, found.why or f"{what}: {found.verdict}, as the run's {EVALUATION} says"


def _bands(seen: Seen) -> VerdictAndWhy:
    """The contract holds, as the run's file says; and of everyone the logged visits say the same again."""
    told = seen.evaluation.band_contract if seen.evaluation is not None else None
    verdict, why = _judged(seen, lambda e: e.band_contract, "the band contract")
    if verdict == "fail" or seen.inputs is None:
        return verdict, why
    seed = seen.params.get("seed", "")
    if not seed.isdecimal():
        return "fail", f"its run states the seed {seed!r}, expected a number as every training logs; train it again"
    try:
        wrong = contract_differs(told, seen.inputs, seen.model, int(seed))
    except FenleiError as err:
        return "fail", f"the logged visits can't be judged again: {err}"
    if not wrong:
        return verdict, f"{why}; for everyone, the logged visits say it again"
    text = f"judged again on the logged visits: {'; '.join(wrong[:MOST])}"
    other = _computed_elsewhere(seen.inputs)
    return ("cannot tell", f"{text}; but it was trained with {other}") if other else ("fail", text)


LOOK: dict[str, Callable[[Seen], VerdictAndWhy]] = {
    "files": _files,
    "inputs": _inputs,
    "order": _order,
    "single_indicators": _single,
    "retrained": _retrained,
    "bands": _bands,
    "drift": lambda seen: _judged(seen, lambda e: e.drift, "drift"),
}
