"""Adapters: outside data made to obey the source contract; an experiment names its adapter by the key here."""

from __future__ import annotations

from features.adapters.beijing import adapt_beijing
from features.adapters.chicago import adapt_chicago
from features.adapters.report import Adapter, AdapterReport, FileReport

ADAPTERS: dict[str, Adapter] = {"beijing": adapt_beijing, "chicago": adapt_chicago}
"""Adapters by the name experiments use."""

__all__ = ["ADAPTERS", "Adapter", "AdapterReport", "FileReport", "adapt_beijing", "adapt_chicago"]
