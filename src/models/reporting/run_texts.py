"""Texts of a study, a run and a version for MLflow's pages: what a reviewer reads there before opening the report."""

from __future__ import annotations

from collections.abc import Mapping

from models.evaluation.metrics import Evaluation, Interval
from models.evaluation.verdicts import Verdict
from models.reporting.page import SCORER_TEXT, verdict
from models.review.review import Review
from models.study.dataset import Dataset, spans
from models.study.experiment import Experiment
from models.tracking.versions import SIGNED

MARK: dict[Verdict, str] = {"pass": "✅ pass", "fail": "❌ fail", "cannot tell": "⚠️ cannot tell"}
"""A verdict as MLflow's pages show it: the word says it without the sign."""

USE = """**Use 使用**
- `mlflow.pyfunc.load_model(uri).predict(frame)` answers with columns `score` and `probability`; the input example shows
  the frame.
- `mlflow.models.evaluate(uri, frame, targets="violation", model_type="regressor", predictions="probability",
  evaluator_config={"log_model_explainability": False})`: MLflow's own explainer takes no model of two columns.
"""
"""What a reviewer tries on a version, as it works."""


def experiment_text(experiment: Experiment) -> str:
    """Return what a study asks, on which records, by which policies, and where its file is."""
    split, arms = experiment.split, experiment.arms
    source = experiment.source.adapter
    records = "tables of the source contract" if source == "none" else f"published records, by the adapter `{source}`"
    return (
        f"**{experiment.title}**\n\n"
        f"A study of violation risk for inspections in `{experiment.province}`"
        f"{f', sector `{experiment.sector}`' if experiment.sector else ''}.\n\n"
        f"- Asks: which enterprises would be found in violation, learnt from {' and '.join(arms.learn)} visits, "
        f"measured on {' and '.join(arms.measure)} ones, out of time.\n"
        f"- Records: {records}; visits before {split.test_from} teach, those from {split.test_from} test.\n"
        f"- Policies: `data/policies/{experiment.province}/`; which versions may be signed says its `gate.toml`.\n"
        f"- File: `experiments/{experiment.name}.toml`.\n\n"
        "A run's description says its verdicts; its artifact `report.html` is what a reviewer signs by. Compare runs "
        "by `test/auc`, `baseline/*/auc_difference`, `contract/*` and `drift/*`."
    )


def run_text(
    experiment: Experiment,
    dataset: Dataset,
    evaluation: Evaluation,
    review: Review,
    *,
    arm: str,
    records: str,
    report: str = "",
) -> str:
    """Return a run's verdict in ten lines.

    Parameters
    ----------
    experiment, dataset, evaluation, review
        The run.
    arm
        Statement of the arm that its figures hold for.
    records
        What became of the source's rows, in one line.
    report
        Address of the report, where there is one to follow.
    """
    test = dataset.parts["test"].outcomes["visited_on"]
    lines = [
        f"**Band contract 风险等级约定**: {MARK[review.contract.verdict]}{_because(review)}",
        f"**Drift 漂移**: {MARK[_drift(review)]}. {review.stable.retrain.text}",
        f"**AUC**: {_of(evaluation.values['model']['auc'])} on {evaluation.visits:,} test visits with "
        f"{evaluation.violations:,} violations, {min(test)} to {max(test)}",
        *(
            f"**against {SCORER_TEXT.get(name, name)}**: AUC {_signed(row['auc'])}, {verdict('auc', row['auc'])}"
            for name, row in evaluation.differences.items()
        ),
        *(f"**worth 检查效益**: {d.text}" for d in review.earlier if d.codes == "all" and d.window == "month"),
        f"**arm 检查方式**: {arm}",
        f"**records**: as of {dataset.as_of}; {records}",
        f"**learnt from**: {len(dataset.parts['fit']):,} visits, {len(dataset.names)} indicators; "
        + "; ".join(f"{s} {first} to {last}" for s, (first, last) in spans(dataset).items()),
    ]
    text = "\n".join(f"- {line}" for line in lines)
    return text + (f"\n\n[The report 报告]({report})" if report else "")


def version_text(run: str, hashes: Mapping[str, str]) -> str:
    """Return a version's description: its run's verdict, how to try it, its hashes, and last who signed it.

    Parameters
    ----------
    run
        From `run_text`.
    hashes
        Registered with the version.
    """
    kept = "\n".join(f"- `{name}` {value}" for name, value in sorted(hashes.items()))
    return f"{run}\n\n{USE}\n**Hashes 哈希**\n{kept}{SIGNED}nobody has proposed it yet 尚未提请"


def _because(review: Review) -> str:
    """Return what decided the contract's verdict: the first check of that verdict, else the first reason."""
    contract = review.contract
    if contract.verdict == "pass":
        return ""
    why = [c.text for c in contract.checks if c.verdict == contract.verdict] + list(contract.reasons)
    return f": {why[0]}" if why else ""


def _drift(review: Review) -> Verdict:
    return review.stable.retrain.verdict


def _of(i: Interval) -> str:
    return f"{i.value:.3f} [{i.low:.3f}, {i.high:.3f}]"


def _signed(i: Interval) -> str:
    return f"{i.value:+.3f} [{i.low:+.3f}, {i.high:+.3f}]"
