"""What visits found item by item: minor failings at most visits, grave ones where misconduct was found.

Minor failings are no violation, but the worse the conduct the more there are; and an enterprise tends to fail at the
same items again. So a clean result still says something, as real visits' items do.
"""

from __future__ import annotations

import numpy as np

from features.contract import codes as c
from simulation.base.rng import Bools, Ints
from simulation.base.rows import NULL, TableRows
from simulation.records.events import PER_MONTH, Chunk, Events
from simulation.records.inspections import BIT, Visits, result_days

SEVERITY = {code: i for i, code in enumerate(c.ITEM_SEVERITY.codes)}
RESULT = {code: i for i, code in enumerate(c.ITEM_RESULT.codes)}
CODES = 30
"""Different minor items, and as many grave ones behind them."""
STEP = 7
"""Items that fail at one visit lie so far apart; it shares no factor with `CODES`, so that none comes twice."""
MOST_MINOR = 6
NOBODY = sum(BIT[code] for code in ("6", "7", "9", "10", "11", "12", "F"))
"""Results of visits at which nothing could be looked at."""


def record_items(chunk: Chunk, tables: dict[str, TableRows], visits: Visits) -> None:
    """Write the failed items of every visit that could look, or one row that passed; known with the result."""
    looked = visits.results & NOBODY == 0
    e, misconduct = visits.events.where(looked), visits.misconduct[looked]
    known = result_days(chunk, visits.events)[1][looked]
    p = chunk.world.policy.items
    minor = _minor(chunk, e)
    grave = np.where(misconduct, 1 + (chunk.uniform("two grave items", e) < p.two_grave), 0)
    start = _first_item(chunk, e)
    # Slots of a visit: minor items, then grave ones, then the row that says that nothing failed.
    first = e.slot // PER_MONTH * PER_MONTH + e.slot % PER_MONTH * (PER_MONTH // 2)

    def add(which: Bools, place: int, item: Ints, severity: Ints, result: str) -> None:
        tables["inspection_items"].add(
            chunk.who(e)[which], first[which] + place, known[which], e.day[which],
            inspection_id=e.slot[which], item_code=item[which], severity=severity[which], result=RESULT[result],
        )  # fmt: skip

    for k in range(MOST_MINOR):
        item = (start + k * STEP) % CODES
        add(minor > k, k, item, np.full(len(e), SEVERITY["minor"]), "failed")
    for k in range(2):
        item = CODES + (start + k * STEP) % CODES
        critical = chunk.uniform(f"critical item {k}", e) < p.critical
        add(grave > k, MOST_MINOR + k, item, np.where(critical, SEVERITY["critical"], SEVERITY["serious"]), "failed")
    nothing = minor + grave == 0
    add(nothing, MOST_MINOR + 2, np.full(len(e), 2 * CODES), np.full(len(e), NULL), "passed")


def _minor(chunk: Chunk, e: Events) -> Ints:
    """Return the number of minor failings at each visit: Poisson, by misconduct; at most `MOST_MINOR`."""
    p = chunk.world.policy.items
    mean = p.minor * np.exp(p.bend * chunk.misconduct(e) - 0.5 * p.bend**2)
    u, term = chunk.uniform("minor items", e), np.exp(-mean)
    below, count = term.copy(), np.zeros(len(e), dtype=np.int64)
    for k in range(1, MOST_MINOR + 1):
        count += u > below
        term = term * mean / k
        below += term
    return count


def _first_item(chunk: Chunk, e: Events) -> Ints:
    """Return the item that each visit's failings begin with: the enterprise's usual one, or any."""
    usual = chunk.world.stream.below("usual item", CODES, chunk.pop.index)[e.row]
    other = np.minimum((chunk.uniform("other item", e) * CODES).astype(np.int64), CODES - 1)
    return np.where(chunk.uniform("item again", e) < chunk.world.policy.items.again, usual, other)
