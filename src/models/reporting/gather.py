"""Gathering of the report's content from a finished run: every figure is found here, none while rendering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from features.catalogue.declaration import Indicator
from features.population.groups import group_name, groups_policy
from models.arrays import Floats
from models.evaluation.metrics import CALIBRATION_BINS, Sample, Scored
from models.learning.learner import Learned
from models.reporting.content.cases import most_wrong
from models.reporting.content.differences import against_approved
from models.reporting.content.shapes import shapes
from models.reporting.figures import plots
from models.reporting.figures.pictures import draw
from models.reporting.page import IndicatorRow, Page, Parts, verdict
from models.reporting.sections.left_out import short_text
from models.review.measure import Measured, arm_statement
from models.review.review import Review
from models.scoring.risk_model import RiskModel
from models.study.dataset import Dataset, spans
from models.study.experiment import Experiment
from models.study.indicators import catalogue
from models.study.panel import Panel
from models.tracking.store import Store

VERSIONS = ("fenlei", "lightgbm", "scikit-learn", "numpy", "duckdb")
FEW = 100
"""Visits below which a class's rate says little."""
MOST_EXPLAINED = 2000
"""Rows whose contributions are drawn: evenly spaced through the test."""
PICTURES = "pictures"
"""Folder of the shapes' PNGs, among the run's files."""


def gather(
    store: Store,
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
    indicators, figures = drawn(experiment, dataset, learned, measured, folder)
    tuned_by = "none"
    if tuned.trials:
        given_up = sum(t.pruned for t in tuned.trials)
        tuned_by = f"{len(tuned.trials)} trials ({given_up} given up), {experiment.tuning.objective} {tuned.value:.4f}"
    return Page(
        title=f"{experiment.title} ({experiment.name})",
        summary=(
            f"Learnt from {len(dataset.parts['fit']):,} visits and {len(dataset.names)} indicators, records as of "
            f"{dataset.as_of}; {learned.rounds} trees at a share of {model.tree_share:g}, {model.calibrator.kind} "
            f"calibration on {len(dataset.parts['calibrate']):,} visits after {len(dataset.folds)} rolling origins."
        ),
        arm_statement=arm_statement(experiment, dataset),
        learnt=dataset.counts.to_dict("records"),
        dropped=dataset.dropped,
        arm_effect=learned.arm_effect,
        evaluation=measured.evaluation,
        without=measured.without,
        parts=Parts(
            trees=learned.rounds,
            tree_share=model.tree_share,
            objective=experiment.tuning.objective,
            tried={} if learned.blend is None else learned.blend.losses,
            effects=learned.effects,
        ),
        indicators=indicators,
        review=review,
        origins=learned.origins,
        shapes=shapes(model, panel, known, folder / PICTURES),
        cases=most_wrong(model, dataset.parts["test"], review.visits, known),
        differences=against_approved(store, model, panel, known, on),
        plots={**figures, **draw(review, folder)},
        left_out=dataset.left_out,
        limits=[*limits(experiment, dataset, learned, measured), *review_limits(review)],
        indicator_zh={
            name: known[name].zh
            for name in (*model.indicator_names, *(g.name for g in dataset.left_out))
            if name in known
        },
        group_names=group_names(review, experiment.province),
        facts={
            **facts,
            "model": model.content_hash,
            "tuning": tuned_by,
            "parameters": ", ".join(f"{k} = {v}" for k, v in tuned.params.items()) or "defaults",
            "seed": str(experiment.seed),
            "versions": ", ".join(f"{name} {version(name)}" for name in VERSIONS),
            **{f"{s} from / to": " / ".join(map(str, span)) for s, span in spans(dataset).items()},
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


def labels(names: Sequence[str], known: Mapping[str, Indicator]) -> list[str]:
    """Indicator names for a picture: with the Chinese name where a font can draw it."""
    if plots.chinese_font() is None:
        return [n.replace("_", " ") for n in names]
    return [f"{known[n].zh} {n}" for n in names]


def strongest(
    model: RiskModel, parts: Floats, known: Mapping[str, Indicator], top: int = 20
) -> tuple[IndicatorRow, ...]:
    """Indicators by mean absolute contribution, the strongest first; those that never contribute are left out."""
    strength = np.abs(parts).mean(axis=0)
    order = [i for i in np.argsort(-strength, kind="stable")[:top] if strength[i] > 0]
    words = {1: "raises the risk", -1: "lowers the risk", 0: "either way"}
    return tuple(
        IndicatorRow(
            model.indicator_names[i],
            known[model.indicator_names[i]].zh,
            model.families[i],
            words[model.directions[i]],
            float(strength[i]),
        )
        for i in order
    )


def limits(experiment: Experiment, dataset: Dataset, learned: Learned, measured: Measured) -> list[str]:
    """What the reviewer must know before believing the page."""
    out = []
    for rival, row in measured.evaluation.differences.items():
        unsure = [m for m in ("auc", "average_precision", "precision_top_tenth") if verdict(m, row[m]) != "ahead"]
        if unsure:
            words = ", ".join(f"{m.replace('_', ' ')} {verdict(m, row[m])}" for m in unsure)
            out.append(f"Against {rival.replace('_', ' ')} the model is not ahead in: {words}.")
    if learned.model.score_map.unreachable:
        out.append(f"No score of this model reaches class {', '.join(learned.model.score_map.unreachable)}.")
    constant, uncovered = ([g for g in dataset.left_out if g.reason == why] for why in ("constant", "uncovered"))
    if constant:
        out.append(f"{len(constant)} indicators never vary in the fit and were left out; the table names them.")
    if uncovered:
        out.append(
            f"{len(uncovered)} indicators are covered for too small a part of the fit and were left out; the table "
            "names them, and the dates that would have kept them."
        )
    if dataset.short:
        out.append(short_text(dataset))
    if measured.without is None and experiment.label.codes == "all":
        out.append("No test visit is a violation by result codes 6 or B alone.")
    out.append("Classes here are by score alone; direct determinations (HB 12, 13) come on top.")
    out.append("Calibration error is never 0 on a finite sample, even for a perfect model.")
    return out


def drawn(
    experiment: Experiment, dataset: Dataset, learned: Learned, measured: Measured, folder: Path
) -> tuple[tuple[IndicatorRow, ...], dict[str, Path]]:
    """Return the strongest indicators on the test, and the plots of a run by name, drawn into ``folder``."""
    test, model, e = dataset.parts["test"], learned.model, experiment.evaluation
    known, scorers = catalogue(experiment), measured.scorers
    sample = Sample.of(test.y, test.enterprise, test.weight)
    shown = np.unique(np.linspace(0, len(test) - 1, min(MOST_EXPLAINED, len(test))).astype(int))
    parts = model.explain(test.X[shown]).contributions
    figures = {
        "reliability": plots.reliability(
            plots.reliability_bins(
                sample,
                _probability(scorers["model"]),
                bins=CALIBRATION_BINS,
                repetitions=e.repetitions,
                level=e.level,
                seed=experiment.seed,
            ),
            "random arm" if experiment.arms.measures_random else "no random arm",
        ),
        "precision_recall": plots.precision_recall(sample, scorers),
        "gain": plots.gain(sample, scorers),
        "shap_summary": plots.contributions(parts, test.X[shown], labels(model.indicator_names, known)),
    }
    named = {name: plots.save(figure, folder / f"{name}.png") for name, figure in figures.items()}
    return strongest(model, parts, known), named


def _probability(scored: Scored) -> Floats:
    if scored.probability is None:
        raise AssertionError("the model always has a probability")
    return scored.probability
