"""Remedies: enterprises a second of a simulated province, those above class A alone and all of them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.engine.record.record import Record

BATCH = 200
"""Enterprises asked about in one call."""


@dataclass(frozen=True)
class Speed:
    """What a run over enterprises took and found.

    Parameters
    ----------
    enterprises, seconds, cpu_seconds
        How many; wall and processor time without taking their records out of the folder.
    acts
        Enterprises by the number of acts that help; 0: none does.
    waiting
        Enterprises whose class falls by itself in the years looked at.
    """

    enterprises: int
    seconds: float
    cpu_seconds: float
    acts: dict[int, int]
    waiting: int


def remedies_speed(folder: Path, enterprises: int, cutoff: date, seed: int = 5) -> tuple[Speed, Speed]:
    """Simulate a province, and search for the remedies of its enterprises above class A, then of the first ones.

    Parameters
    ----------
    folder
        Where the province goes.
    enterprises
        How many are asked about; the province has five times as many.
    cutoff, seed
        When, and which province.
    """
    from features.check import check_folder
    from features.population.cohort import cohort
    from features.records.store import opened
    from models.remedies.changes import as_known
    from models.remedies.folder import records_of
    from models.remedies.search import remedies_of
    from models.remedies.variants import Judge, standings
    from models.scoring.rules.province import load_rules
    from simulation import simulate

    simulate(folder / "source", enterprises=5 * enterprises, months=60, seed=seed, end=cutoff)
    check_folder(folder / "source", cutoff, folder / "checked")
    judge = Judge(load_rules("hebei"))
    with opened(folder / "checked" / "clean") as store:
        ids = cohort(store, [cutoff], judge.scope)["enterprise_id"].tolist()
        records = records_of(store, ids[: 4 * enterprises], cutoff, judge.scope)
    states = standings([as_known(record) for record in records], judge)
    above = [record for record, state in zip(records, states, strict=True) if state.grade != "A"][:enterprises]

    def timed(some: list[Record]) -> Speed:
        begin, cpu = time.perf_counter(), time.process_time()
        found = [one for k in range(0, len(some), BATCH) for one in remedies_of(some[k : k + BATCH], judge)]
        took, cpu_took = time.perf_counter() - begin, time.process_time() - cpu
        acts = Counter(len(one.acts) for one in found)
        return Speed(
            len(some), took, cpu_took, dict(sorted(acts.items())), sum(one.waiting is not None for one in found)
        )

    return timed(above), timed(records[:enterprises])
