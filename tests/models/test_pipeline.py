"""One command from records to a registered version, with rivals beside it and every word kept."""

from __future__ import annotations

import getpass
import io
import json
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import optuna
import pytest
from mlflow.entities import Run
from rich.console import Console

from features.errors import ConfigError, SourceError
from features.records import store as record_store
from helpers.here import here
from helpers.root import ROOT
from helpers.signing import people
from models.learning.fit import study_classifier
from models.learning.learner import bands_of
from models.pipeline import TrainResult, train
from models.reporting import compare
from models.reporting.content.differences import against_approved
from models.scoring.risk_model import RiskModel
from models.signoff import approval
from models.study import labels
from models.study.experiment import load_experiment
from models.study.indicators import catalogue
from models.study.panel import Panel
from models.tracking import runs, versions
from models.tracking.metric_names import HEADLINE

FOLDER = ROOT / "experiments"
TRIALS = 3
Trained = tuple[TrainResult, TrainResult, list[str]]
"""What the first and the second training gave, and what both said."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's study with a seed of its own.

    With the demo's, the 488 visits that there are to test on here happen to show a calibration error as a perfect model
    does in one year of twenty-four, and a model that fails its contract can't be signed.
    """
    path = tmp_path_factory.mktemp("study") / "demo.toml"
    text = (FOLDER / "demo.toml").read_text(encoding="utf-8")
    assert "[origins]" not in text
    # Three origins that have as many months to tell of as the demo's six: the same year calibrates, in less time.
    text = text.replace("seed = 20260101", "seed = 20260102").replace(
        "[arms]", "[origins]\ncount = 3\nmonths = 4\n\n[arms]"
    )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def reading() -> Counter[str]:
    """How often the two trainings opened the clean folder and read the outcomes."""
    return Counter()


def counted(function: Callable[..., Any], calls: Counter[str], name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        calls[name] += 1
        return function(*arguments, **named)

    return call


@pytest.fixture(scope="module")
def trained(
    study: Path, province: Path, empty_store: Path, reading: Counter[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trained]:
    """The study on a small province, trained twice: three trials, then the same again."""
    home = tmp_path_factory.mktemp("trained")
    shutil.copy(empty_store, home / "mlflow.db")
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    patch.delenv("FENLEI_RECORDS", raising=False)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as counting:
        for module, name in ((record_store, "open_folder"), (labels, "outcomes_by_day")):
            counting.setattr(module, name, counted(getattr(module, name), reading, name))
        results = [
            train(study, store=here(), data=province, trials=TRIALS, work=home / "work", say=said.append)
            for _ in range(2)
        ]
    yield results[0], results[1], said
    patch.undo()


pytestmark = pytest.mark.slow


def test_a_training_opens_its_records_once_and_reads_the_outcomes_once(trained: Trained, reading: Counter[str]) -> None:
    """The stages of the split and of every rolling origin are parts of one read; two trainings were run."""
    assert reading == {"open_folder": 2, "outcomes_by_day": 2}


def test_the_model_and_its_rivals_stand_on_the_same_visits_with_intervals(trained: Trained) -> None:
    result: TrainResult = trained[0]
    e = result.evaluation
    assert set(e.values) == {"model", "scorecard", "past_rate", "logistic"}
    assert set(e.differences) == {"scorecard", "past_rate", "logistic"}
    for metric in ("auc", "average_precision", "precision_top_tenth"):
        for scorer in e.values:
            i = e.values[scorer][metric]
            assert i.low <= i.value <= i.high
    # 6,000 firms: far from a good model, but one that found what penalties and complaints say
    assert e.values["model"]["auc"].value > 0.6
    assert e.visits == len(result.dataset.parts["test"])


def test_learning_twice_gives_the_same_model_and_searches_only_once(trained: Trained) -> None:
    first, second, said = trained
    assert first.learned.model.content_hash == second.learned.model.content_hash
    assert first.evaluation == second.evaluation
    assert (first.version, second.version) == ("hebei.demo/1", "hebei.demo/2")
    assert [s for s in said if s.startswith("trial")] == [
        s for s in said[: said.index("registering")] if s.startswith("trial")
    ]


def evaluation_of(result: TrainResult) -> dict[str, Any]:
    """What a run says of itself in its ``evaluation.json``."""
    told: dict[str, Any] = json.loads((result.report.parent / "evaluation.json").read_text(encoding="utf-8"))
    return told


def test_the_run_holds_metrics_plots_hashes_and_the_model(trained: Trained) -> None:
    result = trained[0]
    run = runs.get_run(here(), result.run_id)
    auc = result.evaluation.values["model"]["auc"]
    assert len(run.data.metrics) <= 40
    assert run.data.metrics["test/auc"] == pytest.approx(auc.value)
    assert run.data.metrics["test/auc_low"] == pytest.approx(auc.low)
    every = evaluation_of(result)["metrics"]
    assert len(every) > 400
    for shown, name in HEADLINE.items():
        name = name.format(plan="hebei")
        assert (shown in run.data.metrics) == (name in every)
        assert run.data.metrics.get(shown) == pytest.approx(every.get(name))
    for name in ("days_earlier", "days_earlier_whole_test"):
        for rival in ("scorecard", "past_rate", "logistic"):
            its, less = every[f"{rival}_{name}"], every[f"{name}_minus_{rival}"]
            assert less == pytest.approx(every[name] - its)
            assert f"{name}_minus_{rival}_low" in every
    for k, o in enumerate(result.learned.origins, start=1):
        for name, i in (("auc", o.auc), ("log_loss", o.log_loss)):
            logged = [every[f"origin_{k}_{name}{end}"] for end in ("", "_low", "_high")]
            assert logged == pytest.approx([i.value, i.low, i.high])
            assert i.low < i.value < i.high
        assert every[f"origin_{k}_visits"] == o.visits
    for name in ("data_hash", "catalogue_hash", "policy_hash", "experiment_hash"):
        assert len(run.data.params[name]) == 64
    files = {f.path for f in runs.client(here()).list_artifacts(result.run_id)}
    assert {"reliability.png", "precision_recall.png", "gain.png", "shap_summary.png", "report.html"} <= files
    assert len(trial_runs(result.run_id)) == TRIALS
    assert run.data.tags["version"] == "hebei.demo/1"


def test_mlflows_pages_say_what_a_reviewer_needs_and_nothing_of_the_machine(trained: Trained) -> None:
    """Experiment, run and version: kind, descriptions, records, verdicts, hashes last; no path, host or user."""
    result = trained[1]
    client = runs.client(here())
    experiment = client.get_experiment_by_name("demo")
    assert experiment is not None
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert "experiments/demo.toml" in experiment.tags["mlflow.note.content"]
    run = client.get_run(result.run_id)
    note = run.data.tags["mlflow.note.content"]
    for said in ("Band contract", "Drift", "AUC", "against logistic regression", "arm", "records", "report.html"):
        assert said in note
    assert 8 <= note.count("\n- ") + 1 <= 12
    [(version)] = [v for v in client.search_model_versions("name = 'fenlei.hebei.demo'") if str(v.version) == "2"]
    assert {k: version.tags[k] for k in ("study", "province", "contract", "drift", "signed")} == {
        "study": "demo",
        "province": "hebei",
        "contract": result.review.contract.verdict,
        "drift": result.review.stable.retrain.verdict,
        "signed": "no",
    }
    about = str(version.description)
    assert about.startswith(note.partition("\n\n[")[0])
    assert about.index("AUC") < about.index("Hashes") < about.index("Sign-off")
    assert run.inputs is not None
    inputs = {i.tags[0].value: i.dataset for i in run.inputs.dataset_inputs}
    assert list(inputs) == ["fit", "calibrate", "test"]
    assert json.loads(str(inputs["test"].profile))["num_rows"] == result.evaluation.visits
    texts = [*run.data.tags.values(), *run.data.params.values(), *experiment.tags.values(), about]
    texts += [f"{d.source}{d.profile}{d.name}" for d in inputs.values()]
    machine = (str(Path.home()), platform.node(), getpass.getuser(), tempfile.gettempdir())
    assert not [t for t in texts for word in machine if word and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", str(t))]


def trial_runs(run_id: str) -> list[Run]:
    """The runs nested under a training run, by trial."""
    where = runs.get_run(here(), run_id).info.experiment_id
    found = runs.client(here()).search_runs([where], f"tags.`mlflow.parentRunId` = '{run_id}'")
    return sorted(found, key=lambda r: int(r.data.tags["trial"]))


def test_trained_again_no_trial_is_logged_again_and_the_run_says_where_they_are(trained: Trained) -> None:
    first, second, _ = trained
    assert [r.data.tags["trial"] for r in trial_runs(first.run_id)] == ["0", "1", "2"]
    assert trial_runs(second.run_id) == []
    assert runs.get_run(here(), second.run_id).data.tags["continues"] == first.run_id


KILLED = """
import os, signal, sys
from pathlib import Path
from typing import Any
import models.learning.learner as learning
from models.pipeline import train
from models.tracking.store import Store

judged, count = learning.origin_loss, 0

def origin_loss(*arguments):
    global count
    loss, count = judged(*arguments), count + 1
    if count == 5:  # the second trial's second origin is judged, and nobody has been told yet
        os.kill(os.getpid(), signal.SIGKILL)
    return loss

learning.origin_loss = origin_loss
study, data, trials, work = sys.argv[1:]
train(Path(study), store=Store.from_env(), data=Path(data), trials=int(trials), work=Path(work))
"""


def test_a_training_killed_between_the_origins_of_a_trial_goes_on_and_loses_and_repeats_none(
    trained: Trained, study: Path, province: Path, store: Path
) -> None:
    work = store / "work"
    command = [sys.executable, "-c", KILLED, str(study), str(province), str(TRIALS), str(work)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    storage = f"sqlite:///{work / 'tuning.db'}"
    (name,) = optuna.get_all_study_names(storage)
    done, cut_off = optuna.load_study(study_name=name, storage=storage).get_trials()
    assert (done.state.name, len(done.intermediate_values)) == ("COMPLETE", 3)
    assert (cut_off.state.name, len(cut_off.intermediate_values)) == ("RUNNING", 1)  # one origin of three was reported
    (dead,) = runs.client(here()).search_runs([runs.experiment_id(here(), "demo")], "tags.kind = 'training'")
    assert dead.info.status == "RUNNING"
    (logged,) = trial_runs(dead.info.run_id)
    assert (logged.data.tags["trial"], logged.info.status) == ("0", "FINISHED")

    said: list[str] = []
    resumed = train(study, store=here(), data=province, trials=TRIALS, work=work, say=said.append)
    assert resumed.learned.tuned == trained[0].learned.tuned
    assert resumed.learned.model.content_hash == trained[0].learned.model.content_hash
    assert [s.split(":")[0] for s in said if s.startswith("trial ")] == ["trial 2 of 3", "trial 3 of 3"]
    states = [t.state.name for t in optuna.load_study(study_name=name, storage=storage).get_trials()]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    logged_runs = trial_runs(resumed.run_id)
    assert [r.data.tags["trial"] for r in logged_runs] == ["0", "1", "2"]
    assert logged_runs[0].info.run_id == logged.info.run_id  # taken over, not written again
    for run, trial in zip(logged_runs, trained[0].learned.tuned.trials, strict=True):
        origins = {f"origin_{k}_log_loss": loss for k, loss in enumerate(trial.losses, start=1)}
        assert run.data.metrics == pytest.approx({"mean_log_loss": trial.loss, **origins})
    assert trial_runs(dead.info.run_id) == []
    was = runs.get_run(here(), dead.info.run_id)
    assert (was.info.status, was.data.tags["continued_by"]) == ("KILLED", resumed.run_id)
    assert compare.compare_runs(here())["version"].tolist() == [resumed.version]  # a run cut off has nothing to compare


def test_the_registered_version_scores_as_the_model_that_was_measured(trained: Trained) -> None:
    result = trained[0]
    model = RiskModel.load(versions.bundle(here(), result.version))
    X = result.dataset.parts["test"].frame[list(result.dataset.names)]
    with runs.quiet():
        logged = mlflow.pyfunc.load_model("models:/fenlei.hebei.demo/1")
        answer = logged.predict(X.reset_index(drop=True))
        tried = logged.predict(logged.input_example)
    assert np.array_equal(answer["score"], model.score(model.margin(result.dataset.parts["test"].X)))
    assert list(tried.columns) == ["score", "probability"]
    assert 0 < tried["probability"].iloc[0] < 1


def test_the_report_stands_alone_and_names_its_arm(trained: Trained) -> None:
    text = trained[0].report.read_text(encoding="utf-8")
    assert trained[0].arm_statement in text
    assert "random arm" in trained[0].arm_statement
    assert not re.search("https?:", text)  # "http" alone may stand in a picture's base64
    assert "No model is approved" in text
    for enterprise in re.findall(r"<code>(E\d+)</code>", text):
        assert enterprise in set(trained[0].dataset.parts["test"].outcomes["enterprise_id"])
    assert "<h3>Missed violations" in text


def test_a_report_after_another_run_is_the_same_but_for_the_run_it_names(
    trained: Trained, province: Path, tmp_path: Path
) -> None:
    first, second = (
        (Path(runs.download(here(), runs.get_run(here(), r.run_id).info.artifact_uri)) / "report.html").read_text(
            encoding="utf-8"
        )
        for r in trained[:2]
    )
    assert first.replace(trained[0].run_id, trained[1].run_id) == second


def test_the_answer_can_be_read_by_a_program_and_by_a_person(trained: Trained) -> None:
    plain = json.loads(json.dumps(trained[0].as_dict()))
    assert plain["version"] == "hebei.demo/1"
    assert plain["test"]["values"]["model"]["auc"]["low"] < plain["test"]["values"]["model"]["auc"]["high"]
    assert sum(c["visits"] for c in plain["classes"]) == plain["test"]["visits"]
    contract = {c["grade"]: c for c in plain["review"]["band_contract"]["classes"] if not c["direct"]}
    for c in plain["classes"]:
        own = contract[c["class"]]
        assert c["rate"] == {"value": own["rate"], "low": own["low"], "high": own["high"]}
        assert evaluation_of(trained[0])["metrics"][f"class_{c['class']}_rate_low"] == own["low"]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(trained[0].render())
    text = console.export_text()
    assert str(trained[0].evaluation.values["model"]["auc"]) in text
    assert "own past violation rate" in text
    assert "random arm" in text
    assert "band contract: cannot tell" in text
    assert "drift: " in text
    for w in trained[0].review.worth:
        assert w.name_zh in text
    assert len(text.splitlines()) < 80


def test_a_trained_version_passes_the_gate_can_be_signed_and_compared(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = compare.compare_runs(here(), [trained[0].run_id])
    assert frame["test/auc"].iloc[0] == pytest.approx(trained[0].evaluation.values["model"]["auc"].value)
    signers = people(tmp_path)
    monkeypatch.setenv("FENLEI_SIGNERS", str(signers.path))
    entry = approval.propose(
        here(), trained[0].version, "demo", key=signers.keys["li"], on="2026-01-01", accept_unknown="a small province"
    )
    # The small province has too few visits for the rest to be told; what needs no visits must hold.
    assert {entry.verdicts[check] for check in ("files", "inputs", "order", "retrained")} == {"pass"}
    # The gate judges the contract again from the logged visits: of an honest run it finds what the review found.
    assert entry.verdicts["bands"] == trained[0].review.contract.verdict
    approval.approve(here(), trained[0].version, key=signers.keys["wang"], on="2026-01-01")
    found = approval.approved_model(here())
    assert found is not None
    assert found[0].content_hash == trained[0].learned.model.content_hash
    test = trained[0].dataset.parts["test"].frame
    firms = test[~test.index.duplicated()]
    followed = Panel(firms, (max(firms.index.get_level_values("cutoff")).date(),))
    beside = against_approved(here(), found[0], followed, catalogue(trained[0].experiment))
    assert (beside.version, beside.changed, beside.problem) == ("hebei.demo/1", 0, "")
    assert (beside.approved_on, beside.entry) == ("2026-01-01", 1)
    assert beside.enterprises > 0
    approval.reject(here(), trained[0].version, "end of the test", key=signers.keys["wang"], on="2026-01-02")


def test_a_wrong_learner_parameter_or_band_is_named() -> None:
    experiment = load_experiment(FOLDER / "demo.toml")
    with pytest.raises(ConfigError, match="num_leafs"):
        study_classifier(experiment, ("years_operating",), {"num_leafs": 3})
    bad = experiment.model_copy(update={"bands": experiment.bands.model_copy(update={"rates": (0.3, 0.2, 0.4)})})
    with pytest.raises(ConfigError, match="rates"):
        bands_of(bad)


def test_a_missing_or_empty_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--data"):
        train(FOLDER / "demo.toml", store=here(), data=tmp_path / "nothing", work=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises((SourceError, ConfigError), match="as_of"):
        train(FOLDER / "demo.toml", store=here(), data=tmp_path / "empty", work=tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("study", ["beijing_culture", "beijing_miyun"])
def test_the_real_studies_run_and_say_there_is_no_random_arm(study: str, shared: Path, store: Path) -> None:
    result = train(FOLDER / f"{study}.toml", store=here(), data=shared / "data" / "beijing_open", work=store / "work")
    assert "no random arm" in result.arm_statement
    assert "no random arm" in result.report.read_text(encoding="utf-8")
    for rival in ("scorecard", "past_rate"):
        difference = result.evaluation.differences[rival]["auc"]
        assert difference.low < difference.value < difference.high
    assert result.evaluation.values["model"]["auc"].low < result.evaluation.values["model"]["auc"].high
