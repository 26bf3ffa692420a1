"""Rows that travel to a statement as one parameter arrive as they were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from features.engine.record.prepared import Statements, handed_on, literal

TYPES = {"n": "BIGINT", "day": "DATE", "flag": "BOOLEAN", "word": "VARCHAR", "list": "BIGINT[]"}
ROWS = [
    (2**63 - 1, date(1, 1, 1), True, "", [1, None, -(2**63)]),
    (-(2**63), date(9999, 12, 31), False, "null", []),
    (2**53 + 1, None, None, "2024-02-29", None),
    (None, date(2024, 2, 29), None, None, [2**53 + 1]),
]


@pytest.fixture
def statements() -> Iterator[Statements]:
    found = Statements(
        {"given": TYPES, "other": TYPES}, {"doubled": "SELECT * FROM given UNION ALL SELECT * FROM given"}
    )
    yield found
    found.close()


def test_every_kind_of_cell_is_exact(statements: Statements) -> None:
    text = f"SELECT {', '.join(TYPES)} FROM given"
    assert statements.rows("all", lambda: text, {"given": handed_on(TYPES, ROWS)}) == ROWS


def test_a_statement_runs_again_on_other_rows_and_on_none(statements: Statements) -> None:
    asked = []

    def text() -> str:
        asked.append("SELECT n FROM given")
        return asked[-1]

    for numbers in ([1, 2], [3], []):
        given = {"given": literal({"n": numbers})}
        assert statements.rows("some", text, given) == [(n,) for n in numbers]
    assert statements.rows("some", text, {}) == []
    assert len(asked) == 1  # planned at its first use


def test_a_step_may_be_another_one_for_one_statement(statements: Statements) -> None:
    given = {"given": literal({"n": [1]}), "other": literal({"n": [2]})}
    text = "SELECT n FROM doubled"
    assert statements.rows("usual", lambda: text, given) == [(1,), (1,)]
    assert statements.rows("own", lambda: text, given, {"doubled": "SELECT n FROM other"}) == [(2,)]
