"""The source contract: every record table of the domain, its columns, codes and meaning."""

from features.contract.tables import TABLES
from features.contract.types import COMMON, KEY, CodeList, Column, Table

__all__ = ["COMMON", "KEY", "TABLES", "CodeList", "Column", "Table"]
