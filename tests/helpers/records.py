"""Random records of every contract table, with dates that crowd around the edges of windows."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.contract import COMMON, TABLES

CUTOFF = date(2024, 1, 1)
ENTERPRISES = ("E1", "E2", "E3", "E4")
_COMMON = {c.name for c in COMMON}
_EDGES = [
    date(2024, 1, 1), date(2023, 12, 1), date(2023, 10, 3), date(2023, 7, 1), date(2023, 1, 1),
    date(2022, 1, 1), date(2021, 1, 1), date(2019, 1, 1), date(2024, 2, 15), date(2024, 6, 1),
]  # fmt: skip

_RARE: dict[str, dict[str, Any]] = {  # what independent columns would hardly ever make together
    "annual_reports": {"revenue_fen": 0, "assets_fen": 0, "employees": 0},
    "public_opinion": {"tone": "negative", "attention": "high", "confirmed": True},
    "penalties": {"authority_kind": "market_regulation"},
    "licences": {"licence_status": "valid", "ended_on": None, "valid_to": date(2024, 2, 15)},
}


def near_edge(rng: random.Random) -> date:
    """A day on, just before or just after an edge."""
    return rng.choice(_EDGES) + timedelta(days=rng.choice([-400, -40, -1, 0, 0, 1, 20]))


def _value(rng: random.Random, table: str, name: str) -> Any:
    column = TABLES[table].column(name)
    if not column.required and rng.random() < 0.2:
        return None
    if name in ("holder_id",):
        return rng.choice([*ENTERPRISES, "P1", "P2"])
    if name == "ref_table":
        return rng.choice(["penalties", "inspections", "abnormal_list", "registration", "blacklists"])
    if name == "ref_record_id":
        return f"{rng.choice(['penalties', 'inspections', 'abnormal_list', 'blacklists'])}-{rng.randrange(6)}"
    if name == "draw_id":
        return f"draws-{rng.randrange(6)}"
    if name == "status":
        return rng.choice(["active", "active", "active", "liquidating", "revoked"])
    if name == "enterprise_type":
        return rng.choice(["limited_company", "joint_stock", "partnership"])
    if name == "industry":
        return rng.choice(["F52", "H62"])
    match column.type:
        case "code":
            assert column.codes is not None
            return rng.choice(sorted(column.codes.codes))
        case "codes":
            assert column.codes is not None
            return ";".join(sorted(rng.sample(sorted(column.codes.codes), rng.choice([1, 1, 2]))))
        case "date":
            return near_edge(rng)
        case "bool":
            return rng.random() < 0.5
        case "int":
            low = column.minimum or 0
            return rng.choice([2020, 2021, 2022, 2023]) if name == "report_year" else low + rng.randrange(5000)
        case "fen":
            return rng.choice([0, rng.randrange(10**9)])
        case _:
            return rng.choice(["x1", "x2", "x3"])


def row(rng: random.Random, table: str, record: int, version: int, known_after: date | None) -> dict[str, Any]:
    """One random version of a record."""
    occurred = near_edge(rng)
    known = max(near_edge(rng), occurred, known_after or occurred)
    own = {c.name: _value(rng, table, c.name) for c in TABLES[table].own}
    own |= _RARE.get(table, {}) if rng.random() < 0.4 else {}
    enterprise = ENTERPRISES[record % 4] if table == "registration" else rng.choice(ENTERPRISES)
    state = rng.choice(["active"] * 12 + ["wrong", "revoked", "unlawful", "objected", "barred"])
    return {
        "record_id": f"{table}-{record}", "version": version, "enterprise_id": enterprise,
        "occurred_at": occurred, "known_at": known, "record_state": state, **own,
    }  # fmt: skip


def province(seed: int, *, records: int = 6) -> dict[str, pd.DataFrame]:
    """Random rows for every table; every fourth record has later versions."""
    rng = random.Random(seed)
    tables = {}
    for table in TABLES:
        rows: list[dict[str, Any]] = []
        for record in range(4 if table == "registration" else records):
            known = None
            for version in range(1, 1 + rng.choice([1, 1, 1, 2, 3])):
                rows.append(row(rng, table, record, version, known))
                known = rows[-1]["known_at"]
            if table == "registration":  # founded long ago, and its first version known at once
                first = next(r for r in rows if r["record_id"] == f"registration-{record}")
                founded = date(2010 + record, 5, 17)
                first.update(occurred_at=founded, known_at=founded, record_state="active")
        tables[table] = frame(table, rows)
    return tables


def frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame with every contract column, so that empty tables keep their columns."""
    return pd.DataFrame(rows, columns=list(TABLES[table].column_names), dtype=object)


def move_the_future(tables: dict[str, pd.DataFrame], cutoff: date, seed: int) -> dict[str, pd.DataFrame]:
    """Delete, move, alter and invent what becomes known at or after the cut-off; leave the rest alone."""
    rng = random.Random(seed)
    moved = {}
    for table, given in tables.items():
        rows = given.to_dict("records")
        past = [r for r in rows if r["known_at"] < cutoff]
        future = [r for r in rows if r["known_at"] >= cutoff and rng.random() < 0.5]
        for r in future:
            r["known_at"] = cutoff + timedelta(days=rng.randrange(500))
            r.update({c.name: _value(rng, table, c.name) for c in TABLES[table].own})
        last = {r["record_id"]: r["version"] for r in sorted([*past, *future], key=lambda r: r["version"])}
        invented = []
        for record in range(9):  # later versions of known records, and records never seen before
            key = f"{table}-{record}"
            new = row(rng, table, record, last.get(key, 0) + 1, cutoff)
            invented.append(new)
        rows = past + future + invented
        rng.shuffle(rows)
        moved[table] = frame(table, rows)
    return moved
