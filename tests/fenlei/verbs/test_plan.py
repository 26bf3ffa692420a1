"""The verbs plan and measures, as they are called."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from features.errors import FenleiError
from fenlei.cli import app
from helpers.ledger import NOVEMBER, make
from helpers.plans import regions
from serving.ledger.read import Ledger
from simulation import simulate

MONTH = "2025-11"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of one month."""
    folder = tmp_path_factory.mktemp("plan_verb")
    simulate(folder / "source", enterprises=500, months=40, seed=4, end=date(2026, 1, 1))
    make(folder / "source", folder / "L", NOVEMBER)
    return folder / "L"


@pytest.fixture(scope="module")
def staff(ledger: Path) -> Path:
    """Two inspectors a district, and a row that names a person."""
    found = regions(Ledger.open(ledger, "hebei").month(MONTH))
    file = ledger.parent / "inspectors.csv"
    lines = [f"I{region}-{k},{region}" for region in found for k in range(2)]
    file.write_text("\n".join(["inspector_id,district", "李四,130101", *lines]) + "\n", encoding="utf-8")
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def plan(ledger: Path, staff: Path, out: Path, *more: object, month: str = MONTH) -> Result:
    return run(
        "plan", "--ledger", ledger, "--month", month, "--seed", "07 12 23", "--inspectors", staff, "-o", out, *more
    )


def test_a_plan_is_drawn_and_told(ledger: Path, staff: Path, tmp_path: Path) -> None:
    done = plan(ledger, staff, tmp_path / "p")
    assert done.exit_code == 0
    assert "uniform draw 均匀抽取" in done.output
    assert "random share 10%" in done.output
    assert "left out: inspectors.csv, row 1, column inspector_id: expected an opaque id" in done.output
    assert "李四" not in done.output
    written = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "p").iterdir() if p.suffix != ".parquet")
    assert "李四" not in written


def test_json_is_the_summary_as_it_is_written(ledger: Path, staff: Path, tmp_path: Path) -> None:
    done = plan(ledger, staff, tmp_path / "p", "--json")
    said = json.loads(done.stdout)
    assert said == json.loads((tmp_path / "p" / "plan.json").read_text(encoding="utf-8"))
    assert said["province"] == "hebei"
    again = json.loads(plan(ledger, staff, tmp_path / "q", "--last", tmp_path / "p", "--json").stdout)
    assert again["findings"]["last"]["plan_id"] == said["plan_id"]


@pytest.mark.parametrize(
    ("month", "more", "said"),
    [
        ("2025-12", (), "2025-12 is not in the ledger"),
        ("2025-13", (), "is no month"),
        (MONTH, ("--province", "henan"), "published months of henan: none yet"),
        (MONTH, ("--last", "nowhere"), "expected the folder of a plan"),
        (MONTH, ("--leads", "nowhere.csv"), "no such file"),
        (MONTH, ("--policy", "nowhere.toml"), "no such file"),
        (MONTH, ("--records", "nowhere"), "no manifest.json"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_written(
    ledger: Path, staff: Path, tmp_path: Path, month: str, more: tuple[str, ...], said: str
) -> None:
    done = plan(ledger, staff, tmp_path / "p", *more, month=month)
    assert isinstance(done.exception, FenleiError)
    assert said in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_measures_of_one_enterprise_are_shown_and_everyones_written(ledger: Path, tmp_path: Path) -> None:
    file = tmp_path / "measures.csv"
    assert run("measures", "--ledger", ledger, "-o", file).exit_code == 0
    who = file.read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    shown = json.loads(run("measures", who, "--ledger", ledger, "--json").stdout)
    assert {row["article"] for row in shown} >= {"HB 19(1)", "HB 19(2)", "HB 19(3)", "HB 19(5)"}
    assert run("measures", who, "--ledger", ledger, "--month", MONTH).exit_code == 0


def test_measures_need_an_enterprise_or_a_file(ledger: Path) -> None:
    assert "--output" in str(run("measures", "--ledger", ledger).exception)
