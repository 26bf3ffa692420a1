"""A hash chain: what was written stands as it was, or it shows; chains written before read as they did."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.thorough import examples
from models import chain
from models.signoff.record.entries import read_chain
from serving.guard.audit import AuditLog, verify

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
    """An oracle: every line by hand, without `chain.walk`."""
    previous = chain.FIRST
    for number, raw in enumerate(path.read_bytes().split(b"\n")[:-1]):
        body = json.loads(raw)
        if not chain.follows(body, number, previous):
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
    assert all(link.holds for link in chain.walk(path))
    at = data.draw(st.integers(0, len(made) - 1))
    changed = [*made]
    changed[at] = {**made[at], "extra": "put in later"}
    path.write_text("".join(chain.canonical(line) + "\n" for line in changed), encoding="utf-8")
    assert not holds(path)
    assert [link.holds for link in chain.walk(path)] == [k < at for k in range(len(made))]
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
    assert [(link.number, link.whole) for link in chain.walk(path)] == [(0, True), (1, False)]
    assert list(chain.walk(tmp_path / "missing")) == []


def test_a_writer_goes_on_where_the_chain_ended_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "chain.jsonl"
    writer = chain.Writer(path)
    first = writer.append({"note": "一"})
    with pytest.raises(chain.ChainError, match="in use by another process"):
        chain.Writer(path)
    writer.close()
    with path.open("ab") as file:
        file.write(b'{"half')
    again = chain.Writer(path)
    assert again.torn == b'{"half'
    assert again.head == (1, first)
    last = again.append({"note": "二"})
    again.close()
    assert [link.body["hash"] for link in chain.walk(path)] == [first, last]
    assert all(link.holds for link in chain.walk(path))
    path.write_bytes(path.read_bytes().replace("二".encode(), "三".encode()))
    with pytest.raises(chain.ChainError, match="last line does not hold"):
        chain.Writer(path)


RECORDS_OF_EARLIER_CODE = Path(__file__).parent / "records_of_earlier_code"


def test_records_that_earlier_code_wrote_hold_and_go_on(tmp_path: Path) -> None:
    """An approval record and an audit trail, written before the one chain: their bytes hash as they did."""
    for name, leave_out in (("approvals.jsonl", ("hash", "signature")), ("audit.jsonl", ("hash",))):
        path = tmp_path / name
        shutil.copy(RECORDS_OF_EARLIER_CODE / name, path)
        links = list(chain.walk(path, leave_out))
        assert len(links) > 1
        assert all(link.holds for link in links)
    assert len(read_chain(tmp_path / "approvals.jsonl")) == 2
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append({"event": "goes on"})
    log.close()
    assert verify(tmp_path / "audit.jsonl").ok
