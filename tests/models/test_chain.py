"""A hash chain: what was written stands as it was, or it shows; chains written before read as they did."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.thorough import examples
from models import chain

TEXT = st.text(max_size=12)
BODIES = st.lists(st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.none()), max_size=4), min_size=1, max_size=6)


def linked(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    previous, made = chain.FIRST, []
    for number, body in enumerate(bodies):
        line = {**body, "number": number, "previous": previous}
        line["hash"] = chain.digest(line)
        previous = line["hash"]
        made.append(line)
    return made


def holds(path: Path) -> bool:
    previous = chain.FIRST
    for number, raw, whole in chain.lines(path):
        body = json.loads(raw)
        if not whole or not chain.follows(body, number, previous):
            return False
        previous = body["hash"]
    return True


@settings(max_examples=examples(60))
@given(bodies=BODIES, data=st.data())
def test_a_chain_holds_and_any_changed_removed_or_swapped_line_shows(
    bodies: list[dict[str, Any]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("chain") / "chain.jsonl"
    made = linked(bodies)
    for line in made:
        chain.append(path, chain.canonical(line))
    assert holds(path)
    at = data.draw(st.integers(0, len(made) - 1))
    changed = [*made]
    changed[at] = {**made[at], "extra": "put in later"}
    path.write_text("".join(chain.canonical(line) + "\n" for line in changed), encoding="utf-8")
    assert not holds(path)
    if at < len(made) - 1:
        path.write_text("".join(chain.canonical(x) + "\n" for i, x in enumerate(made) if i != at), encoding="utf-8")
        assert not holds(path)


def test_a_line_written_by_hand_as_before_has_the_same_hash() -> None:
    """The spelling that records on disk were hashed in: keys sorted, no spaces, Chinese as it is."""
    body = {"b": "企业", "a": 1, "hash": "left out"}
    assert chain.digest(body) == hashlib.sha256('{"a":1,"b":"企业"}'.encode()).hexdigest()
    assert chain.digest(body, ("hash", "b")) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "chain.jsonl"
    chain.append(path, chain.canonical({"note": "one\u2028two"}))
    with path.open("ab") as file:
        file.write(b"{torn")
    assert [(n, whole) for n, _, whole in chain.lines(path)] == [(0, True), (1, False)]
    assert list(chain.lines(tmp_path / "missing")) == []
