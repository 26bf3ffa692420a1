"""A month made by Spark is the month that DuckDB makes, byte for byte."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.ledger import NOVEMBER, ON, asked, files_of
from serving.ledger.place import Place
from serving.ledger.publish import classify_month

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.long
def test_spark_makes_the_same_month(spark: SparkSession, source: Path, two_months: Path, tmp_path: Path) -> None:
    root = tmp_path / "L"
    shutil.copytree(two_months, root)
    shutil.rmtree(Place(root, "hebei").month("2025-11"))
    record = root / "hebei.jsonl"
    record.write_text("".join(record.read_text().splitlines(keepends=True)[:-1]))
    ask = replace(asked(source, NOVEMBER), engine="spark")
    assert classify_month(ask, root, on=ON).act == "published"
    assert files_of(root) == files_of(two_months)
    assert spark.version
