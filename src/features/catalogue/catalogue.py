"""The catalogue: every indicator of the five families, in one ordered dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from features.catalogue.declaration import FAMILIES, Indicator, catalogue_hash, registered
from features.catalogue.families import (
    accounts,
    assets,
    association,
    basic,
    dynamic,
    grades,
    inspections,
    items,
    penalties,
    places,
    products,
    regulatory,
    societal,
)
from features.catalogue.families.recent import RECENT
from features.catalogue.sectors import Own, Sector, own_of
from features.errors import CatalogueError
from features.near import did_you_mean
from features.policies import FeaturesPolicy, features_policy

_MODULES = (  # importing them declares
    basic,
    *(dynamic, accounts, assets),
    *(regulatory, penalties, products, inspections, items, grades),
    *(association, places),
    societal,
)

CATALOGUE: dict[str, Indicator] = registered()
"""All general indicators by name, ordered by family and declaration; their thresholds stand as names. Recent peer rates
(`features.catalogue.families.recent`) are not among them: no hash of a study without them depends on them."""


def with_sector(sector: Own | Sector | None, *, peers: bool = False) -> dict[str, Indicator]:
    """Return the general indicators and, behind them, recent peer rates where they are asked for, and those that a
    place and a sector add; thresholds stand as names.

    Raises
    ------
    CatalogueError
        If one is declared that the general catalogue, or recent peer rates, have.
    """
    own = sector.catalogue if sector else {}
    if twice := sorted({*CATALOGUE, *RECENT} & set(own)):
        raise CatalogueError(f"indicators {twice} are in the general catalogue; call the place's own by other names")
    return CATALOGUE | (RECENT if peers else {}) | own


def of_province(province: str, *, peers: bool = False) -> dict[str, Indicator]:
    """Return the general indicators and those that a province's own map declares: what its table and models hold."""
    return with_sector(own_of(province), peers=peers)


def catalogue_of(
    features: FeaturesPolicy, sector: Own | Sector | None = None, *, peers: bool = False
) -> dict[str, Indicator]:
    """Return the indicators as a province computes them: its numbers in the place of the thresholds' names."""
    return {name: i.bound(features.thresholds) for name, i in with_sector(sector, peers=peers).items()}


def catalogue_for(names: Iterable[str], province: str) -> dict[str, Indicator]:
    """Return a province's catalogue that gives these indicators: with recent peer rates only if one is named."""
    return of_province(province, peers=any(name in RECENT for name in names))


def lookup(name: str, among: Mapping[str, Indicator] = CATALOGUE | RECENT, *, province: str | None = None) -> Indicator:
    """Return one indicator of a catalogue.

    Parameters
    ----------
    name
        The indicator.
    among
        Where it is looked up: by default the general catalogue and recent peer rates.
    province
        Whose numbers take the place of the thresholds' names in definition and formula (``features.toml``); None
        leaves the names.

    Raises
    ------
    CatalogueError
        If there is none of that name; the message names the nearest.

    Examples
    --------
    >>> lookup("complaints_3m").zh
    '近三个月投诉举报数'
    >>> "visits + 9" in lookup("problem_rate_random", province="hebei").doc
    True
    """
    if name in among:
        found = among[name]
        return found if province is None else found.bound(features_policy(province).thresholds)
    raise CatalogueError(f"no indicator {name!r}{did_you_mean(name, among) or '; `fenlei indicators` lists them'}")


__all__ = [
    "CATALOGUE",
    "FAMILIES",
    "RECENT",
    "Indicator",
    "catalogue_for",
    "catalogue_hash",
    "catalogue_of",
    "lookup",
    "of_province",
    "with_sector",
]
