"""Bounds of an indicator: what its value can be at all, told by its unit unless its declaration says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """The values that an indicator can have.

    Parameters
    ----------
    low, high
        Least and greatest value; None: without end.
    whole
        Whether only whole numbers can be.
    """

    low: float | None = 0
    high: float | None = None
    whole: bool = False

    def hold(self, value: float) -> bool:
        """Whether a known value can be; what is not a finite number can't."""
        low = -float("inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        return low <= value <= high and abs(value) != float("inf") and (not self.whole or value == int(value))

    def __str__(self) -> str:
        number = "a whole number" if self.whole else "a number"
        if self.low is not None and self.high is not None:
            if self.whole and self.high == self.low + 1:
                return f"{self.low:g} or {self.high:g}"
            return f"{number} from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{number} of at least {self.low:g}"
        return number if self.high is None else f"{number} of at most {self.high:g}"


COUNT = Bounds(whole=True)
FLAG = Bounds(high=1, whole=True)
SHARE = Bounds(high=1)
RATIO = Bounds()
"""A quotient of what can't be negative; unlike a share, its numerator is no part of the denominator."""
DIFFERENCE = Bounds(low=None, whole=True)
"""One count minus another."""
GROWTH = Bounds(low=-1)
"""A quotient minus 1: -1 where nothing is left."""

_OF_UNIT: dict[str, Bounds] = {
    "0/1": FLAG,
    "share": SHARE,
    "per person": RATIO,
    "times the rest's rate": RATIO,
    "years": RATIO,
    "items a visit": RATIO,
    "percent of the scale": Bounds(high=100, whole=True),
}


def bounds_of(unit: str) -> Bounds:
    """Return what a value of a unit can be; all other units count: things, days, fen.

    Examples
    --------
    >>> str(bounds_of("penalties")), str(bounds_of("share")), str(bounds_of("0/1"))
    ('a whole number of at least 0', 'a number from 0 to 1', '0 or 1')
    """
    return _OF_UNIT.get(unit, COUNT)
