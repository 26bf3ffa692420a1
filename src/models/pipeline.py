"""Pipeline of one study, from its file to a registered version: the chain behind ``fenlei train``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from features.catalogue import catalogue_hash
from features.errors import SourceError
from features.given import PathLike, as_path
from features.records.store import opened
from models.evaluation import ClassRate
from models.evaluation.metrics import Evaluation, Interval
from models.learning.learner import Learned, learn
from models.learning.trials import PLACE, TrialLog, alone, end_killed
from models.reporting.gather import gather
from models.reporting.logged import example_of, records_of, version_tags
from models.reporting.report import render
from models.reporting.run_texts import experiment_text, run_text, version_text
from models.reporting.sections.left_out import left_out_lines, short_text
from models.reporting.terminal import contract_table, figures, lines, worth_table
from models.review.measure import arm_statement, measure, test_scores
from models.review.review import Review, review, write_review
from models.review.run_metrics import design_params, learned_metrics, metrics_of, own_plan, review_metrics
from models.settings import check_surroundings, checked_study
from models.signoff import inputs as retrain
from models.study.dataset import Dataset, build_dataset
from models.study.experiment import Experiment, experiment_hash
from models.study.indicators import catalogue, policies_hash
from models.study.panel import follow
from models.study.records import Prepared, account, prepare
from models.tracking import artifacts, runs, versions
from models.tracking.metric_names import headline
from models.tracking.names import model_name
from models.tracking.store import Store, checked_store

WORK = Path("data/generated")
SEARCHES = "tuning.db"
"""Database of the parameter searches, in the working folder."""
SCORES = "scores.parquet"
"""What the model says of each test visit, in the study's folder."""
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What a training run found and where it was written."""

    experiment: Experiment
    version: str
    run_id: str
    report: Path
    arm_statement: str
    evaluation: Evaluation
    without: Evaluation | None
    dataset: Dataset
    learned: Learned
    limits: tuple[str, ...]
    prepared: Prepared
    review: Review

    @property
    def classes(self) -> tuple[ClassRate, ...]:
        """The score classes on the test as the band contract has them: one source for every figure of a class."""
        return tuple(c for c in self.review.contract.classes if not c.direct)

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
            "indicators_left_out": [one.as_dict() for one in self.dataset.left_out],
            "windows_cut_short": dict(self.dataset.short),
            "test": self.evaluation.as_dict(),
            "test_without_6_and_B": None if self.without is None else self.without.as_dict(),
            "classes": [
                {
                    "class": c.grade,
                    "visits": c.visits,
                    "violations": c.violations,
                    "share": c.share,
                    "rate": Interval(c.rate, c.low, c.high).as_dict(),
                }
                for c in self.classes
            ],
            "review": self.review.as_dict(),
            "rolling_origins": [o.as_dict() for o in self.learned.origins],
            "arm_effect": self.learned.arm_effect,
            "limits": list(self.limits),
            "hashes": hashes(self.experiment, self.dataset),
            "source": self.prepared.as_dict(),
        }

    def render(self) -> Group:
        """Figures beside the baselines', contract, worth and drift in short tables, and the arm they hold for."""
        e = self.evaluation
        parts: list[Table | Text] = []
        if self.prepared.adapted is not None:
            parts.append(account(self.prepared.adapted))
        parts.append(figures(e, f"{self.experiment.name}: {e.visits:,} test visits, {e.violations:,} violations"))
        if self.without is not None:
            auc = self.without.values["model"]["auc"]
            parts.append(Text(f"without violations by result codes 6 and B alone: AUC {auc}"))
        if self.dataset.left_out:
            parts.append(left_out_lines(self.dataset.left_out))
        if self.dataset.short:
            parts.append(Text(short_text(self.dataset)))
        parts += [contract_table(self.review.contract), worth_table(self.review), *lines(self.review)]
        last = (
            f"records: {self.prepared.summary}",
            self.arm_statement,
            f"version {self.version}, report {self.report}",
        )
        parts += [Text(line) for line in last]
        return Group(*parts)


def hashes(experiment: Experiment, dataset: Dataset) -> dict[str, str]:
    """Hashes of everything a run depends on."""
    return {
        "data_hash": dataset.source_hash,
        "catalogue_hash": catalogue_hash(catalogue(experiment)),
        "policy_hash": policies_hash(experiment),
        "experiment_hash": experiment_hash(experiment),
    }


def train(
    experiment_path: PathLike,
    *,
    store: Store,
    data: PathLike | None = None,
    trials: int | None = None,
    work: PathLike = WORK,
    say: Say = lambda _: None,
) -> TrainResult:
    """Run a study: adapt, check, learn, measure beside the baselines, report, log, register.

    Parameters
    ----------
    experiment_path
        The experiment file.
    store
        Where the run is logged and the version registered.
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

    Examples
    --------
    With ``study`` an experiment file, and its records not there:

    >>> train(study, store=store, data=Path("nowhere"))
    Traceback (most recent call last):
        ...
    features.errors.SourceError: experiment demo: no source folder at nowhere; name it with --data
    """
    experiment = checked_study(as_path(experiment_path, "experiment file"), trials=trials)
    source = None if data is None else as_path(data, "data")
    if source is None or not source.is_dir():
        raise SourceError(f"experiment {experiment.name}: no source folder at {data}; name it with --data")
    place_of_work = as_path(work, "work")
    check_surroundings(checked_store(store), place_of_work / experiment.name, place_of_work / SEARCHES)
    with alone(place_of_work / experiment.name) as place:
        return _trained(store, experiment, source, trials, place_of_work, place, say)


def _trained(
    store: Store, experiment: Experiment, data: Path, trials: int | None, work: Path, place: str, say: Say
) -> TrainResult:
    """Run a study in a working folder that is held, under the name that it is held by."""
    own = work / experiment.name
    prepared = prepare(experiment.source, experiment.name, data, own, say)
    say(prepared.summary)
    with opened(prepared.clean) as records:
        say("computing the indicators")
        dataset = build_dataset(records, experiment, prepared.as_of)
        tags = {"kind": "training", PLACE: place}
        with runs.run(store, experiment.name, experiment.name, tags=tags) as run_id:
            runs.describe(store, experiment.name, experiment_text(experiment))
            end_killed(store, experiment.name, place, run_id)
            learned = learn(
                experiment,
                dataset,
                trials=experiment.tuning.trials if trials is None else trials,
                storage=work / SEARCHES,
                arm=arm_statement(experiment, dataset),
                say=say,
                log=TrialLog(store, experiment, run_id),
            )
            say("measuring")
            out = own / "report"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            measured = measure(experiment, dataset, learned)
            say("following the enterprises through the test")
            panel = follow(records, experiment, dataset.parts["test"].outcomes["visited_on"].max())
            say("contract, worth, fairness, drift")
            reviewed = review(records, experiment, dataset, learned, panel, measured.scorers)
            measures = metrics_of(measured) | review_metrics(reviewed) | learned_metrics(learned)
            write_review(reviewed, out, measures)
            # Beside the report, not among the run's files: it names enterprises.
            test_scores(dataset, learned.model).to_parquet(own / SCORES, index=False)
            report = out / "report.html"
            say("writing the report")
            found = hashes(experiment, dataset)
            day = runs.started_on(store, run_id)
            facts = {"MLflow run": run_id, "records": prepared.summary, **found}
            content = gather(
                store, experiment, dataset, learned, measured, reviewed, panel, folder=out, facts=facts, on=day
            )
            report.write_text(render(content), encoding="utf-8")
            said = partial(
                run_text, experiment, dataset, measured.evaluation, reviewed,
                arm=content.arm_statement, records=prepared.summary,
            )  # fmt: skip
            runs.log(
                store,
                run_id,
                params={
                    **learned.tuned.params,
                    "rounds": learned.rounds,
                    "calibration": learned.model.calibrator.kind,
                    "indicators": len(dataset.names),
                    "province": experiment.province,
                    runs.STUDY: experiment.name,
                    "seed": experiment.seed,
                    "as_of": prepared.as_of.isoformat(),
                    **{f"{s}_visits": len(p) for s, p in dataset.parts.items()},
                    **design_params(experiment),
                    **found,
                },
                metrics=headline(measures, own_plan(reviewed, experiment.province)),
                tags={
                    "kind": "training",
                    "arm": content.arm_statement,
                    "model_hash": learned.model.content_hash,
                    "band_contract": reviewed.contract.verdict,
                    "drift": reviewed.stable.retrain.verdict,
                    runs.NOTE: said(report=runs.artifact_page(store, run_id, report.name)),
                },
                files=out,
            )
            runs.log_records(store, run_id, records_of(dataset, experiment))
            say("registering")
            found["model_hash"] = learned.model.content_hash
            found |= retrain.log_inputs(
                store, run_id, own / artifacts.FOLDER, experiment, dataset, learned.tuned.params, out
            )
            bundle = own / "bundle"
            shutil.rmtree(bundle, ignore_errors=True)
            learned.model.save(bundle)
            version = versions.register(
                store,
                run_id,
                bundle,
                dataset.names,
                found | version_tags(experiment, reviewed),
                model=model_name(experiment.province, experiment.name),
                about=version_text(said(), found),
                example=example_of(dataset),
            )
            runs.log(store, run_id, tags={"version": version})
    return TrainResult(
        experiment=experiment,
        version=version,
        run_id=run_id,
        report=report,
        arm_statement=content.arm_statement,
        evaluation=measured.evaluation,
        without=measured.without,
        dataset=dataset,
        learned=learned,
        limits=tuple(content.limits),
        prepared=prepared,
        review=reviewed,
    )
