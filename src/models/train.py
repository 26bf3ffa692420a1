"""One study from its file to a registered version: the chain behind ``fenlei train``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from features.catalogue import CATALOGUE, catalogue_hash
from features.errors import SourceError
from features.policy import policy_hash
from models import registry, tracking
from models.dataset import Dataset, build
from models.experiment import Experiment, experiment_hash, load_experiment
from models.learning import Learned, learn
from models.measuring import Measured, arm_statement, limits, measure
from models.metrics import METRICS, Evaluation
from models.report import METRIC_TEXT, SCORER_TEXT, ClassRow, Page, render, verdict
from models.risk_model import POLICIES
from models.sourcing import Prepared, account, prepare

WORK = Path("data/generated")
Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainResult:
    """What a training run found and where it was written."""

    experiment: Experiment
    version: str
    run_id: str
    report: Path
    arm_statement: str
    evaluation: Evaluation
    without: Evaluation | None
    classes: tuple[ClassRow, ...]
    dataset: Dataset
    learned: Learned
    limits: tuple[str, ...]
    prepared: Prepared

    def as_dict(self) -> dict[str, object]:
        """Plain values for ``--json``."""
        return {
            "experiment": self.experiment.name,
            "version": self.version,
            "run": self.run_id,
            "report": str(self.report),
            "arm": self.arm_statement,
            "as_of": self.dataset.as_of.isoformat(),
            "indicators": list(self.dataset.names),
            "params": dict(self.learned.tuned.params),
            "rounds": self.learned.rounds,
            "calibration": self.learned.model.calibrator.kind,
            "learnt_from": [
                {k: str(v)[:10] if k in ("first", "last", "segment") else v for k, v in row.items()}
                for row in self.dataset.counts.to_dict("records")
            ],
            "left_out": self.dataset.dropped,
            "test": self.evaluation.as_dict(),
            "test_without_6_and_B": None if self.without is None else self.without.as_dict(),
            "classes": [
                {"class": c.grade, "visits": c.visits, "share": c.share, "rate": c.rate.as_dict()} for c in self.classes
            ],
            "limits": list(self.limits),
            "hashes": hashes(self.experiment, self.dataset),
            "source": self.prepared.as_dict(),
        }

    def render(self) -> Group:
        """Figures with intervals beside the rivals', the paired differences, and the arm they hold for."""
        e = self.evaluation
        parts: list[Table | Text] = [
            figures(e, f"{self.experiment.name}: {e.visits:,} test visits, {e.violations:,} violations")
        ]
        if self.without is not None:
            parts.append(figures(self.without, "without violations by result codes 6 and B alone"))
        if self.prepared.adapted is not None:
            parts.insert(0, account(self.prepared.adapted))
        last = (
            f"records: {self.prepared.summary}",
            self.arm_statement,
            f"version {self.version}, report {self.report}",
        )
        parts += [Text(line) for line in last]
        return Group(*parts)


def figures(evaluation: Evaluation, title: str) -> Table:
    """Model and rivals as columns; below a rival's figure, model less rival and what follows from it."""
    out = Table(title=title, show_lines=True)
    out.add_column("")
    for scorer in evaluation.values:
        out.add_column(SCORER_TEXT.get(scorer, scorer), justify="right")
    for metric in METRICS:
        cells = []
        for scorer, row in evaluation.values.items():
            cell = str(row.get(metric, "–"))
            difference = evaluation.differences.get(scorer, {}).get(metric)
            if difference is not None:
                cell += f"\nmodel {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
                cell += f"\n{verdict(metric, difference)}"
            cells.append(cell)
        out.add_row(METRIC_TEXT[metric][0], *cells)
    return out


def hashes(experiment: Experiment, dataset: Dataset) -> dict[str, str]:
    """Hashes of everything a run depends on."""
    return {
        "data_hash": dataset.source_hash,
        "catalogue_hash": catalogue_hash(CATALOGUE),
        "policy_hash": policy_hash(experiment.province, *POLICIES),
        "experiment_hash": experiment_hash(experiment),
    }


def metrics_of(measured: Measured) -> dict[str, float]:
    """Metrics under the names all runs share: ``auc``, ``auc_low``, ``scorecard_auc``, ``auc_minus_scorecard``…"""
    out: dict[str, float] = {}
    for prefix, evaluation in (("", measured.evaluation), ("without_6_and_B_", measured.without)):
        if evaluation is None:
            continue
        out |= {f"{prefix}test_visits": evaluation.visits, f"{prefix}test_violations": evaluation.violations}
        named = {
            f"{prefix}{'' if scorer == 'model' else scorer + '_'}{metric}": interval
            for scorer, row in evaluation.values.items()
            for metric, interval in row.items()
        } | {
            f"{prefix}{metric}_minus_{rival}": interval
            for rival, row in evaluation.differences.items()
            for metric, interval in row.items()
        }
        for name, i in named.items():
            out |= {name: i.value, f"{name}_low": i.low, f"{name}_high": i.high}
    for c in measured.classes:
        out |= {f"class_{c.grade}_share": c.share, f"class_{c.grade}_rate": c.rate.value}
    return out


def page(
    experiment: Experiment, dataset: Dataset, learned: Learned, measured: Measured, run_id: str, records: str
) -> Page:
    """Gather what the report says."""
    tuned = learned.tuned
    tuned_by = f"{len(tuned.trials)} trials, log loss {tuned.value:.4f}" if tuned.trials else "none"
    return Page(
        title=f"{experiment.title} ({experiment.name})",
        summary=(
            f"Learnt from {len(dataset.parts['fit']):,} visits and {len(dataset.names)} indicators, records as of "
            f"{dataset.as_of}; {learned.rounds} trees, {learned.model.calibrator.kind} calibration."
        ),
        arm_statement=arm_statement(experiment, dataset),
        learnt=dataset.counts.to_dict("records"),
        dropped=dataset.dropped,
        evaluation=measured.evaluation,
        without=measured.without,
        classes=measured.classes,
        indicators=measured.indicators,
        plots=measured.plots,
        limits=limits(experiment, dataset, learned, measured),
        facts={
            "MLflow run": run_id,
            "records": records,
            "model": learned.model.content_hash,
            **hashes(experiment, dataset),
            "tuning": tuned_by,
            "parameters": ", ".join(f"{k} = {v}" for k, v in tuned.params.items()) or "defaults",
            "seed": str(experiment.seed),
            **{
                f"{s} from / to": " / ".join(map(str, experiment.split.bounds(s)))
                for s in ("fit", "stop", "calibrate", "test")
            },
        },
    )


def train(
    experiment_path: Path,
    data: Path | None = None,
    trials: int | None = None,
    work: Path = WORK,
    say: Say = lambda _: None,
) -> TrainResult:
    """Run a study: adapt, check, learn, measure beside the rivals, report, log, register.

    Parameters
    ----------
    experiment_path
        The experiment file.
    data
        Source folder; the contract's tables, or what the adapter reads.
    trials
        Instead of the file's; 0 takes the learner's parameters as they stand.
    work
        Folder for checked records, search storage and reports.
    say
        Told of every step, for progress.

    Raises
    ------
    FenleiError
        If the file, a policy or the source is wrong; the message says what was expected.
    """
    experiment = load_experiment(experiment_path)
    if data is None or not data.is_dir():
        raise SourceError(f"experiment {experiment.name}: no source folder at {data}; name it with --data")
    own = work / experiment.name
    prepared = prepare(experiment.source, experiment.name, data, own, say)
    say(prepared.summary)
    say("computing the indicators")
    dataset = build(prepared.clean, experiment, prepared.as_of)
    with tracking.run(experiment.name, experiment.name) as run_id:
        learned = learn(
            experiment,
            dataset,
            trials=experiment.tuning.trials if trials is None else trials,
            storage=work / "tuning.db",
            arm=arm_statement(experiment, dataset),
            say=say,
        )
        for number, params, loss in learned.tuned.trials:
            with tracking.run(experiment.name, f"trial {number}", parent=run_id) as nested:
                tracking.log(nested, params=dict(params), metrics={"stop_log_loss": loss}, tags={"kind": "trial"})
        say("measuring")
        out = own / "report"
        shutil.rmtree(out, ignore_errors=True)
        measured = measure(experiment, dataset, learned, out)
        report = out / "report.html"
        content = page(experiment, dataset, learned, measured, run_id, prepared.summary)
        report.write_text(render(content), encoding="utf-8")
        found = hashes(experiment, dataset)
        tracking.log(
            run_id,
            params={
                **learned.tuned.params,
                "rounds": learned.rounds,
                "calibration": learned.model.calibrator.kind,
                "indicators": len(dataset.names),
                "province": experiment.province,
                "seed": experiment.seed,
                "as_of": prepared.as_of.isoformat(),
                **{f"{s}_visits": len(p) for s, p in dataset.parts.items()},
                **found,
            },
            metrics=metrics_of(measured),
            tags={"kind": "training", "arm": content.arm_statement, "model_hash": learned.model.content_hash},
            files=out,
        )
        say("registering")
        bundle = own / "bundle"
        shutil.rmtree(bundle, ignore_errors=True)
        learned.model.save(bundle)
        version = registry.register(run_id, bundle, dataset.names, found)
        tracking.log(run_id, tags={"version": version})
    return TrainResult(
        experiment,
        version,
        run_id,
        report,
        content.arm_statement,
        measured.evaluation,
        measured.without,
        measured.classes,
        dataset,
        learned,
        tuple(content.limits),
        prepared,
    )
