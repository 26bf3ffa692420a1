"""Verdicts: pass, fail, or cannot tell with how many visits would."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

Verdict = Literal["pass", "fail", "cannot tell"]
NAN = float("nan")
MOST_VISITS = 10**9
"""More than this and no number of visits is named."""


@dataclass(frozen=True)
class Check:
    """One promise and what the visits say of it.

    Parameters
    ----------
    check
        "rise", "range", "calibration_error" or "calibration_slope".
    subject
        What is looked at: "A<B", a class, "everyone", or the group.
    verdict, text
        See `models.evaluation.band_contract.contract`; the text says it in a sentence.
    visits
        Visits it rests on.
    attribute, group
        The group column and its value; empty for everyone.
    value, low, high
        The figure and its interval; the interval of a calibration error is what a perfect model would show.
    promised_low, promised_high
        Where the promise wants it.
    p_value, p_adjusted
        Against the promise, alone and after Holm's correction for the groups looked at; NaN where no test is made.
    visits_to_tell
        Visits of the same mix with which a model that is right would pass (or one whose own probabilities break the
        promise fail) with the stated power; None where the verdict is not "cannot tell", or no number would do.
    power
        Chance of seeing an error that matters with these visits; NaN where the check is an interval.
    """

    check: str
    subject: str
    verdict: Verdict
    text: str
    visits: int
    attribute: str = ""
    group: str = ""
    value: float = NAN
    low: float = NAN
    high: float = NAN
    promised_low: float = NAN
    promised_high: float = NAN
    p_value: float = NAN
    p_adjusted: float = NAN
    visits_to_tell: int | None = None
    power: float = NAN

    def as_dict(self) -> dict[str, Any]:
        """Plain values; NaN as None, which JSON has."""
        return plain(self)


def plain(item: Any) -> dict[str, Any]:
    """Return a dataclass as nested plain values: NaN and infinities as None, tuples as lists."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(k): clean(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(v) for v in value]
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if isinstance(value, (int, np.integer)):
            return int(value)
        if isinstance(value, (float, np.floating)):
            return float(value) if math.isfinite(value) else None
        return value

    found = clean(asdict(item))
    assert isinstance(found, dict)
    return found


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Fail if any fails; cannot tell if none fails but something can't be told; pass otherwise."""
    seen = set(verdicts)
    if "fail" in seen:
        return "fail"
    return "cannot tell" if "cannot tell" in seen or not seen else "pass"


def inside(low: float, high: float, promised: tuple[float, float]) -> Verdict:
    """Tell whether an interval lies inside a range (pass), outside it (fail), or straddles an end (cannot tell)."""
    if math.isnan(low) or math.isnan(high):
        return "cannot tell"
    if high < promised[0] or low > promised[1]:
        return "fail"
    return "pass" if low >= promised[0] and high <= promised[1] else "cannot tell"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the given order: sure of the family-wise error whatever the dependence.

    Holm (1979), Scandinavian Journal of Statistics 6. NaN stays NaN and is no member of the family.
    """
    out = [NAN] * len(p_values)
    family = sorted((i for i, p in enumerate(p_values) if not math.isnan(p)), key=lambda i: p_values[i])
    least = 0.0
    for rank, i in enumerate(family):
        least = max(least, min(1.0, (len(family) - rank) * p_values[i]))
        out[i] = least
    return out


def se_to_tell(truth: float, promised: tuple[float, float], level: float, power: float) -> float | None:
    """Return the greatest standard error with which an interval about ``truth`` would give its verdict.

    The verdict is pass for a truth inside the range, fail outside; ``power`` is its chance. The estimate counts as
    normal about the truth. Planned for a stated truth, never for the estimate seen: power at the estimate says
    nothing that its interval doesn't (Hoenig and Heisey 2001). None where the truth sits at an end of the range.
    """
    low, high = promised
    z = float(norm.ppf(0.5 + level / 2))
    if not low < truth < high:
        away = max(low - truth, truth - high)
        return away / (z + float(norm.ppf(power))) if away > 0 else None

    def chance(se: float) -> float:
        above = norm.cdf((high - truth) / se - z) if math.isfinite(high) else 1.0
        below = norm.cdf((low - truth) / se + z) if math.isfinite(low) else 0.0
        return float(above - below)

    least, most = 1e-12, 1e3
    if chance(least) < power:
        return None
    for _ in range(200):
        middle = math.sqrt(least * most)
        least, most = (middle, most) if chance(middle) >= power else (least, middle)
    return least


def visits_for(visits: int, se: float, wanted: float | None) -> int | None:
    """Return how many visits of the same mix bring a standard error down to the one wanted."""
    if wanted is None or not math.isfinite(se) or se <= 0 or visits <= 0:
        return None
    needed = visits * (se / wanted) ** 2
    return None if needed > MOST_VISITS else max(1, math.ceil(needed))


def sentence(text: str, verdict: Verdict, needed: int | None) -> str:
    """Add to a text how many visits would tell, where these can't."""
    if verdict != "cannot tell":
        return text
    return f"{text}; " + (
        "no number of visits is expected to tell" if needed is None else f"about {needed:,} visits would tell"
    )
