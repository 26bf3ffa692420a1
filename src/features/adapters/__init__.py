"""Adapters: outside data made to obey the source contract; an experiment names its adapter by the key here."""

from __future__ import annotations

from collections.abc import Callable

from features.adapters.beijing import adapt_beijing
from features.adapters.chicago import adapt_chicago
from features.adapters.report import Adapter, AdapterReport, FileReport
from features.adapters.table import adapt_table

ADAPTERS: dict[str, Callable[..., AdapterReport]] = {
    "beijing": adapt_beijing,
    "chicago": adapt_chicago,
    "table": adapt_table,
}
"""Adapters by the name experiments use; all but ``table``, which takes a map, are an `Adapter`."""

__all__ = ["ADAPTERS", "Adapter", "AdapterReport", "FileReport", "adapt_beijing", "adapt_chicago", "adapt_table"]
