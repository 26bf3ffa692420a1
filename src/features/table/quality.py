"""Quality of an indicator table: coverage, staleness and range of every indicator, and the hashes of its sources.

Written as ``<table>.quality.json`` beside every indicator table, so that whoever reads a score can see what it was
made of: an indicator that nobody's record covers, or whose source stopped reporting, is seen here first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from features.catalogue.declaration import Indicator
from features.catalogue.relations import tables_read
from features.contract import TABLES
from features.records.connection import Opened
from features.records.store import connect

AT_A_TIME = 12
"""Indicators read at a time: a median needs all values of a column in memory."""


def quality_path(table: Path) -> Path:
    """Where the quality of an indicator table stands."""
    return table.with_name(f"{table.name}.quality.json")


def source_hashes(clean: Path) -> dict[str, str]:
    """SHA-256 of every table file of a clean folder."""
    found = {}
    for name in TABLES:
        path = clean / f"{name}.parquet"
        if path.is_file():
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def latest_known(store: Opened, known_as_of: date) -> dict[str, date | None]:
    """Return the day on which the last version of each table that could be used became known; None without any."""
    each = " UNION ALL ".join(
        f"SELECT '{name}' AS name, max(known_at) AS day FROM raw_{name} WHERE known_at < DATE '{known_as_of}'"
        for name in sorted(store.covers_from)
    )
    return dict(sorted(store.con.execute(each).fetchall())) if each else {}


def _ranges(table: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return numbers of known and zero values, least, median and greatest of columns of a Parquet file."""
    con: duckdb.DuckDBPyConnection = connect()
    quoted = str(table).replace("'", "''")
    found: dict[str, dict[str, Any]] = {}
    for begin in range(0, len(names), AT_A_TIME):
        some = names[begin : begin + AT_A_TIME]
        columns = ", ".join(
            f"count({n}), count(*) FILTER ({n} = 0), min({n}), quantile_disc({n}, 0.5), max({n})" for n in some
        )
        [cells] = con.execute(f"SELECT {columns} FROM read_parquet('{quoted}')").fetchall()
        for k, name in enumerate(some):
            known, zeros, low, middle, high = cells[5 * k : 5 * k + 5]
            found[name] = {"known": known, "zero": zeros, "min": low, "median": middle, "max": high}
    con.close()
    return found


def table_quality(
    table: Path, clean: Path, store: Opened, about: Mapping[str, Any], catalogue: Mapping[str, Indicator]
) -> dict[str, Any]:
    """Measure an indicator table.

    Parameters
    ----------
    table
        The indicator table, written.
    clean, store
        The clean folder it was computed from, and the same, open.
    about
        What `features.table.month.write_table` writes into the table: cut-off, known_as_of, catalogue and so on.
    catalogue
        The indicators in it.

    Returns
    -------
    dict
        ``about``; ``sources``: hash, covers_from and latest_known_at by table, and ``sources_hash`` over all;
        ``indicators``: share known, share zero, min, median (lower), max, and ``stale_days``: days from the last known
        version of the table that has been silent longest, among those it reads, to known_as_of (null: some table has
        none).
    """
    known_as_of = date.fromisoformat(about["known_as_of"])
    latest, hashes = latest_known(store, known_as_of), source_hashes(clean)
    rows = max(1, about["enterprises"])
    indicators: dict[str, Any] = {}
    for name, cells in _ranges(table, list(catalogue)).items():
        days = [latest.get(t) for t in tables_read(catalogue[name].formula.parts)]
        silent = [(known_as_of - day).days for day in days if day is not None]
        indicators[name] = {
            "share_known": cells["known"] / rows,
            "share_zero": cells["zero"] / rows,
            **{k: cells[k] for k in ("min", "median", "max")},
            "stale_days": max(silent) if len(silent) == len(days) else None,
        }
    sources = {
        name: {
            "sha256": digest,
            "covers_from": store.covers_from[name].isoformat(),
            "latest_known_at": day.isoformat() if (day := latest[name]) else None,
        }
        for name, digest in hashes.items()
    }
    together = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
    return {**about, "sources_hash": together, "sources": sources, "indicators": indicators}


def write_quality(
    table: Path, clean: Path, store: Opened, about: Mapping[str, Any], catalogue: Mapping[str, Indicator]
) -> Path:
    """Write `table_quality` beside the table; return where."""
    path = quality_path(table)
    text = json.dumps(table_quality(table, clean, store, about, catalogue), ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
    return path
