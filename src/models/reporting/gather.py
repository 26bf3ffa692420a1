"""Gather what the report says from a finished run: every figure is found here, none while rendering."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from features.group_names import group_name
from features.population.groups import groups_policy
from models.learning.learn import Learned
from models.reporting.content.cases import most_wrong
from models.reporting.content.differences import against_approved
from models.reporting.content.shapes import shapes
from models.reporting.figures.pictures import draw
from models.reporting.page import Page
from models.review.measure import Measured, arm_statement, limits
from models.review.review import Review
from models.study.dataset import Dataset
from models.study.experiment import SEGMENTS, Experiment
from models.study.indicators import catalogue
from models.study.panel import Panel

VERSIONS = ("fenlei", "lightgbm", "scikit-learn", "numpy", "duckdb")
FEW = 100
"""Visits below which a class's rate says little."""
PICTURES = "pictures"
"""Folder of the shapes' PNGs, among the run's files."""


def gather(
    experiment: Experiment,
    dataset: Dataset,
    learned: Learned,
    measured: Measured,
    review: Review,
    panel: Panel,
    *,
    folder: Path,
    facts: Mapping[str, str],
    on: str = "",
) -> Page:
    """Return the page of a run; its pictures are drawn into ``folder``.

    Parameters
    ----------
    experiment, dataset, learned, measured, review, panel
        The run.
    folder
        Of the run's files.
    facts
        Where it comes from: run id, records, hashes.
    on
        Day on which it is compared with the approved model, ISO.
    """
    known = catalogue(experiment)
    tuned, model = learned.tuned, learned.model
    tuned_by = "none"
    if tuned.trials:
        given_up = sum(t.pruned for t in tuned.trials)
        tuned_by = f"{len(tuned.trials)} trials ({given_up} given up), {experiment.tuning.objective} {tuned.value:.4f}"
    return Page(
        title=f"{experiment.title} ({experiment.name})",
        summary=(
            f"Learnt from {len(dataset.parts['fit']):,} visits and {len(dataset.names)} indicators, records as of "
            f"{dataset.as_of}; {learned.rounds} trees, {model.calibrator.kind} calibration."
        ),
        arm_statement=arm_statement(experiment, dataset),
        learnt=dataset.counts.to_dict("records"),
        dropped=dataset.dropped,
        arm_effect=learned.arm_effect,
        evaluation=measured.evaluation,
        without=measured.without,
        indicators=measured.indicators,
        review=review,
        origins=learned.origins,
        shapes=shapes(model, panel, known, folder / PICTURES),
        cases=most_wrong(model, dataset.parts["test"], review.visits, known),
        differences=against_approved(model, panel, known, on),
        plots={**measured.plots, **draw(review, folder)},
        limits=[*limits(experiment, dataset, learned, measured), *review_limits(review)],
        indicator_zh={name: known[name].zh for name in model.indicator_names if name in known},
        group_names=group_names(review, experiment.province),
        facts={
            **facts,
            "model": model.content_hash,
            "tuning": tuned_by,
            "parameters": ", ".join(f"{k} = {v}" for k, v in tuned.params.items()) or "defaults",
            "seed": str(experiment.seed),
            "versions": ", ".join(f"{name} {version(name)}" for name in VERSIONS),
            **{f"{s} from / to": " / ".join(map(str, experiment.split.bounds(s))) for s in SEGMENTS},
        },
    )


def group_names(review: Review, province: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return English and Chinese names of the review's groups, as far as they have any."""
    policy = groups_policy(province)
    named = {(g.attribute, g.group): group_name(g.attribute, g.group, policy) for g in review.fairness.groups}
    return {group: name for group, name in named.items() if name is not None}


def review_limits(review: Review) -> list[str]:
    """What the review can't show, in sentences."""
    out = list(review.contract.reasons)
    few = [c.grade for c in review.contract.classes if not c.direct and c.visits < FEW]
    if few:
        out.append(f"Fewer than {FEW} test visits in class {', '.join(few)}: their rates say little.")
    if review.contract.groups_small:
        out.append(
            f"{review.contract.groups_small} groups have too few tested visits to say whether their probabilities hold."
        )
    thin = [w for w in review.worth if w.what == "violations" and w.codes == "all" and w.effective_visits < 100]
    if thin:
        named = ", ".join(f"{w.plan.replace('_', ' ')} ({w.effective_visits:.0f})" for w in thin)
        out.append(
            f"Worth rests on few visits where a plan goes and the draws hardly went; counting as equal ones: {named}."
        )
    out.append(
        "Worth and days earlier don't see that being visited changes what the next visit finds; draws without a result "
        "are left out."
    )
    if review.stable.expected:
        out.append(review.stable.expected[-1].assumption)
    return out
