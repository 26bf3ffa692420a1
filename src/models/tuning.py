"""Search of the learner's parameters: seeded, and resumable from its storage after a kill.

Each trial's sampler is seeded by how many trials are complete, so a search that was killed and taken up again
proposes what an uninterrupted one would have; a trial that was under way is marked failed and proposed anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from models.experiment import Range, Tuning

Params = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class Tuned:
    """Best parameters, their objective (None without a search) and every complete trial."""

    params: Params
    value: float | None
    trials: tuple[tuple[int, Params, float], ...] = ()


def suggest(trial: Trial, space: dict[str, Range]) -> Params:
    """Ask a trial for one value of each searched parameter, in the order of the file."""
    out: Params = {}
    for name, r in space.items():
        if r.kind == "int":
            out[name] = trial.suggest_int(name, int(r.low), int(r.high), log=r.log)
        else:
            out[name] = trial.suggest_float(name, r.low, r.high, log=r.log)
    return out


def tune(
    objective: Callable[[Params], float],
    tuning: Tuning,
    *,
    base: Params,
    trials: int,
    seed: int,
    storage: Path,
    study: str,
    on_trial: Callable[[int, Params, float], None] | None = None,
) -> Tuned:
    """Minimise the objective over the search space.

    Parameters
    ----------
    objective
        Parameters (``base`` and the searched ones) to the out-of-time loss.
    tuning, base, trials, seed
        From the experiment; 0 trials return ``base`` untouched.
    storage
        Sqlite file of the searches; made when missing.
    study
        Name under which this search is kept: give it the hashes of data and experiment, so that a changed
        input starts a new search.
    on_trial
        Called after each new complete trial with its number, parameters and loss.
    """
    if not trials:
        return Tuned(dict(base), None)
    storage.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        kept = optuna.storages.RDBStorage(f"sqlite:///{storage.resolve()}")
        try:
            found = optuna.create_study(storage=kept, study_name=study, direction="minimize", load_if_exists=True)
            for left in found.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                found.tell(left.number, state=TrialState.FAIL)
            while (done := len(complete(found))) < trials:
                found.sampler = TPESampler(seed=seed + done, n_startup_trials=8, multivariate=True)
                trial = found.ask()
                asked = suggest(trial, tuning.space)
                loss = objective({**base, **asked})
                found.tell(trial, loss)
                if on_trial is not None:
                    on_trial(done, asked, loss)
            finished = complete(found)[:trials]
        finally:
            kept.engine.dispose()
    best = min(finished, key=lambda t: (t.value, t.number))
    return Tuned(
        {**base, **best.params},
        best.value,
        tuple((i, dict(t.params), float(t.value or 0.0)) for i, t in enumerate(finished)),
    )


def complete(study: optuna.Study) -> list[FrozenTrial]:
    """Complete trials of a study, oldest first."""
    return sorted(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)), key=lambda t: t.number)
