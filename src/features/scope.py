"""Scope: whose policies hold, what is known, and which indicators are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from features.errors import ConfigError
from features.given import as_day


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
    peers
        Compute recent peer rates, too (`features.catalogue.families.recent`), where ``names`` does not say.
    sector
        Take the cohort of this sector, and compute the indicators that it adds, too; see `features.catalogue.sectors`.

    Examples
    --------
    >>> Scope("hebei", names=["complaints_3m"])
    Scope(province='hebei', known_as_of=None, names=['complaints_3m'], sector=None, peers=False)
    """

    province: str
    known_as_of: date | None = None
    names: Sequence[str] | None = None
    sector: str | None = None
    peers: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.province, str):
            raise ConfigError(f"scope: expected the name of a province, got {type(self.province).__name__}")
        if isinstance(self.names, str):
            raise ConfigError(f"scope: names is a list of indicators, such as [{self.names!r}]")
        if self.known_as_of is not None:
            object.__setattr__(self, "known_as_of", as_day(self.known_as_of, "scope, known_as_of"))


def checked_scope(scope: Scope) -> Scope:
    """Return the scope.

    Raises
    ------
    ConfigError
        If it is none, for instance the name of a province alone.
    """
    if isinstance(scope, Scope):
        return scope
    example = scope if isinstance(scope, str) else "hebei"
    raise ConfigError(f"expected a scope, such as Scope({example!r}), got {type(scope).__name__}")
