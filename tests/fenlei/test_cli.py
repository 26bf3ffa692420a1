"""The command line: exit codes 0 done, 1 the answer is no, 2 wrong use; messages that name what was expected."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.catalogue import CATALOGUE
from features.errors import FenleiError
from fenlei.cli import app
from fenlei.terminal import parse_date
from helpers.root import ROOT

runner = CliRunner()


def fenlei(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own: exit codes as a shell sees them."""
    code = "from fenlei.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


def test_a_clean_folder_exits_0_and_says_where_the_rows_are(small_province: Path, tmp_path: Path) -> None:
    found = runner.invoke(app, ["check", str(small_province), "--as-of", "2026-01", "-o", str(tmp_path), "--json"])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["totals"]["quarantined"] == 0
    assert (tmp_path / "clean" / "registration.parquet").is_file()


def test_quarantined_rows_exit_1(small_province: Path, tmp_path: Path) -> None:
    """As of an earlier day, what is known later can't be true: it goes to quarantine, the rest is kept."""
    found = runner.invoke(app, ["check", str(small_province), "--as-of", "2023-01-01", "-o", str(tmp_path), "--json"])
    assert found.exit_code == 1
    totals = json.loads(found.stdout)["totals"]
    assert totals["quarantined"] > 0
    assert totals["rows_in"] == totals["kept"] + totals["merged"] + totals["quarantined"] + totals["unmapped"]


@pytest.fixture
def misnamed(small_province: Path, tmp_path: Path) -> Path:
    """The province with its complaints in a file that is almost named right."""
    folder = tmp_path / "province"
    folder.mkdir()
    for path in small_province.glob("*.parquet"):
        (folder / path.name.replace("complaints", "complaint")).symlink_to(path)
    return folder


def test_rows_left_out_for_their_files_name_exit_1(misnamed: Path, tmp_path: Path) -> None:
    found = runner.invoke(app, ["check", str(misnamed), "--as-of", "2026-01", "-o", str(tmp_path / "out")])
    assert found.exit_code == 1
    assert "did you mean complaints?" in found.stdout


@pytest.mark.slow
def test_who_computes_indicators_is_told_what_was_left_out(misnamed: Path, tmp_path: Path) -> None:
    asked = ["features", str(misnamed), "--as-of", "2026-01", "-o", str(tmp_path / "t.parquet")]
    assert "did you mean complaints?" in runner.invoke(app, asked).stdout


def test_an_empty_folder_is_wrong_use_and_says_what_is_expected(tmp_path: Path) -> None:
    done = fenlei("check", str(tmp_path), "--as-of", "2026-01-01")
    assert done.returncode == 2
    assert "registration" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["indicators", "penalties_4y"], "penalties_3y"),
        (["features", "nowhere", "--as-of", "2026-01-01", "-o", "x.parquet"], "nowhere"),
        (["features", "nowhere", "--as-of", "1 May", "-o", "x.parquet"], "2026-11-22"),
        (["features", "nowhere", "--as-of", "2026-01", "-o", "x.parquet", "--engine", "abacus"], "abacus"),
        (["indicators", "penalties_3y", "--sector", "toys"], "food"),
        (["train", "no-such.toml"], "no-such.toml"),
        (["train", "experiments/demo.toml"], "--data"),
    ],
)
def test_wrong_use_is_an_error_that_names_what_was_expected(arguments: list[str], says: str) -> None:
    with pytest.raises(FenleiError, match=says):
        runner.invoke(app, arguments, catch_exceptions=False, standalone_mode=False)


def test_the_catalogue_is_there_for_people_and_programs() -> None:
    assert f"{len(CATALOGUE)} indicators" in runner.invoke(app, ["indicators"]).stdout
    listed = json.loads(runner.invoke(app, ["indicators", "--json"]).stdout)
    assert [i["name"] for i in listed] == list(CATALOGUE)


def test_one_indicator_shows_its_sql() -> None:
    found = runner.invoke(app, ["indicators", "penalties_3y", "--sql"]).stdout
    assert "近三年行政处罚次数" in found
    assert "occurred_at >= c.from_36m" in found


def test_a_month_means_its_first_day() -> None:
    assert parse_date("2026-11") == parse_date("2026-11-01")


@pytest.mark.slow
def test_the_demo_walks_the_whole_chain(tmp_path: Path) -> None:
    done = fenlei("demo", "--enterprises", "6000", "--trials", "1", "--work", str(tmp_path / "demo"))
    assert done.returncode == 0, done.stderr
    assert "answered by the model" in done.stdout
    report = Path(done.stdout.split("report: ")[1].split("\n")[0].strip())
    assert report.is_file()
    assert not list((tmp_path / "demo").rglob("service.log"))
    verified = fenlei("audit", "verify", str(tmp_path / "demo" / "audit.jsonl"))
    assert verified.returncode == 0
