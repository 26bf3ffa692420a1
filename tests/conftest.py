"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from helpers.root import ROOT
from helpers.thorough import PROFILE, examples

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Before numpy is loaded, and for every process that a test starts: on problems of a few parameters OpenBLAS's threads
# wait for one another far longer than they work (measured: 11 s of processor time instead of 1 s for the 400 refits on
# 6,000 visits), and idle threads of OpenMP need not spin meanwhile.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


settings.register_profile(PROFILE, deadline=None, max_examples=examples(100))
settings.load_profile(PROFILE)


LONGEST = (
    "tests/models/test_pipeline.py",
    "spark",
    "tests/whole/test_notebooks.py",
    "tests/models/review/test_monitor.py",
    "tests/features/catalogue/sectors/test_sectors.py",
    "tests/models/review/test_review.py",
    "tests/models/study/test_dataset.py",
    "tests/features/test_point_in_time.py",
    "tests/fenlei/test_cli.py",
    "tests/features/population/test_rate_ratios.py",
    "tests/fenlei/bench/feedback/test_feedback.py",
    "tests/features/adapters/test_beijing_later_rows.py",
    "tests/models/signoff/test_approval.py",
    "tests/models/test_gate_cheats.py",
)
"""Files that take longest, and so begin first: the last one to end is then a short one."""


def kept_together(nodeid: str) -> str:
    """Return what a test shares expensive fixtures with, and so must share a worker with: its file, or Spark."""
    file = nodeid.partition("::")[0]
    return "spark" if "/spark/" in file or file.endswith("test_spark.py") else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    rank = {name: k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(kept_together(item.nodeid), len(rank)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker whole files, so that what a file builds (a trained study, a province) is built once.

    Not by xdist's own groups: it writes them into a name of the test that pytest 9 does not read any more.
    """
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Together(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return kept_together(nodeid)

    return Together(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real records; where it is missing the test says so and is skipped."""
    root = Path(os.environ.get("FENLEI_SHARED", ROOT.parent / "shared"))
    if not (root / "data" / "beijing_open").is_dir():
        pytest.skip(f"real records not found at {root}: set FENLEI_SHARED to the folder that holds data/")
    return root


@pytest.fixture(scope="session")
def chicago() -> Path:
    """Folder of Chicago's food inspections; where it is missing the test says so and is skipped."""
    root = Path(os.environ.get("FENLEI_SHARED", ROOT.parent / "shared"))
    if not (root / "data" / "chicago_food").is_dir():
        pytest.skip(f"Chicago's inspections not found at {root}: set FENLEI_SHARED to the folder that holds data/")
    return root / "data" / "chicago_food"


@pytest.fixture(scope="session")
def small_province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated source folder of 3,000 enterprises over five years, seed 7; `small_clean` is its clean folder."""
    from simulation import simulate

    folder = tmp_path_factory.mktemp("small") / "province"
    simulate(folder, enterprises=3_000, months=60, seed=7)
    return folder


@pytest.fixture(scope="session")
def small_clean(small_province: Path) -> Path:
    """The clean folder of `small_province`."""
    from features.check import check_folder

    check_folder(small_province, date(2026, 1, 1), small_province.parent / "checked")
    return small_province.parent / "checked" / "clean"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs; making its tables takes seconds, copying it none."""
    from models.tracking import runs
    from models.tracking.store import Store

    folder = tmp_path_factory.mktemp("mlflow")
    runs.client(Store.in_folder(folder)).search_experiments()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A Spark application of two threads, for all tests; without Java they say so and are skipped, or fail in CI."""
    from features.engine.spark import lacking, spark_session

    if lack := lacking():
        (pytest.fail if os.environ.get("FENLEI_REQUIRE_SPARK") else pytest.skip)(lack)
    with pytest.MonkeyPatch.context() as patch:
        # Many small jobs: the second compiler would cost more than it saves, and threads of G1 stand in the way.
        java = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--driver-java-options '{java}' pyspark-shell")
        with spark_session("local[2]", memory="2GB") as session:
            yield session
