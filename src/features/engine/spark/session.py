"""Spark session that answers as DuckDB does (UTC, ANSI, no silent overflow), or an error that says what is missing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from features.engine.faults import named
from features.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
"""Least Java version of PySpark 4.3."""

LOCAL = "local[*]"
"""All processors of this machine, in this process."""

_PANDAS_3 = r"PySpark does not yet fully support pandas >= 3\.0\.0\."
"""PySpark 4.3 says so when it is imported. Frames pass by Arrow here, never by its pandas."""

_ANSWERS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # overflow and bad casts are errors, as in DuckDB
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
}
"""Settings that decide values, set for our own session only, even on a shared cluster."""


def java_version() -> int | None:
    """Return the major version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not shutil.which(java):
        return None
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None


def lacking() -> str:
    """Say what this machine lacks to run Spark, and how to get it; empty when nothing."""
    if importlib.util.find_spec("pyspark") is None:
        return "no pyspark: install the extra, pip install 'fenlei[spark]'"
    version = java_version()
    if version is None:
        return f"no Java {JAVA}: install a runtime such as Debian's default-jre-headless, or set JAVA_HOME"
    if version < JAVA:
        return f"no Java {JAVA}: found version {version}; install a newer runtime, or set JAVA_HOME to one"
    return ""


def errors() -> tuple[type[Exception], ...]:
    """Return what Spark raises; only asked where PySpark is there."""
    from pyspark.errors import PySparkException

    # What PySpark does not know as its own error comes through its bridge to Java, which has no types.
    return PySparkException, import_module("py4j.protocol").Py4JError


def check_spark() -> None:
    """Refuse where Spark can't run.

    Raises
    ------
    ConfigError
        If PySpark or Java is missing; says what to install.
    """
    if lack := lacking():
        raise ConfigError(f"engine spark can't run here: {lack}")


@contextmanager
def spark_session(master: str | None = None, *, memory: str | None = None) -> Iterator[SparkSession]:
    """Lend a session with its own settings and names.

    Parameters
    ----------
    master
        Spark's master URL; this machine by default. Where a Spark application already runs in this process, its
        cluster is used, and it goes on afterwards; else one is started and stopped.
    memory
        Heap of the driver, such as ``"4GB"``; on this machine, that is all of Spark's.

    Raises
    ------
    ConfigError
        If PySpark or Java is missing, or an application of another master runs already.
    EngineError
        If Spark can't start there, for instance because no cluster answers.
    """
    check_spark()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory(prefix="fenlei-spark-") as scratch:
        session, ours = _started(master, _settings(master or LOCAL, memory, scratch))
        try:
            for key, value in _ANSWERS.items():
                session.conf.set(key, value)
            yield session
        finally:
            if ours:
                session.stop()


def _started(master: str | None, settings: dict[str, str]) -> tuple[SparkSession, bool]:
    """Return a session, and whether its application is ours to stop."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_PANDAS_3, category=FutureWarning)
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession

        try:
            running = SparkSession.active()
        except PySparkRuntimeError:  # none runs in this process
            builder = SparkSession.builder.appName("fenlei").master(master or LOCAL)
            for key, value in settings.items():
                builder = builder.config(key, value)
            with named("Spark", f"starting at {master or LOCAL}", errors()):
                return builder.getOrCreate(), True
    there = running.sparkContext.master
    if master not in (None, there):
        raise ConfigError(f"Spark runs here already with master {there}; it can't also use {master}")
    return running.newSession(), False


def _settings(master: str, memory: str | None, scratch: str) -> dict[str, str]:
    """Return what a new application needs; nothing of it decides a value."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.warehouse.dir": scratch,  # Spark would make a folder where the user stands
    }
    if memory:
        settings["spark.driver.memory"] = memory.lower().removesuffix("b")  # "4GB", as DuckDB has it, is "4g"
    if master.startswith("local"):
        # Nothing outside this machine has to reach the driver. Few rows in two hundred partitions would only wait.
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        }
    return settings
