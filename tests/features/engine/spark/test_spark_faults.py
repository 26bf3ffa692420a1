"""What Spark can't compute is one of our errors: it names the table and the column, and no row's value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.engine.choice import run_engine
from features.engine.duckdb_engine import as_frame
from features.engine.spark import compute_indicators as on_spark
from features.errors import EngineError
from helpers.clean import clean_folder
from helpers.records import CUTOFF, province
from helpers.scope import HEBEI

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow

PAIRS = pd.DataFrame({"enterprise_id": ["E1"], "cutoff": [CUTOFF]})


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return clean_folder(tmp_path / "clean", province(1), {})


def test_a_clean_file_that_breaks_off_is_one_of_our_errors(spark: SparkSession, clean: Path) -> None:
    (clean / "penalties.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(EngineError, match=r"^Spark, ") as told:
        on_spark(clean, PAIRS, HEBEI)
    assert "\n" not in str(told.value)


def test_a_column_of_another_type_than_the_contracts_is_named_by_its_table(spark: SparkSession, clean: Path) -> None:
    place = clean / "tax.parquet"
    table = pq.read_table(place)
    at = table.column_names.index("arrears_fen")
    words = pa.array(["many"] * table.num_rows, pa.string())
    pq.write_table(table.set_column(at, "arrears_fen", words), place)
    with (
        pytest.raises(EngineError, match=r"^Spark, table tax, column arrears_fen: "),
        run_engine("spark", clean) as running,
    ):
        as_frame(list(running.batches(PAIRS, HEBEI)))
