"""Check of one table, from its source file to a clean file and a quarantine file."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import duckdb

from features.check.dates import set_aside
from features.check.reading import SourceTable, broken, literal, quote
from features.check.report import TableReport
from features.check.rules import stage_sql
from features.contract.identity import masked_sql

ROW_GROUP_ROWS = 100_000
ROWS_NAMED = 5
"""How many of a conflicting duplicate's other rows its reason names."""


def check_table(
    con: duckdb.DuckDBPyConnection,
    source: SourceTable,
    as_of: date,
    clean: Path,
    quarantine: Path,
    registration: Path,
) -> TableReport:
    """Divide the rows of one source into clean, merged and quarantined.

    The rows are read into a typed stage once; duplicates are looked for among the rows that are good by themselves,
    then events that lie too early among the others; then the clean file and, where there is need, the quarantine file
    are written.

    Parameters
    ----------
    clean, quarantine
        Files to write; the quarantine file only if it gets a row.
    registration
        The clean registration, against whose dates the other tables are held.

    Raises
    ------
    SourceError
        If the file breaks off.
    """
    con.execute("DROP TABLE IF EXISTS stage")
    try:
        con.execute(f"CREATE TABLE stage AS {stage_sql(source, as_of)}")
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.IOException, duckdb.InvalidInputException) as err:
        raise broken(source, err) from err
    con.execute(
        "CREATE OR REPLACE TABLE bad AS "
        "SELECT file_row, array_to_string(list_transform(reasons, lambda r: r.text), '; ') AS reason "
        "FROM stage WHERE reasons IS NOT NULL"
    )
    reasons = Counter(
        dict(
            con.execute(
                "SELECT kind, count(*) FROM (SELECT unnest(list_distinct(list_transform(reasons, "
                "lambda r: r.kind))) AS kind FROM stage WHERE reasons IS NOT NULL) GROUP BY kind"
            ).fetchall()
        )
    )
    hints = con.execute(
        "SELECT split_part(r.kind, ': ', 1), r.hint, count(*) FROM "
        "(SELECT unnest(reasons) AS r FROM stage WHERE reasons IS NOT NULL) WHERE r.hint IS NOT NULL GROUP BY ALL"
    ).fetchall()
    con.execute("CREATE OR REPLACE TABLE further (file_row BIGINT)")
    conflicting = _divide_duplicates(con, source)
    if conflicting:
        reasons["conflicting_duplicate"] = conflicting
    reasons.update(set_aside(con, source.table.name, registration))
    _write_clean(con, source, clean)
    quarantined = _count(con, "bad")
    if quarantined:
        _write_quarantine(con, source, quarantine)
    report = TableReport(
        table=source.table.name,
        file=source.file.name,
        rows_in=source.rows,
        kept=_count(con, f"read_parquet({literal(str(clean))})"),
        merged=_count(con, "further"),
        quarantined=_count(con, f"read_parquet({literal(str(quarantine))})") if quarantined else 0,
        reasons=dict(reasons),
        hints={text if where == "unreadable" else f"{where}: {text}": count for where, text, count in hints},
        missing_columns=tuple(c.name for c in source.missing),
    )
    if not report.balanced:
        raise AssertionError(f"rows of {source.file} got lost: {report}")
    return report


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    [(count,)] = con.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


def _divide_duplicates(con: duckdb.DuckDBPyConnection, source: SourceTable) -> int:
    """Put further copies of identical rows into ``further``, all conflicting ones into ``bad``.

    Returns the number of conflicting rows.
    """
    con.execute(
        "CREATE OR REPLACE TABLE twice AS SELECT record_id, version FROM stage "
        "WHERE reasons IS NULL GROUP BY record_id, version HAVING count(*) > 1"
    )
    if not _count(con, "twice"):
        return 0
    names = [c.name for c in source.table.columns if c.name not in ("record_id", "version")]
    differ = ", ".join(
        f"CASE WHEN min({quote(n)}) IS DISTINCT FROM max({quote(n)}) "
        f"OR count({quote(n)}) NOT IN (0, count(*)) THEN {literal(n)} END"
        for n in names
    )
    con.execute(
        f"""CREATE OR REPLACE TABLE judged AS
            SELECT record_id, version, min(file_row) AS first_row,
                list(file_row ORDER BY file_row) AS all_rows,
                list_filter([{differ}], lambda name: name IS NOT NULL) AS differing
            FROM stage SEMI JOIN twice USING (record_id, version) WHERE reasons IS NULL
            GROUP BY record_id, version"""
    )
    con.execute(
        "INSERT INTO further SELECT file_row FROM (SELECT unnest(all_rows) AS file_row, first_row "
        "FROM judged WHERE len(differing) = 0) WHERE file_row <> first_row"
    )
    before = _count(con, "bad")
    con.execute(
        f"""INSERT INTO bad SELECT file_row, 'record_id ''' || record_id || ''' version ' || version
                || ' stands also in row ' || array_to_string(others[:{ROWS_NAMED}], ', ')
                || CASE WHEN len(others) > {ROWS_NAMED} THEN ', …' ELSE '' END
                || ' with another ' || array_to_string(differing, ', ') || ', expected one row a version'
            FROM (SELECT *, list_filter(all_rows, lambda n: n <> file_row) AS others
                FROM (SELECT *, unnest(all_rows) AS file_row FROM judged WHERE len(differing) > 0))"""
    )
    return _count(con, "bad") - before


def _write_clean(con: duckdb.DuckDBPyConnection, source: SourceTable, clean: Path) -> None:
    # The key is unique by now, so the order is total and the file's bytes follow from its rows. Left to its
    # statistics, DuckDB would declare a column NOT NULL or not by what else stood in the stage.
    con.execute("SET disabled_optimizers = 'statistics_propagation'")
    names = ", ".join(quote(n) for n in source.table.column_names)
    con.execute(
        f"""COPY (SELECT {names} FROM (SELECT * FROM stage WHERE reasons IS NULL)
                ANTI JOIN further USING (file_row) ANTI JOIN bad USING (file_row)
                ORDER BY enterprise_id, record_id, version)
            TO {literal(str(clean))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"""
    )
    con.execute("RESET disabled_optimizers")


def _write_quarantine(con: duckdb.DuckDBPyConnection, source: SourceTable, quarantine: Path) -> None:
    """Write the bad rows as they stand in the source, all columns as text; what may be a person's number is masked."""
    taken: set[str] = set()
    codes = {column.name for column in source.table.columns if column.type == "uscc"}
    raw = []
    for column in source.columns.values():
        name = f"raw_{column.name}"
        while name.casefold() in taken:  # SQL names don't know case, files do
            name += "_"
        taken.add(name.casefold())
        text = f"CAST({column.sql} AS VARCHAR)"
        raw.append(f"{masked_sql(text, code=column.name in codes)} AS {quote(name)}")
    con.execute(
        f"""COPY (SELECT {literal(source.file.name)} AS source_file, file_row AS source_row,
                    {masked_sql("reason")} AS reason, * EXCLUDE (file_row, reason)
                FROM (SELECT {source.row} AS file_row, {", ".join(raw)} FROM {source.relation})
                JOIN bad USING (file_row) ORDER BY file_row)
            TO {literal(str(quarantine))} (FORMAT parquet, COMPRESSION zstd)"""
    )
