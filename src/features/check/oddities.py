"""Oddities that stop no row: warnings about clean rows, and orphans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from heapq import nsmallest
from pathlib import Path

import duckdb

from features.check.days import is_timestamp
from features.check.reading import SourceTable, literal
from features.check.report import Oddity
from features.check.rules import given_name
from features.contract import TABLES
from features.contract.identity import masked, starred
from features.contract.uscc import fault

EXAMPLES = 5
_ALIKE = 0.9
"""Likeness from which a column's name is taken for a slip; ``address`` must not be taken for ``address_id``."""
_BATCH = 50_000
_LEFT_OUT = {
    "identity_number": "a person's identity number stood in column {column!r}; it is removed and the row kept",
    "placeholder_date": "a day that stands for 'not known' stood in column {column!r}; it is read as missing",
}


def file_oddities(source: SourceTable) -> Iterator[Oddity]:
    """Warn of columns the contract doesn't know, or almost does, and of columns stored as another type."""
    for name in source.unknown:
        text = f"column {masked(name)!r} is not in the contract; left out"
        near = get_close_matches(_plain(name), [_plain(c.name) for c in source.missing], n=1, cutoff=_ALIKE)
        if near:
            [meant] = [c.name for c in source.missing if _plain(c.name) == near[0]]
            yield Oddity(source.table.name, "misnamed_column", f"{text}: did you mean {meant}?")
        else:
            yield Oddity(source.table.name, "unknown_column", text)
    for column in source.table.columns:
        raw = source.columns.get(column.name)
        if raw and column.type == "date" and is_timestamp(raw.physical):
            continue  # `time_oddities` says what is taken of it
        if raw and source.file.suffix == ".parquet" and raw.physical not in (column.sql_type, '"NULL"'):
            yield Oddity(
                source.table.name,
                "other_type",
                f"column {column.name!r} is stored as {raw.physical}, expected {column.sql_type}; read value by value",
            )


def _plain(name: str) -> str:
    """Return a column name without what writers differ in: case, blanks, underscores."""
    return re.sub(r"[\W_]", "", name.casefold())


def mended_oddities(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[Oddity]:
    """Warn of the codes of the staged table that came in another spelling than the one they are kept in."""
    for column in TABLES[table].columns:
        if column.type == "uscc":
            yield from _found(
                con,
                table,
                f"{column.name}_spelling",
                "social credit code in another spelling (full-width, small letters, spaces): kept in the usual one",
                f"SELECT DISTINCT {given_name(column)} AS example FROM stage WHERE reasons IS NULL"
                f" AND {given_name(column)} IS NOT NULL",
                show=starred,
            )


def left_out_oddities(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[Oddity]:
    """Warn of values that were left out of rows that are kept, with the numbers of a few of these rows."""
    for key, count, rows in con.execute(
        f"""SELECT key, count(*), min(file_row, {EXAMPLES}) FROM (
                SELECT unnest(left_out) AS key, file_row FROM stage WHERE left_out IS NOT NULL AND reasons IS NULL)
            GROUP BY key ORDER BY key"""
    ).fetchall():
        column, _, kind = key.partition(": ")
        examples = tuple(f"row {row}" for row in rows)
        yield Oddity(table, kind, _LEFT_OUT[kind].format(column=column), count, examples)


def clean_oddities(con: duckdb.DuckDBPyConnection, table: str, clean: Path) -> Iterator[Oddity]:
    """Warn of what is odd among the clean rows of one table."""
    rows = f"read_parquet({literal(str(clean))})"
    # Only records of several versions need the ordered look back; most have one.
    several = f"SELECT record_id FROM {rows} GROUP BY record_id HAVING count(*) > 1"
    yield from _found(
        con,
        table,
        "versions_out_of_order",
        "version known earlier than a lower version of its record",
        f"""SELECT record_id || ' v' || version AS example FROM (
            SELECT record_id, version, known_at, max(known_at) OVER (
                PARTITION BY record_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS before FROM {rows} WHERE record_id IN ({several})) WHERE known_at < before""",
    )
    yield from _found(
        con,
        table,
        "record_of_two_enterprises",
        "record whose versions name different enterprises",
        f"""SELECT record_id AS example FROM {rows} GROUP BY record_id
            HAVING min(enterprise_id) <> max(enterprise_id)""",
    )
    if table == "registration":
        yield from _found(
            con,
            table,
            "enterprise_registered_twice",
            "enterprise with more than one registration record",
            f"""SELECT enterprise_id AS example FROM {rows} GROUP BY enterprise_id
                HAVING min(record_id) <> max(record_id)""",
        )
        yield from _code_oddities(con, rows)
    if "ref_table" in TABLES[table].column_names:
        known = ", ".join(literal(name) for name in TABLES)
        yield from _found(
            con,
            table,
            "unknown_ref_table",
            "ref_table is no table of the contract, so the row touches nothing",
            f"SELECT record_id || ': ' || ref_table AS example FROM {rows} WHERE ref_table NOT IN ({known})",
        )


def _found(
    con: duckdb.DuckDBPyConnection, table: str, kind: str, text: str, sql: str, show: Callable[[str], str] = masked
) -> Iterator[Oddity]:
    [(count, examples)] = con.execute(f"SELECT count(*), min(example, {EXAMPLES}) FROM ({sql})").fetchall()
    if count:
        yield Oddity(table, kind, text, count, tuple(map(show, examples)))


def _code_oddities(con: duckdb.DuckDBPyConnection, rows: str) -> Iterator[Oddity]:
    """Warn of social credit codes whose format or check digit is wrong, a batch at a time.

    A wrong code may be a mistyped number of a person, so an example is the enterprise, with the code starred.
    """
    texts = {
        "format": "social credit code without the form of GB 32100",
        "check digit": "social credit code whose check digit is wrong (a few early official codes are so)",
    }
    found: dict[str, tuple[int, list[str]]] = {kind: (0, []) for kind in texts}
    answer = con.execute(f"SELECT uscc, min(enterprise_id) FROM {rows} WHERE uscc IS NOT NULL GROUP BY uscc")
    while batch := answer.fetchmany(_BATCH):
        for code, enterprise in batch:
            wrong = fault(code)
            if wrong:
                kind = wrong.partition(":")[0]
                count, examples = found[kind]
                found[kind] = count + 1, nsmallest(EXAMPLES, [*examples, f"{masked(enterprise)}: {starred(code)}"])
    for kind, (count, examples) in found.items():
        if count:
            yield Oddity("registration", f"uscc_{kind.replace(' ', '_')}", texts[kind], count, tuple(examples))


def orphans(con: duckdb.DuckDBPyConnection, clean: Path, registration: Path) -> tuple[int, int]:
    """Return how many clean rows name an enterprise without clean registration, and how many those are.

    Rows about places name none.
    """
    if TABLES[clean.stem].of_places:
        return 0, 0
    [(rows, enterprises)] = con.execute(
        f"""SELECT count(*), count(DISTINCT enterprise_id) FROM read_parquet({literal(str(clean))}) AS rows
            ANTI JOIN read_parquet({literal(str(registration))}) AS register USING (enterprise_id)"""
    ).fetchall()
    return rows, enterprises
