"""The rules alone, expert and fitted, measured beside the model on the same later visits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.records.store import opened
from fenlei.bench.common.page import markdown
from models.evaluation import ClassRate
from models.evaluation.metrics import Interval
from models.learning.learner import learn
from models.learning.scorecard_fit import FittedCard, fit_card
from models.review.cards import CardsMeasured, measure_cards
from models.review.measure import arm_statement
from models.study.dataset import build_dataset, spans
from models.study.experiment import Experiment
from models.study.records import prepare


@dataclass(frozen=True)
class RulesStudy:
    """One study's rules and model, measured on its test."""

    experiment: Experiment
    arm: str
    spans: dict[str, tuple[str, str]]
    learnt: int
    fitted: FittedCard
    found: CardsMeasured

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "experiment": self.experiment.name,
            "arm": self.arm,
            "spans": self.spans,
            "learnt_from": self.learnt,
            "entries": len(self.fitted.card.entries),
            "test": self.found.evaluation.as_dict(),
            "contracts": {name: c.verdict for name, c in self.found.contracts.items()},
        }


def study(experiment: Experiment, data: Path, work: Path, say: Callable[[str], None]) -> RulesStudy:
    """Learn a model and fit a card on the same rows, and measure both and the expert card on the visits after."""
    prepared = prepare(experiment.source, experiment.name, data, work / experiment.name, say)
    with opened(prepared.clean) as records, tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        say("computing the indicators")
        dataset = build_dataset(records, experiment, prepared.as_of)
        arm = arm_statement(experiment, dataset)
        learned = learn(experiment, dataset, trials=0, storage=Path(scratch) / "searches.db", arm=arm, say=say)
        fitted = fit_card(experiment, dataset, f"{experiment.name}-fitted", say)
        say("measuring")
        found = measure_cards(records, experiment, dataset, fitted, learned.model)
    return RulesStudy(experiment, arm, spans(dataset), len(dataset.parts["fit"]), fitted, found)


def block(one: RulesStudy) -> str:
    """Return a study's figures in Markdown: the ranking, then the classes."""
    e, (begin, end) = one.found.evaluation, one.spans["test"]
    lines = [
        f"Study `{one.experiment.name}`: {one.learnt:,} visits teach ({one.spans['fit'][0]} to {one.spans['fit'][1]}), "
        f"{e.visits:,} visits to {e.enterprises:,} enterprises test ({begin} to {end}), {e.violations:,} with a "
        f"violation. {one.arm} The fitted card has {len(one.fitted.card.entries)} entries.",
        "",
        _ranking(one),
        "",
        _classes(one),
    ]
    return "\n".join(lines)


def _ranking(one: RulesStudy) -> str:
    e = one.found.evaluation
    rows = []
    for name, row in e.values.items():
        less = e.differences.get(name, {}).get("auc")
        cells = [name, _interval(row["auc"]), "" if less is None else _interval(less, "+.3f")]
        cells += [_interval(row["precision_top_tenth"]), f"{row['log_loss'].value:.4f}"]
        rows.append([*cells, _interval(row["calibration_error"]), one.found.contracts[name].verdict])
    head = ["", "AUC", "fitted card less it", "rate in the riskiest tenth", "log loss", "calibration error", "contract"]
    return markdown(head, rows)


def _classes(one: RulesStudy) -> str:
    by_share = one.experiment.bands.anchor == "share"
    rows = []
    for name in one.found.contracts:
        for c in one.found.classes(name):
            promised = "by share" if by_share else f"{c.promised_low:.0%} to {c.promised_high:.0%}"
            seen = _rate(c)
            rows.append([name, c.grade, f"{c.visits:,}", f"{c.violations:,}", f"{c.share:.1%}", seen, promised])
    return markdown(["", "class", "visits", "violations", "share", "rate", "promised"], rows)


def _rate(c: ClassRate) -> str:
    return f"{c.rate:.1%} [{c.low:.1%}, {c.high:.1%}]" if c.visits else "–"


def _interval(i: Interval, form: str = ".3f") -> str:
    return f"{i.value:{form}} [{i.low:{form}}, {i.high:{form}}]"
