"""Every row a source brings is kept, merged or quarantined, as a slow and obvious oracle says."""

from __future__ import annotations

import csv
import re
import tempfile
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.check import check_folder
from features.contract import TABLES, Column, Table
from helpers.thorough import examples

AS_OF = date(2024, 6, 30)
DIRTY_TABLES = ("registration", "penalties", "draws", "public_opinion")

TEXTS = {
    "text": ["a", " a ", "b\u3000", "", "  ", "é"],
    "uscc": ["91A", " 91a", "９１ a", "9 1\u200ba", "\u200b", "", "9_x000D_1A", "乙"],
    "date": ["2024-01-05", "2024-06-30", "2024-07-01", "2024-02-30", "2024-1-5", "", "2024-01-05 23:59:00", "x"],
    "int": ["1", "2", "0", "-1", "1.0", "1.5", "1e3", "", "1000001", "99999999999999999999", " 1 "],
    "fen": ["0", "100", "-1", "12.0", "12.5", "", "abc"],
    "bool": ["true", "False", "1", "0", "yes", ""],
}
SPELLED = {
    "91A": "91A",
    "91a": "91A",
    "９１ a": "91A",
    "9 1\u200ba": "91A",
    "\u200b": None,
    "9_x000D_1A": "91A",
    "乙": "乙",
}
"""Social credit codes as they come, blanks around them left out, and as they are kept."""
MOSTLY_GOOD = {
    "uscc": ["91A", "91a"],
    "record_id": ["r1", "r2", "r3", " r1"],
    "version": ["1", "1", "2", "1.0"],
    "enterprise_id": ["e1", "e2", "e3"],
    "occurred_at": ["2024-01-05", "2024-01-05", "2024-01-06"],
    "known_at": ["2024-02-01", "2024-02-01", "2024-02-02"],
    "record_state": ["", "active"],
}


def pools(column: Column) -> tuple[list[str], list[str]]:
    """Values that are mostly good, and values that are mostly not."""
    if column.codes:
        codes = list(column.codes.codes)[:3]
        good = codes if column.type == "code" else [codes[0], ";".join(codes[:2]), f"{codes[0]} ; {codes[1]}"]
        return good, ["", "no such code", f"{codes[0]};", f"{codes[0]};{codes[1]}", f" {codes[0]} "]
    by_type = {"int": ["1", "7"], "fen": ["100", ""], "bool": ["true"], "date": ["2024-01-05"]}
    return MOSTLY_GOOD.get(column.name, by_type.get(column.type, ["a"])), TEXTS[column.type]


def row_of(table: Table) -> st.SearchStrategy[list[str]]:
    def field(column: Column) -> st.SearchStrategy[str]:
        good, dirty = pools(column)
        # One field in about fifteen is dirty: else no row would live to be a duplicate.
        return st.integers(0, 14).flatmap(lambda n: st.sampled_from(dirty if n == 0 else good))

    whole = st.tuples(*map(field, table.columns)).map(list)
    return st.integers(0, 19).flatmap(lambda n: whole.map(lambda row: row[:-1]) if n == 0 else whole)


def rows_of(name: str) -> st.SearchStrategy[list[list[str]]]:
    few = st.lists(row_of(TABLES[name]), min_size=0, max_size=6)
    # Whole copies are rare by chance: repeat some rows on purpose.
    return st.tuples(few, st.lists(st.integers(0, 5), max_size=3)).map(
        lambda drawn: drawn[0] + [list(drawn[0][i]) for i in drawn[1] if i < len(drawn[0])]
    )


def read(column: Column, text: str) -> tuple[Any, set[str]]:
    """The typed value of one field and the kinds of what is wrong with it."""
    t = text.strip(" \t\r\n\v\f\u00a0\u3000\ufeff")
    if not t:
        default = "active" if column.name == "record_state" else None
        return default, {"missing"} if column.required else set()
    value: Any = None
    if column.type == "text":
        value = t
    elif column.type == "uscc":
        return SPELLED[t], set()
    elif column.type == "code":
        assert column.codes is not None
        value = t if t in column.codes else None
    elif column.type == "codes":
        assert column.codes is not None
        parts = [part.strip(" ") for part in t.split(";")]
        value = ";".join(parts) if all(part in column.codes for part in parts) else None
    elif column.type == "date":
        day = t.removesuffix(" 23:59:00")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
            try:
                value = date.fromisoformat(day)
            except ValueError:
                value = None
    elif column.type == "bool":
        value = {"true": True, "1": True, "false": False, "0": False}.get(t.lower())
    elif re.fullmatch(r"[+-]?\d+(\.0*)?" if column.type == "int" else r"[+-]?\d+", t):
        value = int(t.split(".")[0])
        value = value if -(2**63) <= value < 2**63 else None
    if value is None:
        return None, {"unknown_code" if column.codes else "wrong_type"}
    below = column.minimum is not None and value < column.minimum
    above = column.maximum is not None and value > column.maximum
    return value, {"out_of_range"} if below or above else set()


def oracle(
    table: Table, rows: list[list[str]], founded: dict[str, date]
) -> tuple[set[tuple[Any, ...]], int, dict[int, set[str]]]:
    """Kept rows, number merged, and the reasons of each quarantined source row."""
    bad: dict[int, set[str]] = {}
    good: dict[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        if len(row) != len(table.columns):
            bad[number] = {"unreadable"}
            continue
        values, reasons = {}, set()
        for column, text in zip(table.columns, row, strict=True):
            values[column.name], wrong = read(column, text)
            reasons |= {f"{column.name}: {kind}" for kind in wrong}
        for name in ("occurred_at", "known_at"):
            if values[name] and values[name] > AS_OF:
                reasons.add(f"{name}: after_as_of")
        if values["occurred_at"] and values["known_at"] and values["known_at"] < values["occurred_at"]:
            reasons.add("known_at: known_before_occurred")
        if reasons:
            bad[number] = reasons
        else:
            good[values["record_id"], values["version"]].append((number, tuple(values.values())))
    kept, merged = set(), 0
    for copies in good.values():
        if len({values for _, values in copies}) > 1:
            bad |= {number: {"conflicting_duplicate"} for number, _ in copies}
        elif copies[0][1][3] < founded.get(copies[0][1][2], date.min):
            bad |= {number: {"occurred_at: before_registration"} for number, _ in copies}
        else:
            kept.add(copies[0][1])
            merged += len(copies) - 1
    return kept, merged, bad


@pytest.mark.slow
@settings(max_examples=examples(40), deadline=None)
@given(st.fixed_dictionaries({name: rows_of(name) for name in DIRTY_TABLES}))
def test_every_row_ends_where_the_rules_say(source: dict[str, list[list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch, "source"), Path(scratch, "out")
        folder.mkdir()
        for name, rows in source.items():
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
                csv.writer(handle).writerows([TABLES[name].column_names, *rows])
        report = check_folder(folder, AS_OF, out)
        register = oracle(TABLES["registration"], source["registration"], {})[0]
        registered = {row[2] for row in register}
        founded = {who: min(row[3] for row in register if row[2] == who) for who in registered}
        for name, rows in source.items():
            kept, merged, bad = oracle(TABLES[name], rows, {} if name == "registration" else founded)
            told = report.tables[name]
            assert (told.rows_in, told.kept, told.merged, told.quarantined) == (
                len(rows),
                len(kept),
                merged,
                len(bad),
            )
            assert told.balanced
            assert told.orphans == sum(row[2] not in registered for row in kept)
            assert told.reasons == dict(Counter(kind for kinds in bad.values() for kind in kinds))
            clean = duckdb.read_parquet(str(out / "clean" / f"{name}.parquet")).fetchall()
            assert set(clean) == kept
            assert clean == sorted(clean, key=lambda row: (row[2], row[0], row[1]))
            if bad:
                quarantine = str(out / "quarantine" / f"{name}.parquet")
                lines = duckdb.read_parquet(quarantine).project("source_row, reason").fetchall()
                assert [row for row, _ in lines] == sorted(bad)
                assert all(reason for _, reason in lines)
