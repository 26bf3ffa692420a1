"""A mistake in a TOML file is told with the line it stands on; a file in another encoding is no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from features.errors import ConfigError
from features.policy import load_toml
from features.toml_text import line_of
from helpers.thorough import examples

NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,6}", fullmatch=True)


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    age: int


class Household(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    person: list[Person] = []


def test_line_and_key_of_every_mistake_are_told(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_text(
        '# a house\nname = "x"\nroof = 1\n\n[[person]]\nage = 3\n[[person]]\nage = "old"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_toml(file, Household)
    first, *said = str(caught.value).splitlines()
    assert first == f"{file} is not a valid Household:"
    assert said[0].startswith("  line 8: person.1.age: Input should be a valid integer")
    assert said[1] == "  line 3: roof: Extra inputs are not permitted"


def test_a_missing_key_has_no_line(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\n  name: Field required"):
        load_toml(file, Household)


def test_latin_1_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_bytes('# maison\nname = "Élysée"\n'.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_toml(file, Household)
    assert str(caught.value) == f"{file}, line 2: not UTF-8 text (byte 0xc9); save the file as UTF-8"


def test_utf_16_is_told(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_bytes('name = "x"\n'.encode("utf-16"))
    with pytest.raises(ConfigError, match="line 1: not UTF-8 text"):
        load_toml(file, Household)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_bytes(b'\xef\xbb\xbfname = "x"\n')
    assert load_toml(file, Household).name == "x"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_toml(tmp_path, Household)


@settings(max_examples=examples(60), deadline=None)
@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4, unique=True), max_size=4))
def test_the_line_of_any_key_is_the_one_it_was_written_on(tables: dict[str, list[str]]) -> None:
    lines = ["# head"]
    where: dict[tuple[str, ...], int] = {}
    for table, keys in tables.items():
        lines.append(f"[{table}]")
        where[(table,)] = len(lines)
        for key in keys:
            lines.append(f"  {key} = {{ low = 1, high = 2 }}")
            where[table, key] = len(lines)
    text = "\n".join(lines)
    for place, line in where.items():
        assert line_of(text, place) == line
        assert line_of(text, (*place, "no-such-key!")) == line
    assert line_of(text, ("no-such-table!",)) is None
