"""Cards from data, from a study's file to a points card and its runs: the chain behind ``fenlei card fit``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from features.catalogue import catalogue_hash
from features.errors import ConfigError, SourceError
from features.places import check_output
from features.policy import load_toml
from features.records.store import opened
from models.evaluation.metrics import Interval
from models.learning.learner import bands_of
from models.learning.scorecard_fit import FittedCard, fit_card
from models.reporting.card_page import card_page
from models.review.cards import EXPERT, FITTED, CardsMeasured, card_metrics, measure_cards
from models.review.measure import arm_statement
from models.review.run_metrics import design_params
from models.scoring.rules.card_text import card_text
from models.scoring.rules.scorecard import Scorecard, load_scorecard
from models.settings import checked_study
from models.study.dataset import Dataset, build_dataset, spans
from models.study.experiment import Experiment, experiment_hash
from models.study.indicators import catalogue, policies_hash
from models.study.records import prepare
from models.tracking import runs
from models.tracking.metric_names import headline
from models.tracking.reach import check_store
from models.tracking.store import Store

CARD, PAGE = "scorecard.toml", "card.html"
KIND = "card"
"""Tag of a run that is a card's: fitted or expert."""


@dataclass(frozen=True, kw_only=True)
class CardResult:
    """A fitted card, what it shows beside the expert's, and where both are logged."""

    experiment: Experiment
    fitted: FittedCard
    found: CardsMeasured
    file: Path
    page: Path
    run_ids: dict[str, str]
    arm: str

    def as_dict(self) -> dict[str, object]:
        """Plain values for ``--json``."""
        return {
            "experiment": self.experiment.name,
            "card": str(self.file),
            "page": str(self.page),
            "runs": self.run_ids,
            "entries": len(self.fitted.card.entries),
            "base": self.fitted.card.base,
            "rates_at_cuts": list(self.fitted.rates_at_cuts),
            "auc_out_of_time": list(self.fitted.path),
            "arm": self.arm,
            "test": self.found.evaluation.as_dict(),
            "classes": {
                name: [
                    {
                        "class": c.grade,
                        "visits": c.visits,
                        "violations": c.violations,
                        "share": c.share,
                        "rate": Interval(c.rate, c.low, c.high).as_dict(),
                        "promised": [c.promised_low, c.promised_high],
                    }
                    for c in self.found.classes(name)
                ]
                for name in self.found.contracts
            },
        }

    def render(self) -> Group:
        """Figures of both cards in short tables."""
        e = self.found.evaluation
        title = f"{self.experiment.name}: {e.visits:,} test visits, {e.violations:,} violations"
        out = Table(title=title)
        for head in ("", "AUC", *(f"rate of {c}" for c in "ABCD"), "contract"):
            out.add_column(head)
        for name, row in e.values.items():
            rates = [f"{c.rate:.1%} of {c.visits:,}" for c in self.found.classes(name)]
            out.add_row(name, str(row["auc"]), *rates, self.found.contracts[name].verdict)
        lines = (
            f"fitted less expert: AUC {e.differences[EXPERT]['auc']}",
            f"{len(self.fitted.card.entries)} entries, base {self.fitted.card.base:g}; risk at the cuts "
            + ", ".join(f"{rate:.1%}" for rate in self.fitted.rates_at_cuts),
            self.arm,
            f"card {self.file}, page {self.page}; both cards are runs of {self.experiment.name}: `fenlei compare`",
        )
        return Group(out, *map(Text, lines))


def fit(
    experiment_path: Path,
    *,
    store: Store,
    data: Path | None,
    output: Path,
    work: Path,
    say: Callable[[str], None] = lambda _: None,
) -> CardResult:
    """Fit a points card on a study, measure it beside the expert card, write it and log both.

    Parameters
    ----------
    experiment_path, data
        The study and its source folder.
    store
        Where the runs are logged.
    output
        The card, as a province's ``scorecard.toml``.
    work
        Folder for checked records.
    say
        Told of every step.

    Raises
    ------
    FenleiError
        If the study, a policy or the source is wrong, or no card can be made; nothing is written then.
    """
    experiment = checked_study(experiment_path)
    if data is None or not data.is_dir():
        raise SourceError(f"experiment {experiment.name}: no source folder at {data}; name it with --data")
    check_output(output, suffix=".toml")
    check_store(store)
    own = work / f"{experiment.name}_card"
    prepared = prepare(experiment.source, experiment.name, data, own, say)
    with opened(prepared.clean) as records:
        say("computing the indicators")
        dataset = build_dataset(records, experiment, prepared.as_of)
        fitted = fit_card(experiment, dataset, f"{experiment.name}-fitted", say)
        say("measuring")
        found = measure_cards(records, experiment, dataset, fitted)
    out = own / "card"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    arm = arm_statement(experiment, dataset)
    facts = _facts(experiment, dataset)
    text = card_text(fitted.card, _about(experiment, fitted, found, facts))
    (out / CARD).write_text(text, encoding="utf-8")
    if load_toml(out / CARD, Scorecard) != fitted.card:
        raise ConfigError(f"{out / CARD} does not read back as the card that was fitted")
    page = card_page(fitted, found, bands_of(experiment), study=experiment.title, arm=arm, facts=facts)
    (out / PAGE).write_text(page, encoding="utf-8")
    say("logging")
    run_ids = {name: _log(store, experiment, dataset, found, name, arm, out, fitted) for name in (EXPERT, FITTED)}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    return CardResult(
        experiment=experiment, fitted=fitted, found=found, file=output, page=out / PAGE, run_ids=run_ids, arm=arm
    )


def _facts(experiment: Experiment, dataset: Dataset) -> dict[str, str]:
    said = {part: " to ".join(days) for part, days in spans(dataset).items()}
    return {
        "as_of": dataset.as_of.isoformat(),
        **{f"{part}_days": days for part, days in said.items()},
        "data_hash": dataset.source_hash,
        "catalogue_hash": catalogue_hash(catalogue(experiment)),
        "policy_hash": policies_hash(experiment),
        "experiment_hash": experiment_hash(experiment),
    }


def _about(experiment: Experiment, fitted: FittedCard, found: CardsMeasured, facts: dict[str, str]) -> list[str]:
    """Lines at the head of the file: where the card comes from and what it shows."""
    auc = found.evaluation.values
    return [
        f"Points card 评分卡 fitted by `fenlei card fit` on the study {experiment.name}.",
        f"AUC on {found.evaluation.visits:,} later visits: {auc[FITTED]['auc']}; expert card {auc[EXPERT]['auc']}.",
        "Risk at the cuts, measured out of time: " + ", ".join(f"{rate:.3f}" for rate in fitted.rates_at_cuts) + ".",
        "Every entry: points from a threshold on; `missing`: points of an unknown value.",
        "It holds once it stands in a province's folder, is named in its bands.toml, and two people have signed it.",
        *(f"{name} {value}" for name, value in facts.items()),
    ]


def _log(
    store: Store,
    experiment: Experiment,
    dataset: Dataset,
    found: CardsMeasured,
    name: str,
    arm: str,
    out: Path,
    fitted: FittedCard,
) -> str:
    """Log one card as a run of the study, with the figures that a model's run has, and return the run."""
    expert = load_scorecard(bands_of(experiment).scorecard)
    card = fitted.card if name == FITTED else expert
    kind = name.partition(" ")[0]
    with runs.run(store, experiment.name, name, tags={"kind": "training", KIND: kind}) as run_id:
        facts = _facts(experiment, dataset)
        runs.log(
            store,
            run_id,
            params={
                "province": experiment.province,
                runs.STUDY: experiment.name,
                "seed": experiment.seed,
                KIND: card.name,
                "entries": len(card.entries),
                "base": card.base,
                **{k: v for k, v in facts.items() if k.endswith("_hash") or k == "as_of"},
                **design_params(experiment),
            },
            metrics=headline(card_metrics(found, name), ""),
            tags={"arm": arm, "band_contract": found.contracts[name].verdict, KIND: kind},
            files=out if name == FITTED else None,
        )
    return run_id
