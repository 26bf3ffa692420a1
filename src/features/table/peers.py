"""Peers of an enterprise: how one indicator is spread among the enterprises it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Among = Literal["trade and size", "trade", "everyone"]

PERCENTS = (10, 25, 50, 75, 90)
"""Order statistics that are kept: of each, the least value that so many percent do not exceed."""


@dataclass(frozen=True)
class Peers:
    """How an indicator is spread among enterprises at a cut-off.

    Parameters
    ----------
    among
        Who they are: of the same trade (section of GB/T 4754) and size, of the same trade, or everyone of the table.
    known, none
        How many have a known value; how many of these have nothing: 0, or 'never' of days since something.
    quantiles
        The `PERCENTS` of the known values, each one of them.
    """

    among: Among
    known: int
    none: int
    quantiles: tuple[float, float, float, float, float]
