"""A CSV file in another encoding: said by the source it is read, else each row says what it looks like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.errors import SourceError
from helpers.source import PENALTIES, REGISTRATION, check, clean, manifest, quarantined

TODO = 'the row is not UTF-8 and reads as GB18030: say "encoding": "gb18030" in manifest.json'


def test_gb18030_that_is_not_named_is_told_to_be_named(folder: Path) -> None:
    (folder / "registration.csv").write_bytes(REGISTRATION.encode("gb18030"))
    report = check(folder)
    assert not report.ok
    assert quarantined(folder, "registration") == {1: TODO, 2: TODO}
    assert report.tables["registration"].hints == {TODO: 2}
    told = json.loads((folder.parent / "out" / "report.json").read_text(encoding="utf-8"))
    assert told["tables"]["registration"]["hints"] == {TODO: 2}


@pytest.mark.parametrize("name", ["gb18030", "GB18030", "GBK", "gb2312", "cp936"])
def test_gb18030_that_is_named_is_read(folder: Path, name: str) -> None:
    text = REGISTRATION.replace("甲", "㐂𠀀").replace("乙", "联通")
    (folder / "registration.csv").write_bytes(text.encode("gb18030"))
    manifest(folder, encoding=name)
    assert check(folder).ok
    assert clean(folder, "registration", "name") == [("㐂𠀀",), ("联通",)]


def test_the_encoding_may_be_one_tables_alone(folder: Path) -> None:
    (folder / "penalties.csv").write_bytes(
        (PENALTIES.strip() + ",document_no\np1,1,e1,2024-01-05,2024-02-01,fine,1,冀罚〔2024〕1号\n").encode("gb18030")
    )
    manifest(folder, tables={"penalties": {"encoding": "gb18030"}})
    assert check(folder).ok
    assert clean(folder, "registration", "name") == [("甲",), ("乙",)]
    assert clean(folder, "penalties", "document_no") == [("冀罚〔2024〕1号",)]


def test_bytes_that_are_not_in_the_named_encoding_are_quarantined_alone(folder: Path) -> None:
    spoiled = REGISTRATION.encode("gb18030").replace("甲".encode("gb18030"), b"\xff\xff")
    (folder / "registration.csv").write_bytes(spoiled)
    manifest(folder, encoding="gb18030")
    check(folder)
    said = "the row holds bytes that are not GB18030 text, as manifest.json says"
    assert quarantined(folder, "registration") == {1: said}
    assert clean(folder, "registration", "name") == [("乙",)]


def test_one_spoiled_row_does_not_make_a_utf_8_file_gb18030(folder: Path) -> None:
    """Told so, its owner would name GB18030, and every good name would turn into other signs."""
    more = REGISTRATION.splitlines()[1].replace("r1", "r3").replace("e1", "e3")
    spoiled = more.encode().replace("甲".encode(), "企业".encode("gb18030"))
    (folder / "registration.csv").write_bytes(REGISTRATION.encode() + spoiled + b"\n")
    report = check(folder)
    assert quarantined(folder, "registration")[3].startswith("the row holds bytes that are not UTF-8 text")
    assert report.tables["registration"].hints == {}
    assert clean(folder, "registration", "name") == [("甲",), ("乙",)]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_utf_8_file_that_is_called_gb18030_is_refused_before_its_names_are_spoiled(folder: Path, mark: str) -> None:
    (folder / "registration.csv").write_text(mark + REGISTRATION, encoding="utf-8")
    manifest(folder, encoding="gb18030")
    with pytest.raises(SourceError, match=r"registration\.csv: manifest\.json says .* gb18030, but the file is UTF-8"):
        check(folder)


def test_a_utf_16_file_is_named_as_what_it_is(folder: Path) -> None:
    (folder / "registration.csv").write_text(REGISTRATION, encoding="utf-16")
    with pytest.raises(SourceError, match=r"UTF-16 .*expected UTF-8; save it as 'CSV UTF-8'"):
        check(folder)


def test_an_encoding_that_is_not_read_is_refused(folder: Path) -> None:
    manifest(folder, encoding="latin-1")
    with pytest.raises(SourceError, match="encoding: Input should be 'utf-8' or 'gb18030'"):
        check(folder)
