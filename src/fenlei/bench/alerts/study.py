"""Study of the warnings: months of simulated provinces, planted and not, and what was raised in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.check import check_folder
from features.records.store import RecordStore, open_folder
from fenlei.bench.alerts.counts import plain_counts
from fenlei.bench.alerts.plants import DAYS, Plant, plant
from simulation import simulate
from simulation.base.months import Calendar
from simulation.base.rng import Stream
from simulation.base.text import enterprise_ids
from simulation.config import load_simulation
from simulation.world.drift import Drift
from simulation.world.population import World, group_of, is_shell
from supervision.alerts.alert import Alert
from supervision.alerts.find import find_alerts, month_before
from supervision.alerts.policy import WarningsPolicy

END = date(2026, 1, 1)
MONTHS = 48
STEP = 5
"""Days between the runs that measure the delay."""
KINDS = ("registration", "changes", "complaints", "sectors")


@dataclass
class Study:
    """What came of it.

    Parameters
    ----------
    cells
        Cells looked at by kind, over months.
    false
        Warnings by kind that nothing planted, and no batch of shells, stands behind.
    plants
        Columns kind, size, found (bool), delay (days, NaN where not found) and n, the plain count.
    counts
        Plain counts of the cells without a plant: columns kind and n.
    """

    cells: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    false: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    plants: list[dict[str, object]] = field(default_factory=list)
    counts: list[pd.DataFrame] = field(default_factory=list)


def study(
    scratch: Path, enterprises: int, seeds: list[int], months: int, policy: WarningsPolicy, say: Callable[[str], None]
) -> Study:
    """Simulate provinces and look through their last months."""
    done = Study()
    for seed in seeds:
        say(f"seed {seed}: simulating")
        simulate(scratch / f"{seed}", enterprises=enterprises, months=MONTHS, seed=seed, end=END)
        check_folder(scratch / f"{seed}", END, scratch / f"checked{seed}")
        batch = shell_batches(enterprises, seed)
        cutoff = END
        for _ in range(months):
            say(f"seed {seed}: {cutoff:%Y-%m}")
            store = open_folder(scratch / f"checked{seed}" / "clean")
            _month(done, store, cutoff, batch, seed, policy)
            store.close()
            cutoff = month_before(cutoff)
    return done


def shell_batches(enterprises: int, seed: int) -> dict[str, int]:
    """Return the batch of every shell, from the truth."""
    policy, calendar, stream = load_simulation(), Calendar.before(END, MONTHS), Stream(seed)
    world = World(enterprises, calendar, policy, stream, Drift.drawn((), calendar, policy, stream))
    index = np.arange(enterprises, dtype=np.int64)
    shells = index[is_shell(world, index)]
    names = enterprise_ids(shells).to_pylist()
    return dict(zip(names, group_of(world, shells).tolist(), strict=True))


def _month(
    done: Study, store: RecordStore, cutoff: date, batch: dict[str, int], seed: int, policy: WarningsPolicy
) -> None:
    middle = cutoff - timedelta(days=DAYS)
    begin = middle - timedelta(days=DAYS)
    con = store.con
    digits = policy.sectors.industry_digits
    con.execute(
        f"""CREATE OR REPLACE TABLE bench_cells AS SELECT enterprise_id, arg_max(region, version) || '/' ||
        left(arg_max(industry, version), {digits}) AS cell FROM raw_registration WHERE known_at < DATE '{begin}'
        AND region IS NOT NULL GROUP BY 1"""
    )
    firms = con.execute(
        "SELECT cell, list(enterprise_id ORDER BY enterprise_id) FROM bench_cells GROUP BY 1"
    ).fetchall()
    cells = {str(cell): [str(firm) for firm in those] for cell, those in firms}
    plants = plant(store, middle, cells, seed) + _batches(store, begin, middle, batch, policy)
    _cells(done, store, cutoff, {name: len(those) for name, those in cells.items()}, policy)
    found: dict[Plant, date] = {}
    last: list[Alert] = []
    counts = pd.DataFrame()
    most: dict[Plant, int] = {}
    for back in range(2 * DAYS - STEP, -1, -STEP):
        day = cutoff - timedelta(days=back)
        last = find_alerts(store, day, policy, since=day - timedelta(days=DAYS) if back else month_before(cutoff))
        counts = plain_counts(store, day, policy)
        for each in plants:
            if any(_is(alert, each, batch) for alert in last):
                found.setdefault(each, day)
            most[each] = max(most.get(each, 0), _count(counts, each, batch))
    for each in plants:
        delay = (found[each] - each.begins).days if each in found else float("nan")
        done.plants.append(
            {"kind": each.kind, "size": each.size, "found": each in found, "delay": delay, "n": most[each]}
        )  # fmt: skip
    planted = {each.cell for each in plants}
    done.counts.append(counts[~counts["cell"].isin(planted) & ~counts["cell"].isin(list(batch))][["kind", "n"]])
    for alert in last:
        real = any(_is(alert, each, batch) for each in plants) or _shells(alert, batch) is not None
        done.false[alert.kind] += not real


def _count(counts: pd.DataFrame, each: Plant, batch: dict[str, int]) -> int:
    """Return the plain count of a plant's cell; 0 where there is none."""
    of = counts[counts["kind"] == each.kind]
    own = of["cell"].map(lambda who: f"batch {batch.get(who)}") if each.kind == "registration" else of["cell"]
    return max((int(n) for n in of.loc[own == each.cell, "n"]), default=0)


def _cells(done: Study, store: RecordStore, cutoff: date, sectors: dict[str, int], policy: WarningsPolicy) -> None:
    known = f"known_at < DATE '{cutoff}'"
    [[links, firms]] = store.con.execute(
        f"""SELECT count(DISTINCT address_id) + count(DISTINCT agent_id) + (SELECT count(DISTINCT person_id)
        FROM raw_persons_roles WHERE {known}), count(DISTINCT enterprise_id) FROM raw_registration WHERE {known}"""
    ).fetchall()
    done.cells["registration"] += links
    done.cells["changes"] += firms
    done.cells["complaints"] += firms
    done.cells["sectors"] += sum(number >= policy.sectors.least_firms for number in sectors.values())


def _batches(
    store: RecordStore, begin: date, cutoff: date, batch: dict[str, int], policy: WarningsPolicy
) -> list[Plant]:
    """Return the batches of shells that grew to the least number in the month, by what was known."""
    rows = store.con.execute(
        f"""SELECT enterprise_id, min(occurred_at) AS founded, min(known_at) AS known FROM raw_registration
        WHERE occurred_at >= DATE '{begin - timedelta(days=60)}' AND known_at < DATE '{cutoff}' GROUP BY 1"""
    ).df()
    rows["batch"] = rows["enterprise_id"].map(batch).astype("Int64")
    plants = []
    for number, those in rows.dropna(subset="batch").groupby("batch"):
        least = policy.registration.least
        if len(those) >= least and those["known"].sort_values().iloc[least - 1].date() >= begin:
            size = f"batch of {least} to 7" if len(those) < 8 else "batch of 8 and more"
            plants.append(Plant("registration", size, f"batch {int(str(number))}", those["founded"].min().date()))
    return plants


def _shells(alert: Alert, batch: dict[str, int]) -> int | None:
    """Return the batch that half of a warning's enterprises belong to."""
    numbers = [batch[firm] for firm in alert.enterprises if firm in batch]
    most = max(set(numbers), key=numbers.count, default=None)
    real = alert.kind == "registration" and most is not None and 2 * numbers.count(most) >= len(alert.enterprises)
    return most if real else None


def _is(alert: Alert, each: Plant, batch: dict[str, int]) -> bool:
    if alert.kind != each.kind:
        return False
    if alert.kind == "registration":
        return each.cell == f"batch {_shells(alert, batch)}"
    return each.cell == (f"{alert.region}/{alert.industry}" if alert.kind == "sectors" else alert.enterprises[0])
