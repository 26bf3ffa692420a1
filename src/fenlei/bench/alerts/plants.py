"""Plants: what is put among a month's records to be found, by kind and size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.contract import TABLES
from features.contract.codes import CHANGE_ITEM
from features.records.store import RecordStore
from features.records.visibility import create_versions
from simulation.config import load_simulation

COMPLAINTS, ITEMS, SHARES = (5, 8, 12), (3, 4, 5), (0.2, 0.4)
EACH, SECTORS = 8, 2
"""Planted a month of each size: so few that the province's own numbers hardly move."""
DAYS = 30


@dataclass(frozen=True)
class Plant:
    """One thing to be found: its kind, size in words, cell, and the day from which it can be known."""

    kind: str
    size: str
    cell: str
    begins: date


def plant(store: RecordStore, cutoff: date, cells: dict[str, list[str]], seed: int) -> list[Plant]:
    """Put complaints, changes and penalties into a store, known within the 30 days before a cut-off.

    Parameters
    ----------
    store
        Open clean folder; its views are replaced.
    cutoff
        End of the month.
    cells
        Enterprises by sector cell, ``region/industry``.
    seed
        Of the draws.
    """
    rng = np.random.default_rng([seed, cutoff.toordinal()])
    lags = load_simulation().lags["complaint_outcomes"]
    firms = sorted({firm for those in cells.values() for firm in those})
    first = cutoff - timedelta(days=DAYS)
    drawn = iter(rng.permutation(np.array(firms)).tolist())
    plants: list[Plant] = []
    rows: dict[str, list[dict[str, object]]] = {"complaints": [], "changes": [], "penalties": []}

    def put(table: str, who: str, day: date, **more: object) -> str:
        number = f"PLANT-{table}-{len(rows[table])}"
        rows[table].append(
            {"record_id": number, "version": 1, "enterprise_id": who, "occurred_at": day - timedelta(days=1),
             "known_at": day, "record_state": "active"} | more
        )  # fmt: skip
        return number

    for size in COMPLAINTS:
        for _ in range(EACH):
            who = next(drawn)
            for k in range(size):
                day = first + timedelta(days=k * DAYS // size)
                told = {"complaint_kind": "complaint", "field": "consumer"}
                number = put("complaints", who, day, **told, outcome="pending")
                # The truth of a complaint is known after the simulation's own lag, that of a campaign no sooner.
                settled = day + timedelta(days=int(rng.integers(lags[0], lags[1] + 1)))
                put("complaints", who, settled, **told, outcome="upheld", record_id=number, version=2)
            plants.append(Plant("complaints", f"{size} complaints in {DAYS} days", who, first))
    for size in ITEMS:
        for _ in range(EACH):
            who, start = next(drawn), first + timedelta(days=int(rng.integers(0, 10)))
            for k, item in enumerate(list(CHANGE_ITEM.codes)[:size]):
                put("changes", who, start + timedelta(days=3 * k), item=item)
            plants.append(Plant("changes", f"{size} items in {3 * size - 2} days", who, start))
    large = [cell for cell, those in sorted(cells.items()) if len(those) >= DAYS]
    chosen = iter(rng.permutation(np.array(large)).tolist())
    for share in SHARES:
        for _ in range(SECTORS):
            cell = next(chosen)
            hit = rng.permutation(np.array(cells[cell]))[: max(1, round(share * len(cells[cell])))].tolist()
            for k, who in enumerate(hit):
                put(
                    "penalties", who, first + timedelta(days=k * DAYS // len(hit)),
                    authority_kind="market_regulation", field="consumer", penalty_kinds="fine",
                )  # fmt: skip
            plants.append(Plant("sectors", f"{share:.0%} of a sector punished in {DAYS} days", cell, first))
    for table, added in rows.items():
        _add(store, table, pd.DataFrame(added))
    return plants


def _add(store: RecordStore, table: str, rows: pd.DataFrame) -> None:
    columns = TABLES[table].columns
    picked = ", ".join(
        f"CAST({c.name} AS {c.sql_type}) AS {c.name}" if c.name in rows else f"CAST(NULL AS {c.sql_type}) AS {c.name}"
        for c in columns
    )
    store.con.register("planted_rows", rows)
    store.con.execute(f"CREATE OR REPLACE TABLE planted_{table} AS SELECT {picked} FROM planted_rows")
    store.con.unregister("planted_rows")
    assert store.folder is not None
    file = str(store.folder / f"{table}.parquet").replace("'", "''")
    names = ", ".join(c.name for c in columns)
    store.con.execute(
        f"CREATE OR REPLACE VIEW raw_{table} AS SELECT {names} FROM read_parquet('{file}')"
        f" UNION ALL SELECT {names} FROM planted_{table}"
    )
    create_versions(store.con, table)
