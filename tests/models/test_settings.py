"""What a training would stumble over is said before a row is read: file, line and key, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import ConfigError
from helpers.root import ROOT
from models import pipeline
from models.pipeline import train
from models.settings import checked_study
from models.tracking.store import Store

DEMO = (ROOT / "experiments" / "demo.toml").read_text(encoding="utf-8")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write the demo's study with one change, under its own name or another."""

    def write(find: str = "", replace: str = "", name: str = "demo.toml") -> Path:
        assert find in DEMO
        path = tmp_path / name
        path.write_text(DEMO.replace(find, replace, 1) if find else DEMO, encoding="utf-8")
        return path

    return write


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: Any) -> None:
        raise AssertionError("records are read")

    monkeypatch.setattr(pipeline, "prepare", read)


def test_every_committed_study_fits_its_province_and_its_name() -> None:
    for path in sorted((ROOT / "experiments").glob("*.toml")):
        assert checked_study(path).name == path.stem


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("find", "replace", "said"),
    [
        ('province = "hebei"', 'province = "atlantis"', "line 5: province: no policy"),
        ('province = "hebei"', 'province = "hebei"\nsector = "toys"', "line 6: sector: province 'hebei' declares no"),
        ("[arms]", '[indicators]\nonly = ["penaltys"]\n[arms]', "indicators: indicators not in the catalogue"),
        ("[arms]", "[bands]\nrates = [0.3, 0.2, 0.4]\n[arms]", "bands: "),
    ],
)
def test_a_setting_that_names_what_is_not_there_is_told_before_a_row_is_read(
    written: Callable[..., Path], tmp_path: Path, find: str, replace: str, said: str
) -> None:
    path = written(find, replace)
    with pytest.raises(ConfigError) as caught:
        train(path, store=Store.in_folder(tmp_path / "store"), data=tmp_path, work=tmp_path / "work")
    assert str(caught.value).startswith(f"{path}, line ")
    assert said in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["demo.toml"]


@pytest.mark.usefixtures("untouched")
def test_a_copy_that_kept_the_name_does_not_write_over_the_study_it_was_copied_from(
    written: Callable[..., Path], tmp_path: Path
) -> None:
    results = tmp_path / "work" / "demo" / "report" / "report.html"
    results.parent.mkdir(parents=True)
    results.write_text("the demo's", encoding="utf-8")
    path = written(name="mine.toml")
    with pytest.raises(ConfigError) as caught:
        train(path, store=Store.in_folder(tmp_path / "store"), data=tmp_path, work=tmp_path / "work")
    assert str(caught.value) == (
        f"{path}, line 3: name: 'demo' is not the file's own name, and results stand under it; "
        "expected 'mine', or a file named demo.toml"
    )
    assert results.read_text(encoding="utf-8") == "the demo's"


@pytest.mark.usefixtures("untouched")
def test_trials_without_anything_to_search_are_told_first(written: Callable[..., Path], tmp_path: Path) -> None:
    begin = DEMO.index("[tuning]")
    space = DEMO[begin : DEMO.index("[calibration]")]
    with pytest.raises(ConfigError, match=r"tuning: 3 trials need a \[tuning\.space\]"):
        checked_study(written(space, "[tuning]\ntrials = 0\n"), trials=3)


@pytest.mark.usefixtures("untouched")
def test_a_working_folder_or_store_that_cannot_be_used_is_told_first(
    written: Callable[..., Path], tmp_path: Path
) -> None:
    path, data = written(), tmp_path / "data"
    data.mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="file is no folder"):
        train(path, store=Store.in_folder(tmp_path / "store"), data=data, work=tmp_path / "file")
    (tmp_path / "mlflow.db").write_text("no database\n" * 200, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mlflow\.db can't be used: .*file is not a database"):
        train(path, store=Store.in_folder(tmp_path), data=data, work=tmp_path / "work")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "demo.toml", "file", "mlflow.db"]
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "tuning.db").write_text("no database\n" * 200, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tuning\.db: file is not a database"):
        train(path, store=Store.in_folder(tmp_path / "store"), data=data, work=tmp_path / "work")
