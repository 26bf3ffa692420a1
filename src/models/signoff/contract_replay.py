"""The band contract of everyone, computed again from what a run logged, because its file alone is not trusted.

The logged inputs hold the test's visits without regions, sizes or industries, so the checks within groups can't be
made again, nor can the drift, which follows enterprises that were not visited.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.evaluation import TestVisits, check_band_contract, load_contract
from models.evaluation.verdicts import overall
from models.scoring.risk_model import RiskModel
from models.signoff.evaluation_file import Judged
from models.signoff.inputs import Inputs
from models.tracking.artifacts import EVALUATION

WIDTH = 12
"""Digits of an enterprise's number, so that numbers sort as text as they do as numbers."""


def logged_visits(inputs: Inputs, model: RiskModel) -> TestVisits:
    """Return the logged test visits with what a model says of them, as the review sees them but for groups."""
    rows, margin = inputs.segments["test"], model.margin(inputs.matrix("test"))
    score = np.round(model.score(margin), 1)
    drawn = not rows["apart"].to_numpy(dtype=np.bool_).any()
    frame = pd.DataFrame(
        {
            "enterprise_id": rows["enterprise"].astype(str).str.zfill(WIDTH),
            "cutoff": rows["cutoff"],
            "visited_on": rows["visited_on"],
            "y": inputs.outcome("test"),
            "severity": 0,
            "restates": 0,
            "weight": rows["drawn"] if drawn else 1.0,
            "probability": model.probability(margin),
            "score": score,
            "grade": model.grades(score),
        }
    )
    return TestVisits(frame, "random" if drawn else "mixed")


def contract_differs(told: Judged | None, inputs: Inputs, model: RiskModel, seed: int) -> list[str]:
    """Return where a run's judgement on the band contract differs from what its logged visits give.

    Parameters
    ----------
    told
        What the file says; None where it says nothing.
    inputs, model
        What the run logged of its fit, and the registered model.
    seed
        Of the study, as the review's simulations had it.

    Returns
    -------
    list of str
        A sentence each: a check on everyone with another verdict by today's ``contract.toml``, one too few or too
        many, or a verdict that its own checks don't come to. Empty where it is the same.

    Raises
    ------
    FenleiError
        If the logged visits are none that could be judged.
    """
    policy = load_contract(model.province)
    found = check_band_contract(logged_visits(inputs, model), model.bands, policy, seed=seed, attributes=())
    checks = told.checks if told is not None else ()
    said = {(c.check, c.subject): c.verdict for c in checks if not c.attribute}
    again: dict[tuple[str, str], str] = {(c.check, c.subject): c.verdict for c in found.checks}
    out = [
        f"{check} of {subject} is {again.get((check, subject), 'nothing to be judged')}, "
        f"{EVALUATION} says {said.get((check, subject), 'nothing')}"
        for check, subject in dict.fromkeys([*again, *said])
        if again.get((check, subject)) != said.get((check, subject))
    ]
    if told is not None and checks and told.verdict != (of_checks := overall(c.verdict for c in checks)):
        out.append(f"{EVALUATION} says {told.verdict}, its checks come to {of_checks}")
    return out
