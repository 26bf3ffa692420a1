"""What an engine can't compute is one of our errors: it names the table and the column, and no row's value."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from features.catalogue.expressions import Aggregate
from features.engine.choice import run_engine
from features.engine.duckdb_engine import evaluate
from features.engine.faults import named, run_scan
from features.engine.plan import GREATEST, scan_sql
from features.errors import EngineError
from features.records.store import open_frames
from helpers.clean import clean_folder
from helpers.records import CUTOFF, province
from helpers.scope import HEBEI

PAIRS = pd.DataFrame({"enterprise_id": ["E1"], "cutoff": [CUTOFF]})


def test_a_value_that_duckdb_cannot_compute_is_named_by_table_and_column() -> None:
    """A store that no check has seen: the sum of a policy's factor and such an amount leaves 64 bits."""
    store = open_frames(province(1))
    store.con.execute(
        "INSERT INTO raw_changes (record_id, version, enterprise_id, occurred_at, known_at, record_state, item,"
        " before_fen, after_fen) VALUES ('x', 1, 'E1', DATE '2023-06-01', DATE '2023-06-02', 'active', 'capital',"
        " 9223372036854775807, 1)"
    )
    with pytest.raises(EngineError, match=r"DuckDB, table changes, columns item, before_fen, after_fen: ") as told:
        evaluate(store, PAIRS, HEBEI)
    store.close()
    assert isinstance(told.value.__cause__, duckdb.Error)


def test_where_every_aggregate_fails_no_column_is_blamed() -> None:
    def run(_some: object) -> None:
        raise duckdb.IOException("no space left\nstack trace")

    two = [Aggregate("tax", "max(arrears_fen)", 0), Aggregate("tax", "count(*)", 0)]
    with pytest.raises(EngineError, match=r"^DuckDB, table tax: no space left$"):
        run_scan("DuckDB", "tax", two, (duckdb.Error,), run)


def test_an_engines_words_are_repeated_without_a_persons_number() -> None:
    with (
        pytest.raises(EngineError, match=r"^DuckDB, formulas: can't cast '1101\*{14}'$"),
        named("DuckDB", "formulas", (duckdb.Error,)),
    ):
        raise duckdb.ConversionException("can't cast '11010519491231002X'")


def test_a_clean_file_that_breaks_off_is_one_of_our_errors(tmp_path: Path) -> None:
    clean = clean_folder(tmp_path / "clean", province(1), {})
    (clean / "penalties.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(EngineError, match=r"^DuckDB, reading the records: "), run_engine("duckdb", clean):
        pass


def test_a_store_that_was_closed_is_one_of_our_errors() -> None:
    store = open_frames(province(1))
    store.close()
    with pytest.raises(EngineError, match=r"^DuckDB, reading the records: .*already closed"):
        evaluate(store, PAIRS, HEBEI)


@pytest.mark.parametrize(
    ("amounts", "total"),
    [([1, 2], 3), ([2**62] * 4, GREATEST), ([-(2**62)] * 4, -GREATEST), ([None], 0), ([GREATEST + 1], GREATEST)],
)
def test_a_total_never_leaves_its_bounds(amounts: list[int | None], total: int) -> None:
    one = Aggregate("tax", "CAST(sum(arrears_fen) AS BIGINT)", 0)
    with duckdb.connect() as con:
        con.execute("CREATE TABLE part AS SELECT 0 AS pair, 'e' AS enterprise_id, DATE '2024-01-01' AS cutoff,"
                    " DATE '2024-01-01' AS known_as_of")  # fmt: skip
        con.execute("CREATE TABLE raw_tax (record_id VARCHAR, enterprise_id VARCHAR, occurred_at DATE, known_at DATE,"
                    " record_state VARCHAR, arrears_fen BIGINT)")  # fmt: skip
        day = date(2023, 1, 1)
        con.executemany("INSERT INTO raw_tax VALUES ('t', 'e', ?, ?, 'active', ?)", [[day, day, a] for a in amounts])
        sql = scan_sql("tax", [one], windows=[], plain=True)
        assert con.execute(sql).fetchall() == [(0, total)]
