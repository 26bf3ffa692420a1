"""A year of stratified sampling with a model whose probabilities are exactly right, or wrong in a stated way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from models.evaluation import TestVisits
from models.scoring.classification import GRADES

HENAN = (0.01, 0.02, 0.10, 0.30)
CUTS = (0.09, 0.18, 0.35)
CENTRE, SPREAD = -2.62, 0.85
"""Log-odds of a violation among firms: class mix about 63/26/9/2, rates about 5/13/24/43 %."""


class Options(TypedDict, total=False):
    """What a year may differ in; `henan_rows` says what each means."""

    shares: tuple[float, ...]
    slope: float
    shift: float
    repeat: float
    noise: float
    months: int


@dataclass(frozen=True)
class Rows:
    """The same visits as plain arrays, for tests that draw thousands of years."""

    y: NDArray[np.float64]
    p: NDArray[np.float64]
    w: NDArray[np.float64]
    firm: NDArray[np.int64]
    grade: NDArray[np.int64]
    month: NDArray[np.int64]


def henan_rows(
    firms: int = 300_000,
    seed: int = 0,
    *,
    shares: tuple[float, ...] = HENAN,
    slope: float = 1.0,
    shift: float = 0.0,
    repeat: float = 0.0,
    noise: float = 0.0,
    months: int = 12,
) -> Rows:
    """Draw a year of visits: each firm by its class's share, in a month of its own.

    ``slope`` and ``shift`` make the truth differ from what is said: log-odds true = shift + slope * said.
    ``repeat`` is the share of visited firms that are visited again, with the same outcome. ``noise`` spoils the class
    the draw goes by (as the regulator's running class is not the model's): weights then differ within a class.
    """
    rng = np.random.default_rng([seed, 1])
    odds = CENTRE + SPREAD * rng.standard_normal(firms)
    cuts = logit(np.asarray(CUTS))
    drawn_by = odds + noise * rng.standard_normal(firms) if noise else odds
    share = np.asarray(shares)[np.searchsorted(cuts, drawn_by)]
    drawn = np.flatnonzero(rng.random(firms) < share)
    y = (rng.random(len(drawn)) < expit(shift + slope * odds[drawn])).astype(np.float64)
    month = rng.integers(0, months, len(drawn))
    if repeat:
        again = np.flatnonzero(rng.random(len(drawn)) < repeat)
        drawn, y = np.r_[drawn, drawn[again]], np.r_[y, y[again]]
        month = np.r_[month, rng.integers(0, months, len(again))]
    grade = np.searchsorted(cuts, odds[drawn])
    return Rows(y, expit(odds[drawn]), 1 / share[drawn], drawn.astype(np.int64), grade.astype(np.int64), month)


def true_rates() -> NDArray[np.float64]:
    """Violation rates of the classes A to D among all firms, by quadrature."""
    z = norm.ppf((np.arange(2_000_000) + 0.5) / 2_000_000)
    p = expit(CENTRE + SPREAD * z)
    grade = np.searchsorted(CUTS, p)
    return np.bincount(grade, weights=p) / np.bincount(grade)


def henan_year(
    firms: int = 300_000, seed: int = 0, *, groups: dict[str, int] | None = None, **options: Unpack[Options]
) -> TestVisits:
    """Return the year as tested visits; ``groups`` names group columns and their number of groups."""
    rows = henan_rows(firms, seed, **options)
    rng = np.random.default_rng([seed, 2])
    n, found = len(rows.y), rows.y.astype(int)
    first = pd.to_datetime([f"2025-{m + 1:02d}-01" for m in range(12)])[rows.month]
    frame = pd.DataFrame(
        {
            "enterprise_id": np.char.add("E", rows.firm.astype(str)),
            "cutoff": first,
            "visited_on": first + pd.to_timedelta(rng.integers(0, 28, n), unit="D"),
            "y": found,
            "severity": found * rng.integers(1, 6, n),
            "restates": found * (rng.random(n) < 0.3).astype(int),
            "weight": rows.w,
            "probability": rows.p,
            "score": np.interp(rows.p, [0, *CUTS, 1], [0, 200, 500, 750, 1000]),
            "grade": np.asarray(GRADES)[rows.grade],
        }
    )
    for name, count in (groups or {}).items():
        # By the enterprise, so that a firm visited twice stays in its group.
        frame[name] = [f"{name}{(int(f) * 2654435761 + len(name)) % 1_000_003 % count}" for f in rows.firm]
    return TestVisits(frame, "random")
