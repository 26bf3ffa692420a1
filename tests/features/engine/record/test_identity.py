"""A caller's rows and a source's are held to the same contract: what `fenlei check` sets aside, a request is told."""

from __future__ import annotations

import csv
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.check import check_folder
from features.engine.record.record import Record, indicators_of
from features.errors import RecordError, SourceError
from helpers.scope import HEBEI

CUTOFF = date(2026, 1, 1)
GOOD: dict[str, Any] = {
    "record_id": "p1", "version": 1, "enterprise_id": "E1", "occurred_at": "2025-03-01", "known_at": "2025-03-09",
    "penalty_kinds": "fine", "fine_fen": 100,
}  # fmt: skip


def checked(rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Rows kept, merged and quarantined by the check."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "in").mkdir()
        for name, lines in (("penalties", rows), ("registration", [REGISTRATION])):
            with (folder / "in" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, sorted({k for line in lines for k in line}))
                writer.writeheader()
                writer.writerows(lines)
        report = check_folder(folder / "in", CUTOFF, folder / "out")
        table = report.tables["penalties"]
        return table.kept, table.merged, table.quarantined


REGISTRATION = {
    "record_id": "r1", "version": 1, "enterprise_id": "E1", "occurred_at": "2015-03-01", "known_at": "2015-03-09",
    "name": "n", "enterprise_type": "limited_company", "status": "active",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"fine_fen": 200}, "fine_fen"),
        ({"fine_fen": None}, "fine_fen"),
        ({"record_state": "revoked"}, "record_state"),
        ({"record_id": "p2", "known_at": "2025-02-28"}, "known_at"),
        ({"record_id": "p2;p3"}, "record_id"),
        ({"record_id": ""}, "record_id"),
        ({"record_id": "p2", "fine_fen": -1}, "fine_fen"),
        ({"record_id": "p2", "penalty_kinds": "prison"}, "penalty_kinds"),
    ],
)
def test_what_the_check_sets_aside_a_request_is_told(change: dict[str, Any], column: str) -> None:
    rows = [GOOD, GOOD | change]
    *_, quarantined = checked(rows)
    assert quarantined >= 1
    with pytest.raises(SourceError, match=f"record of E1, table penalties, row 1, column {column}: "):
        indicators_of([Record("E1", CUTOFF, {"penalties": rows})], HEBEI)


@pytest.mark.parametrize(
    "change", [{}, {"record_state": "active"}, {"version": 2}, {"record_id": "p2"}, {"version": 2, "fine_fen": 200}]
)
def test_what_the_check_keeps_or_merges_a_request_does_too(change: dict[str, Any]) -> None:
    rows = [GOOD, GOOD | change]
    kept, merged, quarantined = checked(rows)
    assert (kept + merged, quarantined) == (2, 0)
    found = indicators_of([Record("E1", CUTOFF, {"penalties": rows})], HEBEI)
    once = indicators_of([Record("E1", CUTOFF, {"penalties": [GOOD]})], HEBEI)
    if merged:
        pd.testing.assert_frame_equal(found, once)
    elif "record_id" in change:
        assert found["penalties_3y"].item() == 2
    else:
        assert found["penalties_3y"].item() == 1
        assert found["fines_3y"].item() == change.get("fine_fen", 100)


def test_another_enterprises_row_is_refused_not_ignored() -> None:
    with pytest.raises(SourceError, match="row 1, column enterprise_id: got 'E2', expected the enterprise"):
        indicators_of(
            [Record("E1", CUTOFF, {"penalties": [GOOD, GOOD | {"record_id": "p2", "enterprise_id": "E2"}]})], HEBEI
        )


def test_an_error_says_where_as_values_too() -> None:
    record = Record("E1", CUTOFF, {"penalties": [GOOD, GOOD | {"record_id": "p2", "known_at": "2020-01-01"}]})
    with pytest.raises(RecordError) as told:
        indicators_of([record], HEBEI)
    err = told.value
    assert (err.enterprise_id, err.part, err.table, err.row, err.column) == ("E1", "table", "penalties", 1, "known_at")
    assert err.expected == "no day before occurred_at"
    assert str(err).startswith("record of E1, table penalties, row 1, column known_at: got ")
