"""Where enterprises are, and what happens there: calls, crimes, accidents, near the worse of them a little more often.

A district is a square of `DISTRICT` metres; enterprises of one address are at one place. Nobody is named in an event,
and nothing else of the province follows from it.
"""

from __future__ import annotations

import numpy as np

from features.contract import codes as c
from simulation.base.rng import Ints
from simulation.base.rows import TableRows
from simulation.records.events import Chunk, strike

KIND = {code: i for i, code in enumerate(c.PLACE_EVENT.codes)}
DISTRICT = 20_000
"""Metres; districts stand in rows of `IN_A_ROW`."""
IN_A_ROW = 16
ORIGIN = 100_000
"""East and north of every place, so that no square of the grid has a negative number."""


def record_places(chunk: Chunk, tables: dict[str, TableRows]) -> None:
    """Write positions, known with the registration, and the events around them."""
    pop, s, p = chunk.pop, chunk.world.stream, chunk.world.policy.places
    east = ORIGIN + DISTRICT * (pop.district % IN_A_ROW) + s.below("east", DISTRICT, pop.address)
    north = ORIGIN + DISTRICT * (pop.district // IN_A_ROW) + s.below("north", DISTRICT, pop.address)
    known = np.maximum(pop.founded, chunk.world.calendar.begin)
    lag = s.days("position lag", chunk.world.policy.lags["positions"], pop.index)
    tables["positions"].add(pop.index, 0, known + lag, pop.founded, east_m=east, north_m=north)

    e = strike(chunk, "place_event", most=3, dormant_too=True)

    def spread(way: str, position: Ints) -> Ints:
        return position[e.row] + np.rint(p.spread_m * chunk.normal(way, e)).astype(np.int64)

    kind = np.array([KIND[code] for code in p.kinds])[chunk.pick("place event kind", list(p.kinds.values()), e)]
    tables["place_events"].add(
        chunk.who(e), e.slot, e.day + chunk.lag("place_events", e), e.day,
        kind=kind, east_m=spread("event east", east), north_m=spread("event north", north),
    )  # fmt: skip
