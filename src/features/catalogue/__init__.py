"""The catalogue: how an indicator is declared, the five families, sectors, relations and evidence columns."""

from features.catalogue.catalogue import (
    CATALOGUE,
    RECENT,
    catalogue_for,
    catalogue_of,
    lookup,
    of_province,
    with_sector,
)
from features.catalogue.declaration import FAMILIES, Indicator, catalogue_hash

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
