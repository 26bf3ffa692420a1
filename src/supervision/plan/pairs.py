"""Pairs of inspectors, drawn at random as the enterprises are, and who of them goes where; no conflict of interest.

Two randoms (SAMR (8)): inspectors of a district are paired at random each month, and visits are dealt to pairs at
random and evenly. Where a deal breaks a conflict or lacks a specialist, seats are exchanged by a matching that finds a
way if there is one; names play no part, so that without conflicts every pair is as likely as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from models.arrays import Bools
from supervision.errors import InfeasibleError
from supervision.measures import FIELDS
from supervision.plan.chance import Chance
from supervision.plan.given import Inspector

EXCHANGED = 500
"""Visits beside the misplaced ones that a first exchange looks at."""


@dataclass(frozen=True)
class Pair:
    """Two inspectors of a district for a month.

    Parameters
    ----------
    id
        Both ids in their order, joined by +.
    district
        Where.
    fields
        Mask of what they are named for.
    conflicts
        Enterprises that one of them may not inspect.
    """

    id: str
    district: str
    fields: int
    conflicts: frozenset[str]


def draw_pairs(inspectors: Sequence[Inspector], chance: Chance) -> tuple[list[Pair], list[str]]:
    """Pair the inspectors of each district at random; an odd one is in reserve.

    Returns
    -------
    pairs, reserve
        Sorted by district and id; and the ids of those without a partner.
    """
    number = dict(zip((i.id for i in inspectors), chance.numbers("inspector", (i.id for i in inspectors)), strict=True))
    pairs, reserve = [], []
    for district in sorted({i.district for i in inspectors}):
        here = sorted((i for i in inspectors if i.district == district), key=lambda i: (number[i.id], i.id))
        for one, two in zip(here[::2], here[1::2], strict=False):
            ids = sorted((one.id, two.id))
            fields = _mask(one.fields) | _mask(two.fields)
            pairs.append(Pair("+".join(ids), district, fields, one.conflicts | two.conflicts))
        reserve += [i.id for i in here[len(here) - len(here) % 2 :]]
    return sorted(pairs, key=lambda p: (p.district, p.id)), reserve


def _mask(fields: frozenset[str]) -> int:
    """Return the mask of an inspector's fields; none named: all."""
    return sum(1 << FIELDS.index(name) for name in fields) if fields else (1 << len(FIELDS)) - 1


def deal(
    visits: Sequence[tuple[str, int]], pairs: Sequence[Pair], each: int, special: int, chance: Chance
) -> list[Pair]:
    """Deal the visits of one district to its pairs.

    Parameters
    ----------
    visits
        Enterprise id and mask of its fields, in any order.
    pairs
        Of the district.
    each
        Most visits of a pair.
    special
        Mask of the fields for which the pair must be named.
    chance
        Of the plan.

    Returns
    -------
    list of Pair
        One for each visit.

    Raises
    ------
    InfeasibleError
        If no deal keeps conflicts, specialists and capacity; names a visit that can't be placed, and what would help.
    """
    if not visits:
        return []
    ids = [who for who, _ in visits]
    order = np.lexsort((np.arange(len(ids)), chance.numbers("deal", ids)))
    seats = [(k, p) for k in range(each) for p in range(len(pairs))]
    keys = chance.numbers("seat", (f"{pairs[p].id}/{k}" for k, p in seats))
    # Level by level, so that no pair has two visits more than another; at random within a level.
    dealt = np.lexsort((keys, np.array([k for k, _ in seats])))
    if len(seats) < len(visits):
        raise InfeasibleError([f"capacity: {len(visits)} visits for {len(seats)} places of {len(pairs)} pairs"])
    seat_pair = np.array([seats[s][1] for s in dealt], dtype=np.int64)
    allowed = np.array([[_may(who, mask, pair, special) for pair in pairs] for who, mask in visits], dtype=bool)
    taken = np.empty(len(visits), dtype=np.int64)
    taken[order] = np.arange(len(visits))
    rows = np.arange(len(visits))
    wrong = ~allowed[rows, seat_pair[taken]]
    if wrong.any():
        few = np.flatnonzero(wrong | (taken < EXCHANGED))
        if not _exchange(few, taken, seat_pair, allowed, ids, pairs, chance):
            few = rows
            if not _exchange(few, taken, seat_pair, allowed, ids, pairs, chance):
                raise InfeasibleError([_why(visits, pairs, allowed, each, special)])
    return [pairs[int(p)] for p in seat_pair[taken]]


def _may(who: str, mask: int, pair: Pair, special: int) -> bool:
    return who not in pair.conflicts and not (mask & special) & ~pair.fields


def _exchange(
    few: npt.NDArray[np.intp],
    taken: npt.NDArray[np.int64],
    seat_pair: npt.NDArray[np.int64],
    allowed: Bools,
    ids: Sequence[str],
    pairs: Sequence[Pair],
    chance: Chance,
) -> bool:
    """Exchange seats among some visits and the seats that are free, at random costs; tell whether it came out."""
    free = np.setdiff1d(np.arange(len(seat_pair)), taken)
    seats = np.concatenate([np.sort(taken[few]), free])
    texts = (f"{ids[v]}/{pair.id}" for v in few for pair in pairs)
    cost = chance.numbers("exchange", texts).astype(np.float64).reshape(len(few), len(pairs)) / 2.0**64
    # A forbidden seat costs more than all others together; a seat of a higher level, as little more as keeps it even.
    cost = np.where(allowed[few], cost, 4.0 * len(seat_pair))
    got = linear_sum_assignment(cost[:, seat_pair[seats]])[1]
    if not allowed[few, seat_pair[seats[got]]].all():
        return False
    taken[few] = seats[got]
    return True


def _why(visits: Sequence[tuple[str, int]], pairs: Sequence[Pair], allowed: Bools, each: int, special: int) -> str:
    """Say which constraint is broken: a visit that no pair may make, else the pairs that too many visits need."""
    district = pairs[0].district
    for (who, mask), row in zip(visits, allowed, strict=True):
        if row.any():
            continue
        fields = [name for k, name in enumerate(FIELDS) if (mask & special) >> k & 1]
        able = [p for p in pairs if not (mask & special) & ~p.fields]
        if not able:
            return (
                f"specialist: district {district} has no pair that is named for {' and '.join(fields)}, which"
                f" enterprise {who} needs; least change: name one inspector there for it"
            )
        return (
            f"conflicts: every pair of district {district} that may visit enterprise {who} has a conflict of interest"
            f" with it; least change: one inspector more without a conflict"
        )
    return (
        f"conflicts and specialists: district {district} can't place its {len(visits)} visits with {len(pairs)} pairs"
        f" of {each}; least change: visits_per_pair = {each + 1}, or one pair more that is named for all fields"
    )
