"""Random records of every contract table, with dates that crowd around the edges of windows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast

import pandas as pd

from features.contract import COMMON, TABLES

CUTOFF = date(2024, 1, 1)
ENTERPRISES = ("E1", "E2", "E3", "E4")
_FOUNDED = (date(2021, 5, 17), date(2021, 5, 17), date(2020, 3, 1), date(2022, 5, 17))
_COMMON = {c.name for c in COMMON}
EDGES = [
    date(2024, 1, 1), date(2023, 12, 1), date(2023, 10, 3), date(2023, 7, 1), date(2023, 1, 1),
    date(2022, 1, 1), date(2021, 1, 1), date(2019, 1, 1), date(2024, 2, 15), date(2024, 6, 1),
    date(2023, 10, 1), date(2021, 7, 1), date(2024, 3, 31), date(2013, 6, 1),
]  # fmt: skip

_RARE: dict[str, list[dict[str, Any]]] = {  # what independent columns would hardly ever make together
    "registration": [{"registered_capital_fen": 10**9}],
    "changes": [
        {"item": "capital", "before_fen": 100, "after_fen": 200},
        {"item": "capital", "before_fen": 200, "after_fen": 100},
        {"item": "capital", "before_fen": 0, "after_fen": 0},
        {"item": "legal_representative"},
    ],
    "annual_reports": [
        {"revenue_fen": 0, "assets_fen": 0, "employees": 0},
        {"revenue_fen": 0, "assets_fen": 0, "employees": 3},
        {"revenue_fen": 0, "assets_fen": 9, "employees": 0},
        {"occurred_at": date(2023, 6, 30), "report_year": 2022},
    ],
    "social_insurance": [{"insured_staff": 0}],
    "public_opinion": [{"tone": "negative", "attention": "high", "confirmed": True}],
    "penalties": [{"authority_kind": "market_regulation"}, {"field": "food"}],
    "licences": [
        {"licence_status": "valid", "ended_on": None, "valid_to": day}
        for day in (date(2024, 1, 1), date(2024, 2, 15), date(2024, 3, 30), date(2024, 3, 31))
    ]
    + [
        {"licence_kind": "food", "licence_status": "valid", "ended_on": None, "valid_to": day}
        for day in (date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29), date(2024, 3, 1))
    ]
    + [{"licence_kind": "food", "licence_status": status} for status in ("revoked", "withdrawn")]
    + [{"licence_kind": "food", "licence_status": "valid", "ended_on": CUTOFF, "valid_to": date(2024, 2, 15)}],
    "blacklists": [{"list_kind": "judgment_debtor"}],
    "persons_roles": [{"role": "legal_representative"}],
    "inspections": [
        {"arm": "random", "result_codes": "1"},
        {"arm": "random", "result_codes": "A;E"},
        {"arm": "random", "result_codes": "D"},
        {"arm": "random", "result_codes": "D", "occurred_at": date(2021, 12, 12)},
        {"arm": "random", "result_codes": "D", "occurred_at": date(2021, 12, 20)},
        {"arm": "random", "result_codes": "1", "occurred_at": date(2022, 1, 1)},
        {"arm": "targeted", "result_codes": "8"},
        {"result_codes": "3"},
    ],
    "serious_list": [{"end_reason": "repaired"}],
    "complaints": [{"field": "food"}],
    "recalls": [{"field": "food"}],
    "product_samples": [{"field": "food"}],
}


def near_edge(rng: random.Random, edges: Sequence[date] = EDGES) -> date:
    """A day on, just before or just after an edge."""
    return rng.choice(edges) + timedelta(days=rng.choice([-400, -40, -20, -1, 0, 0, 1, 20]))


def _value(rng: random.Random, table: str, name: str, edges: Sequence[date] = EDGES) -> Any:
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
        return rng.choice(["limited_company", "joint_stock", "foreign_invested", "partnership", "branch"])
    if name in ("east_m", "north_m"):
        return rng.choice([-2001, -2000, -999, -500, -1, 0, 0, 300, 400, 500, 700, 1000, 1400, 2000, 2001])
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
            return near_edge(rng, edges)
        case "bool":
            return rng.random() < 0.5
        case "int":
            low = column.minimum or 0
            return (
                rng.choice([2020, 2021, 2022, 2023])
                if name == "report_year"
                else low + rng.randrange(min(5000, (column.maximum or 5000) - low + 1))
            )
        case "fen":
            low = 0 if column.minimum is not None else -(10**9)
            return rng.choice([0, rng.randrange(low, 10**9)])
        case _:
            return rng.choice(["x1", "x2", "x3"])


def row(
    rng: random.Random,
    table: str,
    record: int,
    version: int,
    known_after: date | None,
    edges: Sequence[date] = EDGES,
) -> dict[str, Any]:
    """One random version of a record."""
    occurred = near_edge(rng, edges)
    rare = rng.choice(_RARE[table]) if table in _RARE and rng.random() < 0.4 else {}
    occurred = rare.get("occurred_at", occurred)
    heard = near_edge(rng, edges) if rng.random() < 0.5 else occurred + timedelta(days=rng.choice([0, 1, 9]))
    known = max(heard, occurred, known_after or occurred)
    own = {c.name: _value(rng, table, c.name, edges) for c in TABLES[table].own}
    enterprise = ENTERPRISES[record % 4] if table == "registration" else rng.choice(ENTERPRISES)
    state = rng.choice(["active"] * 12 + ["wrong", "revoked", "unlawful", "objected", "barred"])
    return {
        "record_id": f"{table}-{record}", "version": version, "enterprise_id": enterprise,
        "occurred_at": occurred, "known_at": known, "record_state": state, **own, **rare,
    }  # fmt: skip


def province(seed: int, *, records: int = 6, edges: Sequence[date] = EDGES) -> dict[str, pd.DataFrame]:
    """Random rows for every table, some with later versions; few ``edges`` crowd the dates around them."""
    rng = random.Random(seed)
    tables = {}
    for table in TABLES:
        rows: list[dict[str, Any]] = []
        for record in range(4 if table == "registration" else records):
            known = None
            for version in range(1, 1 + rng.choice([1, 1, 1, 2, 3])):
                rows.append(row(rng, table, record, version, known, edges))
                known = rows[-1]["known_at"]
            if table == "registration":  # founded long ago, and its first version known at once
                first = next(r for r in rows if r["record_id"] == f"registration-{record}")
                founded = _FOUNDED[record]
                first.update(occurred_at=founded, known_at=founded, record_state="active")
        tables[table] = frame(table, rows)
    return tables


def frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame with every contract column, so that empty tables keep their columns."""
    return pd.DataFrame(rows, columns=list(TABLES[table].column_names), dtype=object)


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows by column: the contract's columns bear names, though pandas would take any key."""
    return cast("list[dict[str, Any]]", table.to_dict("records"))


def move_the_future(tables: dict[str, pd.DataFrame], cutoff: date, seed: int) -> dict[str, pd.DataFrame]:
    """Delete, move, alter and invent what becomes known at or after the cut-off; leave the rest alone."""
    rng = random.Random(seed)
    moved = {}
    for table, given in tables.items():
        rows = rows_of(given)
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


EXAMPLES: tuple[tuple[int, int, Sequence[date]], ...] = (
    *((k, 150, (edge, CUTOFF)) for k, edge in enumerate(EDGES)),
    *((k, 14, (edge, CUTOFF)) for k, edge in enumerate(EDGES)),
    *((k, 8, (edge, CUTOFF)) for k, edge in enumerate(EDGES)),
    *((50 + k, 5, (date(2023, 1, 1), date(2022, 1, 1))) for k in range(6)),
    *((60 + k, 12 + 2 * k, (date(2022, 1, 1),)) for k in range(9)),
    *((80 + k, 16 + 4 * k, (date(2021, 1, 1),)) for k in range(6)),
    *((70 + k, 60, (date(2023, 1, 1),)) for k in range(3)),
    *((90 + k, 150, (date(2023, 1, 1),)) for k in range(4)),
    *((20 + k, records, EDGES) for k, records in enumerate((3, 6, 12, 25, 400))),
)
"""Seed, records and edges of examples that crowd around every edge in turn, many records and few."""
