"""Wrong use of any verb is one message and exit code 2 before the work; exit code 1 is only ever a no."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fenlei.cli import main
from helpers.root import ROOT
from helpers.tiny_source import write_source

EXPERIMENT = str(ROOT / "experiments" / "demo.toml")


class Desk:
    """A place to call the command line from."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self.patch, self.capsys, self.home = patch, capsys, home

    def __call__(self, *arguments: str) -> tuple[object, str]:
        """Return the exit code and what stands on standard error."""
        self.patch.setattr(sys, "argv", ["fenlei", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, self.capsys.readouterr().err


@pytest.fixture
def fenlei(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Desk:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}")
    monkeypatch.setenv("FENLEI_PROVINCE", "hebei")
    monkeypatch.delenv("FENLEI_RECORDS", raising=False)
    (tmp_path / "a_file").write_text("", encoding="utf-8")
    (tmp_path / "a_folder").mkdir()
    write_source(tmp_path / "source")
    write_source(tmp_path / "spoilt", readable=0)
    monkeypatch.chdir(tmp_path)
    return Desk(monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["simulate", "a_file", "--enterprises", "10", "--months", "40"], "a_file is no folder"),
        (["simulate", "a_file/p", "--enterprises", "10", "--months", "40"], "a_file is no folder"),
        (["check", "source", "--as-of", "2026-01", "-o", "a_file"], "a_file is no folder"),
        (["check", "source", "--as-of", "2026-01", "-o", "source"], "in the source folder"),
        (["check", "source", "--as-of", "2026-01", "-o", "source/out"], "in the source folder"),
        (["check", "a_file", "--as-of", "2026-01"], "no such folder"),
        (["features", "source", "--as-of", "2026-01", "-o", "a_folder"], "a_folder is a folder"),
        (["features", "source", "--as-of", "2026-01", "-o", "a_file/i.parquet"], "a_file is no folder"),
        (["features", "source", "--as-of", "2026-01", "-o", "i.csv"], "ends in .parquet"),
        (["features", "source", "--as-of", "2026-01", "-o", "source/i.parquet"], "in the source folder"),
        (["features", "source", "--as-of", "2035-06-01", "-o", "i.parquet"], "2035-06-01 is after 2026-01-01"),
        (["features", "source", "--as-of", "1990-01", "-o", "i.parquet"], "1990-01-01 is before 2020-01-01"),
        (["features", "spoilt", "--as-of", "2026-01", "-o", "i.parquet", "--province", "atlantis"], "'atlantis'"),
        (["features", "spoilt", "--as-of", "2026-01", "-o", "i.parquet", "--sector", "toys"], "no sector 'toys'"),
        (["features", "spoilt", "--as-of", "2026-01", "-o", "i.parquet"], "required table registration"),
        (["train", EXPERIMENT, "--data", "source", "--work", "a_file"], "a_file is no folder"),
        (["train", "a_folder", "--data", "source"], "a_folder: no such file"),
        (["drift", EXPERIMENT, "--data", "source", "--work", "a_file"], "a_file is no folder"),
        (["token", "bureau", "--tokens", "a_folder"], "a_folder is a folder"),
        (["token", "bureau", "--tokens", "a_file/t.jsonl"], "a_file is no folder"),
        (["serve", "--tokens", "a_folder"], "a_folder"),
        (["keygen", "Li Na", "--zh", "李娜", "--out", "a_file/k", "--no-passphrase"], "a_file is no folder"),
        (["audit", "verify", "a_folder"], "no such audit record"),
        (["propose", "1", "--note", "n", "--key", "a_folder"], "no private key at a_folder"),
        (["bench", "learn", "--experiment", EXPERIMENT, "--out", "a_file"], "a_file is no folder"),
        (["bench", "learn", "--experiment", EXPERIMENT, "--page", "none.md"], "no such page"),
        (["bench", "learn", "--experiment", EXPERIMENT, "--page", "a_file"], "no place for 'ways'"),
        (["bench", "loop", "--experiment", EXPERIMENT, "--out", "a_file"], "a_file is no folder"),
        (["bench", "loop", "--experiment", EXPERIMENT, "--page", "a_file"], "no place for 'verdict'"),
        (["bench", "province", "--page", "a_folder"], "a_folder is a folder"),
        (["bench", "features", "--page", "a_folder"], "a_folder is a folder"),
        (["bench", "features", "--clean", "a_folder"], "no manifest.json"),
        (["bench", "record", "--page", "a_folder"], "a_folder is a folder"),
        (["bench", "fit", "--page", "a_folder"], "a_folder is a folder"),
        (["bench", "fit", "--experiment", "a_folder"], "a_folder: no such file"),
        (["bench", "published", "a_folder"], "no table of the contract"),
        (["bench", "serve", "--demo", "a_folder"], "holds no indicator table"),
    ],
)
def test_a_wrong_place_is_a_message_and_exit_2_and_nothing_is_left_behind(
    fenlei: Desk, arguments: list[str], said: str
) -> None:
    before = sorted(str(p) for p in fenlei.home.rglob("*"))
    code, err = fenlei(*arguments)
    assert code == 2, err
    assert said in err
    assert "Traceback" not in err
    assert sorted(str(p) for p in fenlei.home.rglob("*")) == before


def test_the_demo_is_told_too(fenlei: Desk) -> None:
    fenlei.patch.chdir(ROOT)
    code, err = fenlei("demo", "--work", str(fenlei.home / "a_file"))
    assert (code, "a_file is no folder" in err) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", EXPERIMENT, "--data", "source"],
        ["compare"],
        ["drift", EXPERIMENT, "--data", "source"],
        ["history"],
        ["approve", "1", "--key", "k"],
        ["reject", "1", "--note", "n", "--key", "k"],
        ["propose", "1", "--note", "n", "--key", "k"],
        ["back", "1", "--note", "n", "--key", "k"],
    ],
)
def test_a_broken_database_is_a_message_for_every_verb_that_needs_it(fenlei: Desk, arguments: list[str]) -> None:
    (fenlei.home / "store").mkdir()
    (fenlei.home / "store" / "mlflow.db").write_bytes(b"not a database at all\n" * 200)
    code, err = fenlei(*arguments)
    assert code == 2
    assert "mlflow.db can't be used: " in err
    assert "file is not a database" in err


def test_a_disk_that_fails_midway_is_a_message_and_no_answer(fenlei: Desk) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "i.parquet")

    fenlei.patch.setattr("features.table.month.write_table", full)
    code, err = fenlei("features", "source", "--as-of", "2026-01", "-o", "i.parquet")
    assert (code, err.strip()) == (2, "error: i.parquet: No space left on device")


def test_a_check_of_the_folder_one_stands_in_goes_beside_it(fenlei: Desk) -> None:
    fenlei.patch.chdir(fenlei.home / "source")
    fenlei.patch.setattr(sys, "argv", ["fenlei", "check", ".", "--as-of", "2026-01", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert json.loads(fenlei.capsys.readouterr().out)["as_of"] == "2026-01-01"
    assert (fenlei.home / "source_checked" / "clean" / "registration.parquet").is_file()
