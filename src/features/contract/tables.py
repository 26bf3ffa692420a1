"""The record tables, in one typed place; ``data/README.md`` is generated from here."""

from __future__ import annotations

from features.contract.conduct import CONDUCT_TABLES, PRODUCT_TABLES
from features.contract.findings import FINDING_TABLES
from features.contract.local import LOCAL_TABLES
from features.contract.registry import REGISTRY_TABLES
from features.contract.society import SOCIETY_TABLES
from features.contract.types import Table

TABLES: dict[str, Table] = {
    t.name: t
    for t in REGISTRY_TABLES + CONDUCT_TABLES + SOCIETY_TABLES + PRODUCT_TABLES + FINDING_TABLES + LOCAL_TABLES
}
"""All record tables by name, in documentation order."""
