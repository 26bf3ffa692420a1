"""Search of the learner's parameters: seeded, and resumable from its storage after a kill.

Each trial's sampler is seeded by how many trials are complete, so a search that was killed and taken up again
proposes what an uninterrupted one would have; a trial that was under way is marked failed and proposed anew.
A trial is judged at one rolling origin after the other and given up when it falls behind.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from models.study.experiment import Range, Tuning

Params = dict[str, int | float | str | bool]
STARTUP = 8
"""Trials drawn at random before the sampler and the pruner learn from what they showed."""


@dataclass(frozen=True)
class Trial:
    """One finished trial.

    Parameters
    ----------
    number
        0, 1, …: position among the finished ones.
    params
        The searched parameters.
    losses
        Loss at each rolling origin it was judged at, the latest origin first.
    pruned
        Whether it was given up before the last origin.
    """

    number: int
    params: Params
    losses: tuple[float, ...]
    pruned: bool

    @property
    def loss(self) -> float:
        """Mean over the origins it was judged at."""
        return float(np.mean(self.losses))


@dataclass(frozen=True)
class Tuned:
    """Best parameters, their objective (None without a search) and every finished trial."""

    params: Params
    value: float | None
    trials: tuple[Trial, ...] = ()


def suggest(trial: optuna.Trial, space: dict[str, Range]) -> Params:
    """Ask a trial for one value of each searched parameter, in the order of the file."""
    out: Params = {}
    for name, r in space.items():
        if r.kind == "int":
            out[name] = trial.suggest_int(name, int(r.low), int(r.high), log=r.log)
        else:
            out[name] = trial.suggest_float(name, r.low, r.high, log=r.log)
    return out


def tune(
    losses: Callable[[Params], Iterable[float]],
    tuning: Tuning,
    *,
    base: Params,
    trials: int,
    seed: int,
    storage: Path,
    study: str,
    on_start: Callable[[str, Sequence[Trial]], None] | None = None,
    on_trial: Callable[[Trial], None] | None = None,
) -> Tuned:
    """Minimise the mean loss over the rolling origins.

    Parameters
    ----------
    losses
        Parameters (``base`` and the searched ones) to the loss at each origin, one after the other: what is not
        asked for need not be fitted.
    tuning, base, trials, seed
        From the experiment; 0 trials return ``base`` untouched. A trial that was pruned counts as one.
    storage
        Sqlite file of the searches; made when missing.
    study
        Name under which this search is kept: give it the hashes of data and experiment, so that a changed
        input starts a new search.
    on_start
        Called once with the id of the search, which it has from its first trial on, and the trials finished before.
    on_trial
        Called after each new finished trial.
    """
    if not trials:
        return Tuned(dict(base), None)
    storage.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        kept = optuna.storages.RDBStorage(f"sqlite:///{storage.resolve()}")
        pruner: BasePruner = MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=0) if tuning.prune else NopPruner()
        try:
            found = optuna.create_study(
                storage=kept, study_name=study, direction="minimize", load_if_exists=True, pruner=pruner
            )
            for left in found.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                found.tell(left.number, state=TrialState.FAIL)
            if on_start is not None:
                on_start(_search_id(found), [_as_trial(i, t) for i, t in enumerate(finished(found)[:trials])])
            while (done := len(finished(found))) < trials:
                found.sampler = TPESampler(seed=seed + done, n_startup_trials=STARTUP, multivariate=True)
                _one_more(found, losses, tuning, base)
                if on_trial is not None:
                    on_trial(_as_trial(done, finished(found)[-1]))
            ended = finished(found)[:trials]
        finally:
            kept.engine.dispose()
    best = min((t for t in ended if t.state == TrialState.COMPLETE), key=lambda t: (t.value, t.number))
    return Tuned({**base, **best.params}, best.value, tuple(_as_trial(i, t) for i, t in enumerate(ended)))


def _one_more(study: optuna.Study, losses: Callable[[Params], Iterable[float]], tuning: Tuning, base: Params) -> None:
    """Run one trial to its end, or until the pruner gives it up."""
    trial = study.ask()
    asked = suggest(trial, tuning.space)
    seen: list[float] = []
    for step, loss in enumerate(losses({**base, **asked})):
        seen.append(loss)
        trial.report(float(np.mean(seen)), step)
        if trial.should_prune():
            trial.set_user_attr("losses", seen)
            study.tell(trial, state=TrialState.PRUNED)
            return
    trial.set_user_attr("losses", seen)
    study.tell(trial, float(np.mean(seen)))


def _search_id(study: optuna.Study) -> str:
    """Return the study's id, made when missing: its name would come back when the storage is thrown away."""
    if "search" not in study.user_attrs:
        study.set_user_attr("search", uuid.uuid4().hex)
    return str(study.user_attrs["search"])


def _as_trial(number: int, trial: FrozenTrial) -> Trial:
    losses = tuple(float(v) for v in trial.user_attrs["losses"])
    return Trial(number, dict(trial.params), losses, trial.state == TrialState.PRUNED)


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Complete and pruned trials of a study, oldest first."""
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    return sorted(study.get_trials(deepcopy=False, states=states), key=lambda t: t.number)
