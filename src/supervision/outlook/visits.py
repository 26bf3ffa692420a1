"""Visits that a directed check takes: to know a rate well enough, or to tell it from the province's."""

from __future__ import annotations

import math

from scipy.stats import norm

from supervision.outlook.policy import Check


def to_know(rate: float, firms: int, check: Check) -> int:
    """Return visits after which the rate's interval has the wished half-width; of so many firms each is visited once.

    Source: the normal interval of a share with the correction for a finite population (Cochran 1977, 4.4).

    Examples
    --------
    >>> to_know(0.5, 10**9, Check(half_width=0.05, confidence=0.95, false_alarm=0.05, power=0.8))
    385
    """
    z = float(norm.ppf(0.5 + check.confidence / 2))
    many = z * z * rate * (1 - rate) / check.half_width**2
    return min(firms, max(1, math.ceil(many / (1 + (many - 1) / firms))))


def to_tell(rate: float, usual: float, check: Check) -> int | None:
    """Return visits by which a test, one-sided, tells the rate from the usual one with the wished power.

    None where the rate is not above the usual. Source: the normal test of one share.
    """
    if rate <= usual:
        return None
    size, power = float(norm.ppf(1 - check.false_alarm)), float(norm.ppf(check.power))
    step = size * math.sqrt(usual * (1 - usual)) + power * math.sqrt(rate * (1 - rate))
    return max(1, math.ceil((step / (rate - usual)) ** 2))
