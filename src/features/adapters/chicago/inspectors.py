"""Inspectors of canvass visits, by the colour the City gave each of them.

The colours were clustered by the City from what inspectors found over the whole period: **they carry outcomes**, also
later ones than any visit they are joined to. They are read only where a study asks for them, feed no indicator, and
serve one purpose: a comparison with the City's model, which knew them. Whatever is measured with them says so.
"""

from __future__ import annotations

from collections.abc import Container

from features.adapters.chicago.rows import NO_ID, Cells, Unmappable, opaque, text, whole

FILE = "inspector_assignments_anonymised"
COLUMNS = ("inspectionID", "sanitarian")
NOT_A_VISIT = "no canvass inspection of this number"
NO_COLOUR = "no colour"


def read_assignment(row: Cells, made: Container[int]) -> tuple[int, str]:
    """Return the number of a visit and its inspector's opaque id.

    Raises
    ------
    Unmappable
        If the row has no number, no colour, or is about another visit.
    """
    number, colour = whole(row["inspectionID"]), text(row["sanitarian"]).lower()
    if number is None:
        raise Unmappable(NO_ID)
    if number not in made:
        raise Unmappable(NOT_A_VISIT)
    if not colour:
        raise Unmappable(NO_COLOUR)
    return number, opaque("inspector", colour)
