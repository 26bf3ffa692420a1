"""Fit of the linear part: ridge logistic regression whose coefficients have the sign that the catalogue states.

scipy's L-BFGS-B takes the signs as bounds. Besides the indicators it takes the visits' circumstances, which no
enterprise has at its next visit: common terms such as the arm's, and one shrunken term for each inspecting pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from threadpoolctl import threadpool_limits

from models.arrays import Floats
from models.errors import ModelError
from models.scoring.linear import Linear, signed_log
from models.study.circumstances import Circumstances

PAIR_SPREAD = 0.5
"""How far pairs of inspectors are expected to differ before a visit is seen, a standard deviation in log-odds."""
_TERM_RIDGE = 1e-6
_ITERATIONS = 2_000


@dataclass(frozen=True)
class Effects:
    """What circumstances add to the log-odds of a violation.

    Parameters
    ----------
    terms
        Of each common term, [c].
    pairs
        Of each inspecting pair, [p], shrunken; they weigh up to 0 over the visits of the fit.
    """

    terms: Floats
    pairs: Floats

    def of(self, seen: Circumstances) -> Floats:
        """Return the log-odds that visits have by their circumstances, [n]; a pair unknown to the fit adds 0."""
        known = (seen.pair >= 0) & (seen.pair < len(self.pairs))
        own = np.zeros(len(seen.pair))
        own[known] = self.pairs[seen.pair[known]]
        return np.asarray(seen.terms @ self.terms + own, dtype=np.float64)


def fit_linear(
    X: Floats,
    y: NDArray[np.generic],
    *,
    directions: Sequence[int],
    strength: float,
    weight: Floats | None = None,
    circumstances: Circumstances | None = None,
) -> tuple[Linear, Effects]:
    """Fit the linear part and the effects of the visits' circumstances together.

    Parameters
    ----------
    X, y, weight
        Indicators [n, k], NaN where unknown; outcomes 0/1 [n]; weights [n], only their ratios matter.
    directions
        -1, 0 or 1 per indicator: the sign of its coefficient, 0 for either.
    strength
        scikit-learn's C: the inverse of the penalty on squared coefficients of indicators scaled to a spread of 1.
    circumstances
        Of the visits; their effects are no part of the returned function.

    Notes
    -----
    Common terms are hardly penalised; a pair's term is drawn to 0 as by a normal prior of standard deviation
    `PAIR_SPREAD`. One thread computes, so that the same inputs give the same numbers.
    """
    if weight is not None and not np.all(weight > 0):
        kept = weight > 0  # a row of no weight is no row: it has no say in medians and ranges either
        seen_too = None if circumstances is None else circumstances.take(kept)
        return fit_linear(
            X[kept],
            y[kept],
            directions=directions,
            strength=strength,
            weight=weight[kept],
            circumstances=seen_too,
        )
    z = signed_log(X)
    missing = np.isnan(z)
    known = ~missing.all(axis=0)
    median = np.zeros(z.shape[1])
    median[known] = np.nanmedian(z[:, known], axis=0)
    low, high = median.copy(), median.copy()
    low[known], high[known] = np.nanmin(z[:, known], axis=0), np.nanmax(z[:, known], axis=0)
    z = np.where(missing, median, z)
    share = np.full(len(z), 1.0 / len(z)) if weight is None else np.asarray(weight, np.float64) / np.sum(weight)
    flagged = np.flatnonzero(missing.any(axis=0) & known)
    design = np.hstack([z, missing[:, flagged].astype(np.float64)])
    mean = share @ design
    spread = np.sqrt(share @ (design - mean) ** 2)
    used = spread > 1e-12
    scaled = np.zeros_like(design)
    scaled[:, used] = (design[:, used] - mean[used]) / spread[used]
    seen = Circumstances.none(len(z)) if circumstances is None else circumstances
    with threadpool_limits(1, user_api="blas"):
        theta = minimise(scaled, np.asarray(y, dtype=np.float64), share, seen, directions, strength)
    k, width, terms = z.shape[1], scaled.shape[1], seen.terms.shape[1]
    slope = np.zeros(width)
    slope[used] = theta[:width][used] / spread[used]
    pairs = theta[width + 1 + terms :]
    level = float(theta[width])
    if seen.pairs:
        # A pair's effect is told from the average visit: what all share belongs to the intercept.
        with_pair = seen.pair >= 0
        common = np.bincount(seen.pair[with_pair], share[with_pair], minlength=len(pairs)) @ pairs
        common /= max(float(share[with_pair].sum()), 1e-300)
        pairs, level = pairs - common, level + float(common)
    unknown, share_unknown = np.zeros(k), np.zeros(k)
    unknown[flagged], share_unknown[flagged] = slope[k:], mean[k:]
    found = Linear(
        intercept=level - float(slope @ mean),
        coefficients=tuple(slope[:k].tolist()),
        unknown=tuple(unknown.tolist()),
        median=tuple(median.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        mean=tuple(mean[:k].tolist()),
        share_unknown=tuple(share_unknown.tolist()),
    )
    return found, Effects(theta[width + 1 : width + 1 + terms].copy(), np.asarray(pairs, dtype=np.float64))


def minimise(
    design: Floats, y: Floats, share: Floats, seen: Circumstances, directions: Sequence[int], strength: float
) -> Floats:
    """Return the slopes, the intercept, the terms and the pairs' effects of least penalised loss."""
    n, width = design.shape
    terms, pairs = seen.terms.shape[1], seen.pairs
    ridge = np.full(width + 1 + terms + pairs, 1.0 / (strength * n))
    ridge[width], ridge[width + 1 : width + 1 + terms] = 0.0, _TERM_RIDGE
    ridge[width + 1 + terms :] = 1.0 / (PAIR_SPREAD**2 * n)
    with_pair = seen.pair >= 0
    number = seen.pair[with_pair]

    def objective(theta: Floats) -> tuple[float, Floats]:
        eta = design @ theta[:width] + theta[width] + seen.terms @ theta[width + 1 : width + 1 + terms]
        eta[with_pair] += theta[width + 1 + terms :][number]
        value = -float(share @ (y * log_expit(eta) + (1 - y) * log_expit(-eta))) + 0.5 * float(ridge @ theta**2)
        left = share * (expit(eta) - y)
        gradient = np.concatenate(
            [design.T @ left, [left.sum()], seen.terms.T @ left, np.bincount(number, left[with_pair], minlength=pairs)]
        )
        return value, gradient + ridge * theta

    start = np.zeros(len(ridge))
    rate = float(np.clip(share @ y, 1e-9, 1 - 1e-9))
    start[width] = np.log(rate / (1 - rate))
    signs = {0: (None, None), 1: (0.0, None), -1: (None, 0.0)}
    bounds = [signs[int(d)] for d in directions] + [(None, None)] * (len(ridge) - len(directions))
    options = {"ftol": 1e-12, "gtol": 1e-7, "maxiter": _ITERATIONS, "maxfun": 4 * _ITERATIONS}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    if not np.isfinite(found.x).all():
        raise ModelError("the linear part could not be fitted: its coefficients are not finite")
    return np.asarray(found.x, dtype=np.float64)
