"""Departments' own risk grades: every year, of the trades that have one, by hazard and what is seen of conduct."""

from __future__ import annotations

import numpy as np

from features.contract import codes as c
from simulation.base.rows import TableRows
from simulation.records.events import PER_MONTH, Chunk

FIELDS = list(c.FIELD.codes)
MONTH = 2
"""Month of the year in which a department grades."""


def record_grades(chunk: Chunk, tables: dict[str, TableRows]) -> None:
    """Write the yearly grades; each is ended by the next, on the day of it."""
    pop, s, cal = chunk.pop, chunk.world.stream, chunk.world.calendar
    p, industries = chunk.world.policy.grades, chunk.world.policy.industries
    graded = np.array([i.field in p.fields for i in industries])[pop.industry]
    field = np.array([FIELDS.index(i.field) for i in industries])[pop.industry]
    risk = np.array([i.risk for i in industries])[pop.industry]
    before = np.full(len(pop), -1, dtype=np.int64)
    for year in cal.years:
        t = cal.month_at(year, MONTH)
        if not 0 <= t < cal.months:
            continue
        hit = graded & chunk.life.active[:, t]
        who = pop.index[hit]
        noise = p.noise * s.normal("sector grade", who, year)
        seen = p.risk * risk[hit] + p.misconduct * chunk.latent.misconduct[hit, t] + noise
        day = int(cal.starts[t]) + s.days("grade day", (0, 25), who, year)
        known = day + s.days("grade lag", chunk.world.policy.lags["sector_grades"], who, year)
        old = before[hit]
        ended = old >= 0
        tables["sector_grades"].add(who[ended], old[ended], known[ended], ended_on=day[ended])
        tables["sector_grades"].add(
            who, t * PER_MONTH, known, day,
            field=field[hit], level=1 + np.searchsorted(p.cuts, seen), levels=len(p.cuts) + 1,
        )  # fmt: skip
        before[hit] = t * PER_MONTH
