"""What visits found item by item, and departments' own grades: nothing else of the province follows from them."""

from __future__ import annotations

from simulation.base.rows import TableRows
from simulation.records.events import Chunk
from simulation.records.grades import record_grades
from simulation.records.inspections import Visits
from simulation.records.items import record_items


def record_findings(chunk: Chunk, tables: dict[str, TableRows], visits: Visits) -> None:
    """Write both."""
    record_items(chunk, tables, visits)
    record_grades(chunk, tables)
