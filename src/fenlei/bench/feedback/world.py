"""The province of the loop: simulated records without the later random arm, the truth, and what our own visits write.

The simulator's deterrence is switched off, so that the truth of a firm is the same whoever visits it: every
difference between policies is the learner's doing. Everything random is keyed by (seed, purpose, enterprise, month),
so two policies that visit the same firm in the same month find the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.catalogue.relations import outcome_sql
from features.check import check_folder
from features.contract import TABLES
from features.policies import outcomes_policy
from fenlei.bench.truth.visits import LATEST, truth_of
from models.arrays import Floats, Ints
from simulation import simulate
from simulation.base.rng import Stream
from simulation.base.rows import schema_of
from simulation.base.text import record_ids
from simulation.config import SimulationPolicy, load_simulation
from simulation.records.events import PER_MONTH

Row = dict[str, Any]

END = date(2026, 1, 1)
YEARLY = 9000
"""Numbers of records from here on do not follow from a month's visits."""
FOLLOWS: dict[str, tuple[int, ...]] = {
    "inspections": (0,), "draws": (0,), "penalties": (0,), "warning_talks": (0,), "serious_list": (0,),
    "abnormal_list": (0, 8), "inspection_items": tuple(range(16)),
}  # fmt: skip
"""Tables whose records follow from the random arm's visit of a month, and their places within the month."""
OWN = ("inspections", "draws", "penalties")
"""Tables that the loop itself writes."""
FIRST_DAY = 9
"""Visits are made from the tenth of a month on, draws in its first week."""
FINED = 600_000
"""Fine of a penalty in fen: the simulator's median, whose log is 8.7 in yuan."""


@dataclass(frozen=True)
class World:
    """A simulated province whose random arm ends with the history.

    Parameters
    ----------
    base
        Clean folder: the records as simulated, less the later random arm and what follows from it.
    firsts
        First day of every month, and of the one after the last.
    history
        Months before the loop.
    truth
        Chance that a visit finds a violation, (enterprises, months); NaN where the enterprise does not exist.
    targeted, random
        Visits as simulated, (enterprises, months): the targeted ones throughout, the random ones of the history.
    codes
        Result codes of violations as random visits of the history had them.
    """

    base: Path
    seed: int
    firsts: tuple[date, ...]
    history: int
    truth: Floats
    targeted: NDArray[np.bool_]
    random: NDArray[np.bool_]
    codes: tuple[str, ...]
    policy: SimulationPolicy

    @property
    def months(self) -> int:
        """Months of history and loop."""
        return len(self.firsts) - 1

    @property
    def stream(self) -> Stream:
        """The loop's own random numbers."""
        return Stream(self.seed + 1_000_003)


def month_after(day: date, by: int) -> date:
    """Return the first of a month so many months away."""
    months = day.year * 12 + day.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def number_of(enterprise_id: str) -> int:
    """Return an enterprise's number in the simulation."""
    return int(enterprise_id[1:])


def make_world(scratch: Path, *, enterprises: int, history: int, months: int, hunch: float, seed: int) -> World:
    """Simulate, check, and take the random arm out of the months of the loop."""
    drawn = load_simulation()
    policy = drawn.model_copy(update={"risk": drawn.risk.model_copy(update={"deterrence": 0.0})})
    folder, total = scratch / "province", history + months
    simulate(folder, enterprises=enterprises, months=total, seed=seed, end=END, hunch=hunch, policy=policy)
    check_folder(folder, END, scratch / "checked")
    firsts = tuple(month_after(END, t - total) for t in range(total + 1))
    truth = np.full((enterprises, total), np.nan)
    place = {day: t for t, day in enumerate(firsts)}
    found = pq.read_table(truth_of(folder)).to_pydict()
    rows = np.array([number_of(e) for e in found["enterprise_id"]])
    truth[rows, [place[m] for m in found["month"]]] = found["risk"]
    base = scratch / "base"
    _without_random_arm(scratch / "checked" / "clean", base, history)
    visits = {arm: np.zeros((enterprises, total), dtype=bool) for arm in ("targeted", "random")}
    with duckdb.connect() as con:
        seen = con.execute(
            f"""SELECT DISTINCT arm, enterprise_id, CAST(date_trunc('month', occurred_at) AS DATE)
            FROM '{base}/inspections.parquet'"""
        ).fetchall()
        label = outcome_sql(outcomes_policy("hebei"))
        codes = con.execute(
            f"""SELECT result_codes FROM '{base}/inspections.parquet' WHERE arm = 'random' AND {label} = 1 {LATEST}
            ORDER BY record_id"""
        ).fetchall()
    for arm, enterprise, first in seen:
        visits[arm][number_of(enterprise), place[first]] = True
    told = tuple(c for (c,) in codes)
    return World(base, seed, firsts, history, truth, visits["targeted"], visits["random"], told, policy)


def _without_random_arm(clean: Path, out: Path, history: int) -> None:
    """Write the clean folder anew without the loop's random arm, what follows from it, and what refers to that."""
    out.mkdir()
    with duckdb.connect() as con:
        gone = []
        for table, places in FOLLOWS.items():
            number = "CAST(right(record_id, 4) AS INTEGER)"
            where = (
                f"{number} < {YEARLY} AND {number} // {PER_MONTH} >= {history}"
                f" AND {number} % {PER_MONTH} IN ({', '.join(map(str, places))})"
            )
            gone.append(f"SELECT '{table}' AS ref_table, record_id AS ref_record_id FROM '{clean}/{table}.parquet'"
                        f" WHERE {where}")  # fmt: skip
            _copy(con, f"SELECT * FROM '{clean}/{table}.parquet' WHERE NOT ({where})", out, table)
        con.execute(f"CREATE TABLE gone AS {' UNION '.join(gone)}")
        for table in ("repairs", "objections"):
            kept = f"SELECT * FROM '{clean}/{table}.parquet' ANTI JOIN gone USING (ref_table, ref_record_id)"
            _copy(con, kept, out, table)
    for path in sorted(clean.iterdir()):
        if not (out / path.name).exists():
            os.link(path, out / path.name)


def _copy(con: duckdb.DuckDBPyConnection, sql: str, out: Path, table: str) -> None:
    columns = ", ".join(c.name for c in TABLES[table].columns)
    order = "ORDER BY enterprise_id, record_id, version"
    con.execute(f"COPY (SELECT {columns} FROM ({sql}) {order}) TO '{out}/{table}.parquet' (FORMAT parquet)")


@dataclass
class Ledger:
    """One policy's clean folder, which its visits grow."""

    world: World
    folder: Path
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in OWN})

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for path in sorted(self.world.base.iterdir()):
            if path.stem not in OWN:
                os.link(path, self.folder / path.name)
        self._before = {n: pq.read_table(self.world.base / f"{n}.parquet", schema=schema_of(n)) for n in OWN}
        self.write()

    def write(self) -> None:
        """Write the tables with all rows so far that the regulator will have known by the end."""
        for name, before in self._before.items():
            known = [row for row in self.rows[name] if row["known_at"] < END]
            table = pa.concat_tables([before, pa.Table.from_pylist(known, schema=schema_of(name))])
            keys = [(key, "ascending") for key in ("enterprise_id", "record_id", "version")]
            pq.write_table(table.sort_by(keys), self.folder / f"{name}.parquet")

    def _days(self, purpose: str, span: tuple[int, int], who: Ints, month: int) -> list[int]:
        return [int(day) for day in self.world.stream.days(purpose, span, who, month)]

    def draw(self, who: Ints, ppm: Ints, capped: NDArray[np.bool_], month: int) -> None:
        """Write draws with the probability the plan gave, and what became of them."""
        first, after = self.world.firsts[month], self.world.firsts[month + 1]
        ids = record_ids("draws", who, np.full_like(who, month * PER_MONTH)).to_pylist()
        day, lag = self._days("draw day", (0, 6), who, month), self._days("draw lag", (0, 2), who, month)
        visit, closed = self.visit_days(who, month), self._days("closed", (0, 10), who, month)
        for i, record in enumerate(ids):
            drawn = first + timedelta(day[i])
            fate, settled = ("capped", after + timedelta(closed[i])) if capped[i] else ("carried_out", visit[i])
            common = _common(record, int(who[i]), drawn) | {
                "plan_id": f"LOOP-{first:%Y-%m}",
                "probability_ppm": int(ppm[i]),
            }
            own = self.rows["draws"]
            own.append(common | {"version": 1, "known_at": drawn + timedelta(lag[i]), "fate": "pending"})
            own.append(common | {"version": 2, "known_at": settled + timedelta(1), "fate": fate})

    def visit_days(self, who: Ints, month: int) -> list[date]:
        """Return the day of each visit."""
        first = self.world.firsts[month]
        length = (self.world.firsts[month + 1] - first).days
        return [first + timedelta(d) for d in self._days("visit day", (FIRST_DAY, length - 1), who, month)]

    def visit(self, who: Ints, month: int, *, random: bool) -> NDArray[np.bool_]:
        """Visit, find what there is with the month's true risk, and write it; return who was found violating.

        A visit to an enterprise that is no more finds it deregistered (code 9), which is no label.
        """
        world, s = self.world, self.world.stream
        risk = world.truth[who, month]
        found = s.uniform("outcome", who, month) < np.nan_to_num(risk)
        code = s.below("code", max(1, len(world.codes)), who, month)
        lags = world.policy.lags
        day, lag = self.visit_days(who, month), self._days("visit lag", lags["inspections"], who, month)
        result = self._days("result lag", lags["inspection_results"], who, month)
        fined = s.uniform("fined", who, month) < world.policy.inspection.penalty_share
        warned = s.uniform("warned", who, month) < world.policy.penalties.warning
        decided = self._days("decision", lags["penalty_decision"], who, month)
        published = self._days("penalty lag", lags["penalties"], who, month)
        slots = np.full_like(who, month * PER_MONTH)
        ids, draws = (record_ids(t, who, slots).to_pylist() for t in ("inspections", "draws"))
        penalties = record_ids("penalties", who, slots).to_pylist()
        for i, record in enumerate(ids):
            codes = "9" if np.isnan(risk[i]) else world.codes[int(code[i])] if found[i] else "1"
            common = _common(record, int(who[i]), day[i]) | (
                {"arm": "random", "trigger": "draw", "draw_id": draws[i]}
                if random
                else {"arm": "targeted", "trigger": "alert"}
            )
            known = day[i] + timedelta(lag[i])
            own = self.rows["inspections"]
            own.append(common | {"version": 1, "known_at": known})
            own.append(common | {"version": 2, "known_at": known + timedelta(result[i]), "result_codes": codes})
            if found[i] and fined[i] and not {"6", "B"} & set(codes.split(";")):
                on = day[i] + timedelta(decided[i])
                self.rows["penalties"].append(
                    _common(penalties[i], int(who[i]), on) | {
                        "version": 1, "known_at": on + timedelta(published[i]), "confiscated_fen": 0,
                        "penalty_kinds": "warning" if warned[i] else "fine", "fine_fen": 0 if warned[i] else FINED,
                        "document_no": f"LOOP-{penalties[i]}", "authority_kind": "market_regulation",
                        "field": "consumer",
                    }
                )  # fmt: skip
        return np.asarray(found & ~np.isnan(risk))


def _common(record: str, enterprise: int, occurred: date) -> Row:
    return {
        "record_id": record,
        "enterprise_id": f"E{enterprise:07d}",
        "occurred_at": occurred,
        "record_state": "active",
    }
