"""Sector systems 专业型分级分类 (SAMR (4), (9); HB 14, 15): a sector adds indicators and narrows the cohort by file."""

from features.catalogue.sectors.conditions import Condition
from features.catalogue.sectors.declared import DeclaredIndicator, DeclaredRows
from features.catalogue.sectors.own import Own, own_of
from features.catalogue.sectors.place import Place, load_place
from features.catalogue.sectors.sector import Sector, load_sector, sector_names, sector_or_none, sector_policy_name

__all__ = [
    "Condition",
    "DeclaredIndicator",
    "DeclaredRows",
    "Own",
    "Place",
    "Sector",
    "load_place",
    "load_sector",
    "own_of",
    "sector_names",
    "sector_or_none",
    "sector_policy_name",
]
