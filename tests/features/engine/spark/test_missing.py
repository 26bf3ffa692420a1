"""Without PySpark or Java everything else works, and the Spark engine says what to install."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from features.engine.choice import check_engine
from features.engine.spark import lacking
from features.errors import ConfigError


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)  # as if it were not installed
    with pytest.raises(ConfigError, match=r"no pyspark: install the extra, pip install 'fenlei\[spark\]'"):
        check_engine("spark")


def test_without_java_a_runtime_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacking().startswith("no Java 17: install a runtime such as")
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    assert lacking().startswith("no Java 17: found version 11")
    java.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\" 2023-10-17' >&2\n", encoding="utf-8")
    assert lacking() == ""


@pytest.mark.parametrize(
    ("engine", "master", "message"),
    [("abacus", None, "no engine 'abacus'; there are duckdb, spark"), ("duckdb", "local", "a master is Spark's")],
)
def test_an_engine_that_is_not_there_is_refused(engine: str, master: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_engine(engine, master)


@pytest.mark.slow
def test_a_cluster_that_spark_cannot_start_at_is_a_message_and_exit_2(small_province: Path, tmp_path: Path) -> None:
    if lack := lacking():
        pytest.skip(lack)
    code = "from fenlei.cli import main; main()"
    asked = ["features", str(small_province), "--as-of", "2026-01", "-o", str(tmp_path / "i.parquet")]
    ended = subprocess.run(
        [sys.executable, "-c", code, *asked, "--engine", "spark", "--master", "sparrow://nest"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    told = " ".join(ended.stderr.split())
    assert re.search(r"error: Spark, starting at sparrow://nest: .*\bexited\b", told)
    assert "Traceback" not in told


def test_pyspark_is_only_imported_when_a_session_is_asked_for() -> None:
    code = (
        "import features, features.engine.spark, features.table.month, fenlei.cli, sys; "
        "sys.exit('pyspark' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
