"""Records of a place's own words: minor findings counted at visits, and calls to a hotline that tell of conduct."""

from __future__ import annotations

import numpy as np

from simulation.base.rows import TableRows
from simulation.records.events import Chunk, strike
from simulation.records.inspections import BIT, Rounds, result_days

Tables = dict[str, TableRows]

MEASURES = ["minor_findings"]
"""Names of measures."""
EVENTS = ["hotline_call"]
"""Kinds of events."""

_UNSEEN = sum(BIT[code] for code in ("F", "6", "7", "9", "10", "11", "12"))


def record_local(chunk: Chunk, tables: Tables, rounds: Rounds) -> None:
    """Write minor findings of every visit that saw something, more where the true risk is higher, and hotline calls."""
    visits, e = rounds.visits, rounds.visits.events
    seen = (visits.results & _UNSEEN) == 0
    known = result_days(chunk, e)[1]
    mean = 0.5 + 6.0 * rounds.truth[e.row, e.month]
    found = np.floor(-np.log1p(-chunk.uniform("minor findings", e)) * mean).astype(np.int64)
    who = chunk.who(e)
    tables["measures"].add(
        who[seen], e.slot[seen], known[seen], e.day[seen], visit_id=e.slot[seen], name=0, value=found[seen], scale=1
    )
    calls = strike(chunk, "hotline_call")
    heard = calls.day + chunk.lag("events", calls)
    asked = 1 + (chunk.uniform("calls", calls) < 0.2)
    tables["events"].add(chunk.who(calls), calls.slot, heard, calls.day, kind=0, amount=asked)
    answered = calls.day + chunk.span("call answered", (5, 40), calls)
    tables["events"].add(chunk.who(calls), calls.slot, np.maximum(answered, heard), ended_on=answered)
