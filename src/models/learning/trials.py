"""Trials as MLflow runs within the training run: each is logged when it ends, and none twice.

A search may outlive the training run that began it: the process is killed, or the study is trained again. Trials and
training runs therefore carry the id that the search has in its own storage, and the next training run of the search
takes over the trials of a run that did not end well; those of one that did stay where they are.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import ConfigError
from models.learning.search import Trial
from models.study.experiment import Experiment
from models.tracking import runs
from models.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

SEARCH, NUMBER, CONTINUES, CONTINUED_BY, PLACE = "search", "trial", "continues", "continued_by", "place"
"""Tags: id of the search; a trial's number; the run before; the run that follows; where a run is at work."""

_PARENT = "mlflow.parentRunId"
_MOST = 10_000


@contextmanager
def alone(folder: Path) -> Iterator[str]:
    """Hold a working folder for one training at a time and yield a digest of its path and this machine.

    The system lets go of it when the process ends, killed or not: who holds it knows that nobody else works there.

    Raises
    ------
    ConfigError
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".training").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise ConfigError(f"{folder}: another training is at work there; wait, or name another --work") from err
        # Of machine and path only a digest: what is logged names neither.
        yield hashlib.sha256(f"{platform.node()}:{folder.resolve()}".encode()).hexdigest()[:16]


def end_killed(store: Store, experiment: str, place: str, successor: str) -> None:
    """Mark the training runs of a held place that a kill left RUNNING as KILLED, and name the run that follows."""
    c = runs.client(store)
    for run in _runs(store, experiment, "tags.kind = 'training' and attributes.status = 'RUNNING'"):
        if run.data.tags.get(PLACE) == place and run.info.run_id != successor:
            runs.log(store, run.info.run_id, tags={CONTINUED_BY: successor})
            c.set_terminated(run.info.run_id, "KILLED")


class TrialLog:
    """Logs a search's trials within a training run.

    Parameters
    ----------
    store
        Where the runs are.
    experiment
        The study; its name is that of the MLflow experiment.
    run_id
        The training run.
    """

    def __init__(self, store: Store, experiment: Experiment, run_id: str) -> None:
        self._store = store
        self._experiment = experiment
        self._run_id = run_id
        self._search = ""

    def begun(self, search: str, trials: Sequence[Trial]) -> None:
        """Take over the trials that earlier runs of the search logged, and log those that they did not."""
        self._search = search
        c, study = runs.client(self._store), self._experiment.name
        of = f"tags.{SEARCH} = '{search}' and tags.kind"
        earlier = [r for r in _runs(self._store, study, f"{of} = 'training'") if r.info.run_id != self._run_id]
        keep = {r.info.run_id for r in earlier if r.info.status == "FINISHED"}
        logged = set()
        for run in _runs(self._store, study, f"{of} = 'trial'"):
            if run.info.status != "FINISHED":
                # Cut off while it was written: what is missing can't be told, so it is written again below.
                c.delete_run(run.info.run_id)
                continue
            logged.add(run.data.tags[NUMBER])
            if run.data.tags[_PARENT] not in keep:
                runs.log(self._store, run.info.run_id, tags={_PARENT: self._run_id})
        for run in earlier:
            if run.info.run_id not in keep and CONTINUED_BY not in run.data.tags:
                runs.log(self._store, run.info.run_id, tags={CONTINUED_BY: self._run_id})
        before = {CONTINUES: earlier[-1].info.run_id} if earlier else {}
        runs.log(self._store, self._run_id, tags={SEARCH: search, **self._objective, **before})
        for trial in trials:
            if str(trial.number) not in logged:
                self.ended(trial)

    def ended(self, trial: Trial) -> None:
        """Log a finished trial: its parameters, the loss at each origin it was judged at, and their mean."""
        name = self._experiment.tuning.objective
        tags = {"kind": "trial", SEARCH: self._search, NUMBER: str(trial.number), **self._objective}
        tags["given_up"] = str(trial.pruned).lower()
        # With the tags from the start: a run cut off before them would belong to no search.
        with runs.run(
            self._store, self._experiment.name, f"trial {trial.number}", parent=self._run_id, tags=tags
        ) as nested:
            found = {f"origin_{k}_{name}": loss for k, loss in enumerate(trial.losses, start=1)}
            runs.log(self._store, nested, params=dict(trial.params), metrics={f"mean_{name}": trial.loss, **found})

    @property
    def _objective(self) -> dict[str, str]:
        """The objective as tags: what it is called, and the share where it is that of a share."""
        tuning = self._experiment.tuning
        share = {"found_share": str(tuning.found_share)} if tuning.objective == "visits_needed" else {}
        return {"objective": tuning.objective, **share}


def _runs(store: Store, study: str, asked: str) -> list[Run]:
    """Return the runs of a study that a filter asks for, the earliest first."""
    where = runs.experiment_id(store, study)
    with runs.quiet():
        return list(
            runs.client(store).search_runs([where], asked, max_results=_MOST, order_by=["start_time", "run_id"])
        )
