"""Raw counts: what a first look makes of the records, without the product's indicators.

For each enterprise and cut-off, from what was known before it and the latest version of each record: how many
records of a table occurred in the last 12 and 36 months, how many still run, how many of 36 months carry each code,
the latest number of each numeric column, days to the latest date, and the entry in the register.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from features.contract import TABLES, Table

SKIPPED = {"record_state", "occurred_at", "known_at", "version", "ended_on", "status_since", "field"}
LONG = 36
YEAR = 12
Pairs = pd.DataFrame
"""Columns enterprise_id and cutoff."""


def _expressions(table: Table) -> dict[str, str]:
    """Return name to SQL over the seen records ``s`` of one pair."""
    name = table.name
    recent = f"s.occurred_at >= s.cutoff - INTERVAL {LONG} MONTH"
    if table.required:  # the register has one record an enterprise, however old
        out = {"registration.age_days": "max(s.cutoff - s.occurred_at)"}
        recent = "true"
    else:
        out = {
            f"{name}.{months}m": f"count(*) FILTER (s.occurred_at >= s.cutoff - INTERVAL {months} MONTH)"
            for months in (YEAR, LONG)
        }
    for column in table.columns:
        if column.name == "ended_on":
            out[f"{name}.running"] = "count(*) FILTER (s.ended_on IS NULL)"
        if column.name in SKIPPED:
            continue
        c = f's."{column.name}"'
        match column.type:
            case "code" | "codes":
                codes = list(column.codes.codes) if column.codes else []
                for code in codes:
                    hit = f"list_contains(string_split({c}, ';'), '{code}')"
                    out[f"{name}.{column.name}={code}"] = f"count(*) FILTER ({hit} AND {recent})"
            case "int" | "fen" | "bool":
                out[f"{name}.{column.name}"] = f"max_by({c}, s.occurred_at)::DOUBLE"
            case "date":
                out[f"{name}.{column.name}_days"] = f"max({c} - s.cutoff)"
            case _:
                pass
    return out


def raw_counts(folder: Path, pairs: Pairs, *, memory_limit: str = "3GB") -> pd.DataFrame:
    """Return the raw counts of each pair, float64, one row a pair in its order; constant columns are left out.

    Parameters
    ----------
    folder
        Source folder of contract tables as Parquet.
    pairs
        Columns ``enterprise_id`` and ``cutoff`` (date).
    memory_limit
        Bound for DuckDB.
    """
    parts = []
    with duckdb.connect(config={"memory_limit": memory_limit, "threads": 2}) as con:
        given = pd.DataFrame(
            {
                "pair": range(len(pairs)),
                "enterprise_id": pairs["enterprise_id"].to_numpy(),
                "cutoff": pd.to_datetime(pairs["cutoff"]).to_numpy(),
            }
        )
        con.register("given", given)
        con.execute("CREATE TABLE pairs AS SELECT pair, enterprise_id, CAST(cutoff AS DATE) AS cutoff FROM given")
        for table in TABLES.values():
            expressions = _expressions(table)
            names = ", ".join(f'CAST({sql} AS DOUBLE) AS "{name}"' for name, sql in expressions.items())
            part = con.execute(
                f"""
                WITH seen AS (
                    SELECT p.pair, p.cutoff, r.* FROM '{folder / table.name}.parquet' r
                    JOIN pairs p ON p.enterprise_id = r.enterprise_id AND r.known_at < p.cutoff
                    QUALIFY row_number() OVER (PARTITION BY p.pair, r.record_id ORDER BY r.version DESC) = 1)
                SELECT s.pair, {names} FROM seen s GROUP BY s.pair"""
            ).df()
            full = part.set_index("pair").reindex(range(len(pairs)))
            counts = [n for n, sql in expressions.items() if sql.startswith("count")]
            full[counts] = full[counts].fillna(0.0)
            parts.append(full)
        industries = con.execute(
            f"""SELECT p.pair, max_by(left(r.industry, 3), r.version) AS industry
                FROM '{folder}/registration.parquet' r
                JOIN pairs p ON p.enterprise_id = r.enterprise_id AND r.known_at < p.cutoff GROUP BY 1"""
        ).df()
        shown = industries.set_index("pair")["industry"].reindex(range(len(pairs)))
        parts.append(pd.get_dummies(shown, prefix="registration.industry", dtype=float))
    frame = pd.concat(parts, axis=1)
    first = frame.iloc[0]
    differs = ~((frame == first) | (frame.isna() & first.isna())).all()
    return frame.loc[:, differs]
