"""What visits found item by item, departments' own grades, places: nothing else of the province follows from them."""

from __future__ import annotations

from simulation.base.rows import TableMakers, TableRows
from simulation.base.text import numbered, record_ids, square_ids
from simulation.records.events import Chunk
from simulation.records.grades import record_grades
from simulation.records.inspections import Visits
from simulation.records.items import record_items
from simulation.records.places import record_places

FINDING_MAKERS: TableMakers = {
    "inspection_items.inspection_id": lambda e, slot, v, cols: record_ids("inspections", e, v),
    "inspection_items.item_code": lambda e, slot, v, cols: numbered("SX", v, 3),
    "place_events.enterprise_id": lambda e, slot, v, cols: square_ids(cols["east_m"], cols["north_m"]),
}
"""Makers of the text columns of these tables."""


def record_findings(chunk: Chunk, tables: dict[str, TableRows], visits: Visits) -> None:
    """Write all three."""
    record_items(chunk, tables, visits)
    record_grades(chunk, tables)
    record_places(chunk, tables)
