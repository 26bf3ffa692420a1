"""A sector's declaration: ``data/policies/<province>/sectors/<name>.toml``, found and validated like every policy.

The general class never replaces a sector's own grade (SAMR (9)): a sector's table is another table, beside the general
one, and says so in its metadata and its hashes.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import Field, model_validator

from features.catalogue.declaration import Indicator
from features.catalogue.sectors.conditions import VISITS
from features.catalogue.sectors.declared import DeclaredIndicator, DeclaredRows
from features.errors import ConfigError, WrongKey
from features.near import did_you_mean
from features.policy import Policy, load_policy, policy_names
from features.records.visibility import seen_sql


class Sector(Policy):
    """One sector.

    Parameters
    ----------
    name, zh, policy
        Name, also of the file; Chinese name; item or article that asks for it.
    cohort
        An enterprise of the general cohort belongs when it has any of these rows, as known at the cut-off.
    indicators
        What the sector adds; every name begins with the sector's.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1)
    policy: str = Field(min_length=1)
    cohort: tuple[DeclaredRows, ...] = Field(min_length=1)
    indicators: tuple[DeclaredIndicator, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Sector:
        for at, rows in enumerate(self.cohort):
            if rows.table == VISITS:
                raise WrongKey("a cohort reads tables of the contract; take inspections for visits", "cohort", at)
            rows.conditions()
        names = [i.name for i in self.indicators]
        for called in (names, [i.zh for i in self.indicators], [i.en for i in self.indicators]):
            twice = sorted({n for n in called if called.count(n) > 1})
            if twice:
                again = max(at for at, n in enumerate(called) if n in twice)
                raise WrongKey(f"indicators declared twice: {twice}", "indicators", again)
        alien = [n for n in names if not n.startswith(f"{self.name}_")]
        if alien:
            said = f"indicators of sector {self.name} are called {self.name}_…, not {alien}"
            raise WrongKey(said, "indicators", names.index(alien[0]), "name")
        return self

    @cached_property
    def catalogue(self) -> dict[str, Indicator]:
        """The sector's own indicators by name, in the order of the file."""
        return {i.name: i.indicator for i in self.indicators}

    def members_sql(self) -> str:
        """SQL of the pairs (enterprise_id, cutoff) that belong at the ``moments``; H11 has been looked at."""
        parts = []
        for rows in self.cohort:
            test = " AND ".join(rows.conditions()) or "TRUE"
            columns = f"c.cutoff, r.enterprise_id, {test} AS belongs"
            parts.append(seen_sql(rows.table, keys="moments", on=None, columns=columns))
        return f"SELECT enterprise_id, cutoff FROM ({' UNION ALL '.join(parts)}) WHERE belongs"


def sector_policy_name(sector: str) -> str:
    """Name of the policy of a sector, as `features.policy.policy_path` takes it."""
    return f"sectors/{sector}"


def load_sector(province: str, name: str) -> Sector:
    """Load a sector's declaration.

    Raises
    ------
    ConfigError
        If neither the province nor its base declares the sector, or the file is wrong; names file and key.
    """
    there = sector_names(province)
    if name not in there:
        meant = did_you_mean(name, there)
        raise ConfigError(f"province {province!r} declares no sector {name!r}; it has {list(there)}{meant}")
    sector = load_policy(province, sector_policy_name(name), Sector)
    if sector.name != name:
        raise ConfigError(f"sectors/{name}.toml names its sector {sector.name!r}; expected {name!r}")
    return sector


def sector_or_none(province: str, name: str | None) -> Sector | None:
    """Load a sector where one is named."""
    return None if name is None else load_sector(province, name)


def sector_names(province: str) -> tuple[str, ...]:
    """Names of the sectors that a province or its base declares, sorted."""
    return policy_names(province, "sectors")
