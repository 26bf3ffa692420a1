"""Scope: whose policies hold, what is known, and which indicators are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Scope:
    """What indicators and cohorts are asked for, said whole: there is no province by default.

    Parameters
    ----------
    province
        Whose policies hold.
    known_as_of
        Knowledge to use instead of each cut-off's own: re-computes a past month with what is known later.
    names
        Indicators to compute; None: all.
    sector
        Take the cohort of this sector, and compute the indicators that it adds, too; see `features.catalogue.sectors`.

    Examples
    --------
    >>> Scope("hebei", names=["complaints_3m"])
    Scope(province='hebei', known_as_of=None, names=['complaints_3m'], sector=None)
    """

    province: str
    known_as_of: date | None = None
    names: Sequence[str] | None = None
    sector: str | None = None
