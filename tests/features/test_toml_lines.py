"""The line of every key of a TOML file, however it is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.policy import policy_root
from features.toml_lines import Place, lines_of

FILES = sorted([*policy_root().rglob("*.toml"), *policy_root().with_name("maps").glob("*.toml")])


def places(value: object, way: Place = ()) -> Iterator[Place]:
    """Every place of a parsed file."""
    if way:
        yield way
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*way, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*way, at))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_the_places_of_every_shipped_file_are_those_that_toml_reads(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert set(lines_of(text)) == set(places(tomllib.loads(text)))


def test_tables_in_tables_arrays_of_them_and_texts_over_lines_are_told_apart() -> None:
    text = "\n".join(
        [
            'a.b = "x = 1 # no comment"',  # 1
            'text = """',  # 2
            "key = 2",  # 3
            '[table]"""',  # 4
            "[[entries]]",  # 5
            'name = "first"',  # 6
            "[entries.rule]",  # 7
            "steps = [{ at = 1 }, # one",  # 8
            "         { at = 2 }]",  # 9
            "[[entries]]",  # 10
            "rule = { steps = [",  # 11
            "  { at = 'x]' },",  # 12
            "] }",  # 13
            '["quoted key".deep]',  # 14
            "day = 2026-01-01",  # 15
        ]
    )
    lines = lines_of(text)
    assert set(lines) == set(places(tomllib.loads(text)))
    assert lines["a", "b"] == 1
    assert lines["entries",] == lines["entries", 0] == 5
    assert lines["entries", 0, "rule"] == 7
    assert lines["entries", 0, "rule", "steps", 1, "at"] == 9
    assert lines["entries", 1] == 10
    assert lines["entries", 1, "rule", "steps", 0, "at"] == 12
    assert lines["quoted key", "deep", "day"] == 15
