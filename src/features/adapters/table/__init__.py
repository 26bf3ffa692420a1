"""Any city's files as a source that obeys the contract, by a map in TOML."""

from features.adapters.table.adapt import adapt_table
from features.adapters.table.city import CityMap, load_map, map_hash
from features.adapters.table.report import MapReport

__all__ = ["CityMap", "MapReport", "adapt_table", "load_map", "map_hash"]
