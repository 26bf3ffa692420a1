"""A small city: inspections one row a violation, calls by address and closures, and the map that reads them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from features.adapters.table import MapReport, adapt_table

Row = dict[str, Any]

VISIT = (
    "CAMIS",
    "DBA",
    "STREET",
    "BORO",
    "KIND",
    "DAY",
    "TYPE",
    "ACTION",
    "FLAG",
    "SCORE",
    "OPENED",
    "INSPECTOR",
    "TOLD",
)
CALL = ("ID", "PLACE", "MADE")
CLOSURE = ("CAMIS", "BEGAN", "ENDED", "DAYS")

MAP = """
source = "a small city"
prefix = "SC"
known = { lag_days = 5, rule = "weekly, at most five days" }

[files.visits]
path = "inspections*.csv"
dates = { DAY = { format = "%m/%d/%Y", from = 2010-01-01 }, OPENED = { format = "%m/%d/%Y" } }
numbers = ["SCORE"]
known = { lag_days = 5, rule = "the day of TOLD, else at most five days", column = "TOLD" }
[files.calls]
path = "calls.csv"
unique = ["ID"]
known = { lag_days = 1, covers_from = 2020-01-01 }
[files.closures]
path = "closures.csv"
numbers = ["DAYS"]

[enterprise]
file = "visits"
key = "CAMIS"
name = "DBA"
address = "STREET"
established = "OPENED"
region = { column = "BORO", codes = { Bronx = "360005", Queens = "360081" } }
industry = { column = "KIND", words = [["CAFE|COFFEE", "H6232"], ["REST", "H6210"]] }

[visits]
file = "visits"
key = ["CAMIS", "DAY", "TYPE"]
day = "DAY"
field = "food"
arms = [
  { arm = "targeted", trigger = "complaint", where = { TYPE = "Complaint" } },
  { arm = "unknown", trigger = "routine", where = { TYPE = ["Cycle", "Pre-permit"] } },
]
outcomes = [
  { code = "7", where = { ACTION = "Closed" } },
  { code = "F", where = { ACTION = { pattern = "(?i)no entry" } } },
  { code = "3", measures = { critical = { at_least = 1 } } },
  { code = "1", where = { ACTION = { known = true } } },
]

[[measures]]
name = "score"
column = "SCORE"
[[measures]]
name = "critical"
how = "count"
where = { FLAG = "Y" }

[[events]]
kind = "call"
file = "calls"
day = "MADE"
link = { column = "PLACE" }
family = "societal"
group = "complaints"
[[events]]
kind = "closure"
file = "closures"
day = "BEGAN"
ended = "ENDED"
amount = "DAYS"

[never]
"INSP*" = "names persons"
"""


def visit(camis: str, day: str, flag: str = "N", **other: Any) -> Row:
    """One row of a visit: a violation, critical where the flag is Y."""
    return {
        "CAMIS": camis,
        "DBA": f"Place {camis}",
        "STREET": f"{camis} Elm St",
        "BORO": "Bronx",
        "KIND": "Restaurant",
        "DAY": day,
        "TYPE": "Cycle",
        "ACTION": "Violations cited",
        "FLAG": flag,
        "SCORE": "7",
        "OPENED": "",
        "INSPECTOR": "Jo Doe",
        "TOLD": "",
    } | other


def call(number: str, place: str, made: str) -> Row:
    """One call about an address."""
    return {"ID": number, "PLACE": place, "MADE": made}


def closure(camis: str, began: str, ended: str = "", days: str = "") -> Row:
    """One closure of a place."""
    return {"CAMIS": camis, "BEGAN": began, "ENDED": ended, "DAYS": days}


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], encoding: str = "utf-8") -> None:
    """Write rows as a CSV file."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def write_city(
    folder: Path, visits: Sequence[Row], calls: Sequence[Row] = (), closures: Sequence[Row] = (), text: str = MAP
) -> Path:
    """Write a city's files and its map; return the map."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "inspections.csv", VISIT, visits)
    write_csv(folder / "calls.csv", CALL, calls)
    write_csv(folder / "closures.csv", CLOSURE, closures)
    city = folder / "city.toml"
    city.write_text(text, encoding="utf-8")
    return city


def adapt(folder: Path) -> MapReport:
    """Adapt a city written by `write_city` into its folder ``out``."""
    return adapt_table(folder, folder / "out", city_map=folder / "city.toml")


def records(folder: Path, table: str) -> list[Row]:
    """Records of a table that `adapt` wrote."""
    found: list[Row] = pq.read_table(folder / "out" / f"{table}.parquet").to_pylist()
    return found
