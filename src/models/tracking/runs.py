"""Runs of a store: MLflow, kept quiet and in one place."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlparse
from urllib.request import url2pathname

# Set before MLflow is imported: it reads them then.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

with warnings.catch_warnings():
    # Some of its dependencies still warn at import; nothing a user could mend.
    warnings.simplefilter("ignore")
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric, Param, RunTag
    from mlflow.exceptions import MlflowException

from models.tracking.server import has_died
from models.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

MOST_METRICS = 500
KIND = "mlflow.experimentKind"
"""Tag of an experiment by which MLflow chooses the page that it opens on."""
MODELS = "workflowType=machine_learning"
"""Part of an address by which MLflow's pages are those of model training, whichever they were left at."""
NOTE = "mlflow.note.content"
"""Tag with the description that MLflow shows, in Markdown."""
STUDY = "study"
"""Parameter of a training run with the name of its study."""

T = TypeVar("T")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's and alembic's chatter and warnings off the user's screen; real errors still raise."""
    names = ("mlflow", "alembic", "alembic.runtime.migration", "mlflow.store.db.utils")
    before = {n: logging.getLogger(n).level for n in names}
    for n in names:
        logging.getLogger(n).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for n, level in before.items():
            logging.getLogger(n).setLevel(level)


def client(store: Store) -> MlflowClient:
    """Return a client of a store, making the store when it does not exist yet."""
    if store.artifacts is not None:
        store.artifacts.mkdir(parents=True, exist_ok=True)
    with quiet(), _one_maker(store):
        made = MlflowClient(store.uri, store.uri)
        if store.artifacts is not None:
            made.search_experiments(max_results=1)  # the first question makes the tables
        return made


@contextmanager
def _one_maker(store: Store) -> Iterator[None]:
    """Let one process at a time make a local database: of two that create its tables at once, one fails."""
    if store.artifacts is None:
        yield
        return
    with (store.artifacts / ".making").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def experiment_id(store: Store, name: str) -> str:
    """Return the MLflow experiment of a study, made when missing, its artifacts beside the database."""
    c = client(store)
    with quiet():
        found = c.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        where = (store.artifacts / name).as_uri() if store.artifacts is not None else None
        # Without the kind, MLflow opens a study on its page for language models.
        return str(c.create_experiment(name, artifact_location=where, tags={KIND: "custom_model_development"}))


def describe(store: Store, study: str, about: str) -> None:
    """Write what a study is about on its experiment's page, in Markdown."""
    c, where = client(store), experiment_id(store, study)
    runs_page = f"[All runs side by side 各次训练对比](#/experiments/{where}/runs?{MODELS})"
    with quiet():
        c.set_experiment_tag(where, NOTE, f"{about}\n\n{runs_page}")
        c.set_experiment_tag(where, KIND, "custom_model_development")


def log_records(store: Store, run_id: str, records: list[DatasetInput]) -> None:
    """Log what a run was given as its dataset inputs."""
    with quiet():
        client(store).log_inputs(run_id, records)


def artifact_page(store: Store, run_id: str, name: str) -> str:
    """Return the address, within MLflow's pages, of a file that a run logged."""
    return f"#/experiments/{get_run(store, run_id).info.experiment_id}/runs/{run_id}/artifacts/{name}?{MODELS}"


@contextmanager
def run(
    store: Store, experiment: str, name: str, *, parent: str | None = None, tags: dict[str, str] | None = None
) -> Iterator[str]:
    """Open a run and yield its id; it ends as FAILED when the block raises and the store still answers.

    ``parent`` nests it under another run, as tuning trials are; ``tags`` it has from the start.
    """
    c = client(store)
    given = {"mlflow.runName": name, "mlflow.source.name": "fenlei train", "mlflow.source.type": "LOCAL"}
    if parent is not None:
        given["mlflow.parentRunId"] = parent
    with quiet():
        started = c.create_run(experiment_id(store, experiment), tags=given | (tags or {}), run_name=name)
    run_id = str(started.info.run_id)
    try:
        yield run_id
    except BaseException:
        # What a dead server is told is tried again for minutes, and its failure would hide the first one.
        if not has_died(store.uri):
            c.set_terminated(run_id, "FAILED")
        raise
    c.set_terminated(run_id, "FINISHED")


def log(
    store: Store,
    run_id: str,
    *,
    params: dict[str, object] | None = None,
    metrics: dict[str, float] | None = None,
    tags: dict[str, str] | None = None,
    files: Path | None = None,
) -> None:
    """Write parameters, finite metrics, tags and a folder of artifacts to a run."""
    c = client(store)
    kept = {k: v for k, v in (metrics or {}).items() if v == v and abs(v) != float("inf")}
    # A server refuses more than a thousand at once, and every sampling plan adds some dozens.
    first, *rest = batched([Metric(k, float(v), 0, 0) for k, v in kept.items()], MOST_METRICS)
    with quiet():
        for more in rest:
            c.log_batch(run_id, more)
        c.log_batch(
            run_id,
            first,
            [Param(k, str(v)[:6000]) for k, v in (params or {}).items()],
            [RunTag(k, v) for k, v in (tags or {}).items()],
        )
        if files is not None:
            c.log_artifacts(run_id, str(files))


def batched(items: list[T], most: int) -> list[list[T]]:
    """Return the items in lists of at most so many; one empty list for none."""
    return [items[i : i + most] for i in range(0, len(items), most)] or [[]]


def started_on(store: Store, run_id: str) -> str:
    """Return the day a run began, ISO, UTC: MLflow's clock, for what is computed within a run."""
    return datetime.fromtimestamp(get_run(store, run_id).info.start_time / 1000, UTC).date().isoformat()


def log_folder(store: Store, run_id: str, folder: Path, name: str) -> None:
    """Write a folder to a run's artifacts under a name."""
    with quiet():
        client(store).log_artifacts(run_id, str(folder), name)


def get_run(store: Store, run_id: str) -> Run:
    """Return a run.

    Raises
    ------
    KeyError
        If the store has no such run.
    """
    try:
        with quiet():
            return client(store).get_run(run_id)
    except MlflowException as err:
        raise KeyError(f"no run {run_id!r} in {store.uri}") from err


def study_of(store: Store, run: Run) -> str:
    """Return the study that a run belongs to: by its parameter, which nobody can change, else by its experiment."""
    said = run.data.params.get(STUDY)
    if said is not None:
        return str(said)
    with quiet():
        return str(client(store).get_experiment(run.info.experiment_id).name)


def download(store: Store, uri: str, into: Path | None = None) -> Path:
    """Return an artifact as a local path: where it lies when the store is local, else a copy.

    ``into`` asks for a copy in that folder.
    """
    if into is None and uri.startswith("file:"):
        return Path(url2pathname(urlparse(uri).path))
    with quiet():
        where = into or tempfile.mkdtemp(prefix="fenlei-")
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(where), tracking_uri=store.uri))
