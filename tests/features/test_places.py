"""A place that can't be written to is refused with its name before anything is done; one that can is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from features.places import check_apart, check_output, check_place

NOWHERE = Path("/proc/fenlei")
"""A file system that takes no new file from anybody."""


def test_a_place_that_is_there_or_can_be_made_is_left_as_it_was(tmp_path: Path) -> None:
    check_place(tmp_path)
    check_place(tmp_path / "to" / "be" / "made")
    check_output(tmp_path / "to" / "x.parquet", suffix=".parquet")
    (tmp_path / "old.parquet").write_bytes(b"old")
    check_output(tmp_path / "old.parquet", suffix=".parquet")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("old.parquet", b"old")]


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for place in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(ConfigError, match=r"file is no folder"):
            check_place(place)
    with pytest.raises(ConfigError, match=r"file is no folder"):
        check_output(tmp_path / "file" / "x.parquet")


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder; expected a file to write"):
        check_output(tmp_path)


@pytest.mark.parametrize("name", ["x.csv", "x", "x.parquet.txt"])
def test_a_name_that_promises_another_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.parquet"):
        check_output(tmp_path / name, suffix=".parquet")


@pytest.mark.skipif(not NOWHERE.parent.is_dir(), reason="needs a file system that takes no new file")
def test_where_nothing_can_be_written_the_systems_reason_is_told() -> None:
    with pytest.raises(ConfigError, match=r"/proc/fenlei: nothing can be written there: "):
        check_place(NOWHERE)
    with pytest.raises(ConfigError, match=r"nothing can be written there: "):
        check_output(NOWHERE / "x.parquet")


def test_a_name_that_no_file_system_takes_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        check_place(tmp_path / ("x" * 5000))
    with pytest.raises(ConfigError):
        check_output(tmp_path / ("x" * 5000))


def test_nothing_is_written_into_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "link").symlink_to(source)
    monkeypatch.chdir(source)
    for inside in (source, source / "out", tmp_path / "link" / "out", Path("out"), Path()):
        with pytest.raises(ConfigError, match="in the source folder"):
            check_apart(inside, source)
    for outside in (tmp_path, tmp_path / "source_checked", Path("..") / "out"):
        check_apart(outside, source)
