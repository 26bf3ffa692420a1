"""A lost executor changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.long
def test_the_table_is_the_same_when_an_executor_is_killed_midway(spark: SparkSession) -> None:
    """In a process of its own: two executors are another application than the tests'."""
    code = "from fenlei.cli import main; main()"
    command = [sys.executable, "-c", code, "bench", "spark", "--enterprises", "5000", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["executors killed"] == 1
    assert told["cells different"] == 0
    assert told["rows"] > 3_000
