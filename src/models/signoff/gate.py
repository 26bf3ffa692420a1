"""The gate: what a version must pass before it is proposed and, again, before it is approved.

Each check says pass, fail or cannot tell, with what it saw. What fails can't be signed; what can't be told can be
signed only with a reason that is signed too, or as the province's ``gate.toml`` has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from features.errors import FenleiError
from features.policy import load_policy, policy_hash
from models.evaluation.verdicts import Verdict
from models.scoring.risk_model import RiskModel
from models.signoff.checks import LOOK, GatePolicy, Seen
from models.signoff.errors import ApprovalError
from models.signoff.evaluation_file import read_evaluation
from models.signoff.inputs import read_inputs
from models.signoff.record.rules import CHECKS
from models.signoff.record.signers import load_signers
from models.tracking import artifacts, runs, versions
from models.tracking.artifacts import BESIDE, EVALUATION, FOLDER
from models.tracking.names import LEGACY, model_name, split_version
from models.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

Say = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A version as the gate saw it: what would be signed, and the findings.

    Parameters
    ----------
    version, run, province, model_hash, inputs, policies
        As `models.signoff.record.entries.Entry` has them.
    findings
        One of each of `CHECKS`, in order.
    rule
        What holds where a check can't tell: "reason", "refuse" or "allow".
    """

    version: str
    run: str
    province: str
    model_hash: str
    inputs: dict[str, str]
    policies: dict[str, str]
    findings: tuple[Finding, ...]
    rule: str = "reason"

    @property
    def verdicts(self) -> dict[str, str]:
        """Check to verdict."""
        return {f.check: f.verdict for f in self.findings}

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        found = set(self.verdicts.values())
        return "fail" if "fail" in found else "cannot tell" if "cannot tell" in found else "pass"

    def not_passed(self) -> str:
        """One line for each finding that is no pass."""
        return "\n".join(f"  {f.check}: {f.verdict}: {f.why}" for f in self.findings if f.verdict != "pass")

    def render(self) -> Table:
        """Findings as a table."""
        out = Table(title=f"gate of version {self.version}: {self.verdict}")
        for column in ("check", "verdict", "what it saw"):
            out.add_column(column)
        for f in self.findings:
            out.add_row(f.check, f.verdict, Text(f.why))
        return out


def asks_signed_policies(province: str) -> bool:
    """Tell whether a province's ``gate.toml`` asks that two people have signed its policies before a model is."""
    return load_policy(province, "gate", GatePolicy).policies_must_be_signed


def bound(store: Store, version: str, inputs: Path | None, beside: dict[str, Path | None]) -> dict[str, str]:
    """Hashes that an entry binds beside the model's: as registered, but of the run's files as they are now."""
    found = {k: v for k, v in versions.inputs(store, version).items() if k not in ("inputs_hash", *beside)}
    if inputs is not None:
        found["inputs_hash"] = artifacts.bundle_hash(inputs)
    found |= {name: artifacts.file_hash(path) for name, path in beside.items() if path is not None}
    return dict(sorted(found.items()))


def _run(store: Store, version: str, run_id: str) -> Run:
    """Return the run of a version, whose files are the evidence."""
    try:
        run = runs.get_run(store, run_id)
    except KeyError as err:
        raise ApprovalError(
            f"run {run_id} of version {version} is not in {store.uri} any more, nor what it logged: train it again",
            f"the run of version {version} is gone",
        ) from err
    if run.info.lifecycle_stage != "active":
        raise ApprovalError(
            f"run {run_id} of version {version} was deleted: bring it back (mlflow runs restore), or train it again"
        )
    return run


def _of_the_province(store: Store, version: str, run: Run, model: RiskModel, policy: GatePolicy) -> None:
    """Hold that a version is of a study that its province has said it serves, and registered as that study's."""
    study = runs.study_of(store, run)
    if study not in policy.studies:
        raise ApprovalError(
            f"version {version} is of the study {study!r}; the gate of {model.province} admits "
            f"{', '.join(policy.studies)} (studies in gate.toml)",
            f"version {version} is of a study that its province does not admit",
        )
    registered, own = split_version(version)[0], model_name(model.province, study)
    if registered not in (LEGACY, own):
        raise ApprovalError(
            f"version {version} is registered as {registered}, but its model and its run are of {own}: train it again"
        )


def examine(store: Store, version: str, say: Say = lambda _: None, *, model: RiskModel | None = None) -> Gate:
    """Look at a registered version with every check.

    Parameters
    ----------
    store, version
        Where it is registered, and which it is.
    say
        Told of every step.
    model
        The version's, where it is loaded already; its files are hashed all the same.

    Raises
    ------
    FenleiError
        If the version doesn't exist, its model can't be read, its run is gone, or a policy of its province is wrong:
        then there is nothing that could be signed.
    """
    say("reading the version")
    folder = versions.bundle(store, version)
    model = RiskModel.load(folder) if model is None else model
    run_id = versions.run_id(store, version)
    run = _run(store, version, run_id)
    policy = load_policy(model.province, "gate", GatePolicy)
    _of_the_province(store, version, run, model, policy)
    inputs = versions.artifact(store, run_id, FOLDER)
    beside = {k: versions.artifact(store, run_id, name) for k, name in BESIDE.items()}
    evaluation = beside["evaluation_hash"]
    seen = Seen(
        version=version,
        run=run_id,
        model=model,
        bundle_hash=artifacts.bundle_hash(folder),
        tags=versions.inputs(store, version),
        params=dict(run.data.params),
        inputs=None,
        evaluation=None,
        policy=policy,
        actual=bound(store, version, inputs, beside),
    )
    try:
        seen.inputs = read_inputs(inputs) if inputs is not None else None
    except FenleiError as err:
        seen.wrong[FOLDER] = str(err)
    try:
        seen.evaluation = read_evaluation(evaluation) if evaluation is not None else None
    except ApprovalError as err:
        seen.wrong[EVALUATION] = str(err)
    findings = []
    for name in CHECKS:
        say(f"checking {name.replace('_', ' ')}")
        verdict, why = LOOK[name](seen)
        findings.append(Finding(name, verdict, why))
    policies = {"gate": policy_hash(model.province, "gate"), "signers": load_signers(store, model.province).hash}
    return Gate(
        version=version,
        run=run_id,
        province=model.province,
        model_hash=seen.bundle_hash,
        inputs=seen.actual,
        policies=policies,
        findings=tuple(findings),
        rule=seen.policy.unknown,
    )
