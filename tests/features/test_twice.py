"""Keys given twice: no value is silently the last of several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract.manifest import read_manifest
from features.errors import SourceError
from features.twice import keys_given_twice
from helpers.thorough import examples

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=examples(200), deadline=None)
@given(VALUES)
def test_what_a_program_writes_has_no_key_twice(value: Any) -> None:
    assert keys_given_twice(json.dumps(value)) == []


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.text(max_size=2) | st.integers(0, 2), max_size=5), st.text(max_size=3), VALUES, VALUES)
def test_a_key_given_twice_is_found_wherever_it_stands(way: list[str | int], key: str, first: Any, second: Any) -> None:
    text = f"{{{json.dumps(key)}: {json.dumps(first)}, {json.dumps(key)}: {json.dumps(second)}}}"
    for step in reversed(way):
        text = f"{{{json.dumps(step)}: {text}}}" if isinstance(step, str) else f"[{'0, ' * step}{text}]"
    assert keys_given_twice(text) == [(*way, key)]


def test_the_same_key_in_two_spellings_of_json_is_one_key_and_long_numbers_do_no_harm() -> None:
    assert keys_given_twice(b'{"a": 1, "\\u0061": 2}') == [("a",)]
    assert keys_given_twice(f'{{"a": {"1" * 5000}}}') == []


def test_a_manifest_that_says_something_twice_is_refused_with_the_key(tmp_path: Path) -> None:
    text = '{"tables": {"penalties": {"covers_from": "2019-01-01", "covers_from": "2024-01-01"}}}'
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"given twice: tables\.penalties\.covers_from; expected each key once$"):
        read_manifest(tmp_path)
