"""Arms: ways to learn from visits that are not a random sample.

A targeted visit (complaint, lead, alert) follows what the records don't show, so its outcomes run higher than those
of random visits to enterprises with the same records. Four ways to learn:

- *random arm alone* (``learn = ["random"]``): nothing to correct but the draw's own shares, and the fewest outcomes;
- *pooled* (``fit_weights = "equal"``, ``arm = "ignored"``): all outcomes as they come, the risk stands too high;
- *arm known* (``arm = "known"``): each targeted visit's log-odds of a violation carry one common term, the arm's
  effect, that is estimated with the trees and set to that of a random visit, 0, when scoring;
- *inverse probability* (``fit_weights = "inverse_probability"``): visits are weighted so that their indicators
  spread as the whole cohort's do. That mends who is visited at equal indicators, not what the records don't show.

Random visits may also be weighted by 1 / draw probability (``fit_weights = "design"``).
Which one holds against the truth is measured by ``fenlei bench learn``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from models.arrays import Bools, Floats
from models.learning.classifier import RiskClassifier
from models.study.weights import Rows

ROUNDS = 4
"""Times the arm's effect is estimated anew; it settles within a few hundredths of log-odds after three."""
SETTLED = 0.02


@dataclass(frozen=True)
class Fitted:
    """A fitted classifier and what it makes of the arm.

    Parameters
    ----------
    classifier
        Its margin is that of a random visit where the arm was known to the fit.
    effect
        Log-odds that a visit outside the random arm adds; None where the arm was ignored.
    """

    classifier: RiskClassifier
    effect: float | None = None


def fit_ignored(make: Callable[[], RiskClassifier], fit: Rows, stop: Rows) -> Fitted:
    """Fit without looking at the arm."""
    found = make().fit(fit.X, fit.y, sample_weight=fit.weight, eval_set=(stop.X, stop.y, stop.weight))
    return Fitted(found)


def fit_known(make: Callable[[], RiskClassifier], fit: Rows, stop: Rows) -> Fitted:
    """Fit trees and the arm's effect in turn, the effect on the later early-stopping rows.

    The effect is estimated on rows that the trees have not seen: on their own rows the trees would have taken up
    part of it.
    """
    effect = arm_effect(np.zeros(len(fit.y)), fit.y, fit.targeted, fit.weight)
    for turn in range(ROUNDS):
        found = fit_at(make, fit, stop, effect)
        if turn == ROUNDS - 1:
            break
        before, effect = effect, arm_effect(found.decision_function(stop.X), stop.y, stop.targeted, stop.weight)
        if abs(effect - before) < SETTLED:
            break
    return Fitted(found, effect)


def fit_at(
    make: Callable[[], RiskClassifier],
    fit: Rows,
    stop: Rows,
    effect: float,
) -> RiskClassifier:
    """Fit with the arm's effect held at a value."""
    later = (stop.X, stop.y, stop.weight, effect * stop.targeted)
    return make().fit(fit.X, fit.y, sample_weight=fit.weight, eval_set=later, offset=effect * fit.targeted)


def arm_effect(margin: Floats, y: NDArray[Any], targeted: Bools, weight: Floats | None = None) -> float:
    """Estimate the log-odds that visits outside the random arm carry at equal margins.

    Logistic regression of the outcome on a slope times the margin, an intercept and the arm, by maximum likelihood
    with a small ridge penalty; 0 when only one arm is there.

    Parameters
    ----------
    margin
        Of a model that knows nothing of these rows' outcomes, [n]; constant is allowed.
    y, targeted, weight
        As in `Rows`.
    """
    if targeted.all() or not targeted.any():
        return 0.0
    design = np.column_stack([margin - margin.mean(), np.ones(len(margin)), targeted.astype(np.float64)])
    share = np.ones(len(y)) / len(y) if weight is None else weight / weight.sum()
    sign = np.where(np.asarray(y) == 1, 1.0, -1.0)

    def loss(beta: Floats) -> tuple[float, Floats]:
        z = design @ beta
        value = -float(share @ log_expit(sign * z)) + 1e-6 * float(beta @ beta)
        gradient = -design.T @ (share * sign * expit(-sign * z)) + 2e-6 * beta
        return value, gradient

    return float(minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B").x[2])
