"""Own indicators of a place and of one of its sectors, beside the general catalogue."""

from __future__ import annotations

from functools import cached_property

from features.catalogue.declaration import Indicator
from features.catalogue.sectors.place import Place, load_place
from features.catalogue.sectors.sector import Sector, sector_or_none
from features.errors import ConfigError
from features.policy import Policy


class Own(Policy):
    """What a place declares by its map, and a sector by its file; either may be missing."""

    place: Place | None = None
    sector: Sector | None = None

    @cached_property
    def catalogue(self) -> dict[str, Indicator]:
        """Indicators by name: the place's, and behind them the sector's."""
        place = self.place.catalogue if self.place else {}
        return place | (self.sector.catalogue if self.sector else {})


def own_of(province: str, sector: str | None = None) -> Own:
    """Return what a province declares of its own, and the sector where one is named.

    Raises
    ------
    ConfigError
        If the province declares no such sector, or a file is wrong, or both declare one name.
    """
    own = Own(place=load_place(province), sector=sector_or_none(province, sector))
    if own.place and own.sector and (twice := sorted(set(own.place.catalogue) & set(own.sector.catalogue))):
        raise ConfigError(f"province {province!r}: its map and its sector {sector!r} both declare {twice}")
    return own
