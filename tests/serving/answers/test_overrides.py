"""An override shows in every answer from the moment it is approved until it ends, without a restart of the service."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from helpers.signing import People, people
from models.scoring.classification import Classification
from models.scoring.rules.province import load_rules
from models.signoff import overrides
from serving.answers.answer import Lost, answer
from serving.answers.requests import parse
from serving.current.snapshot import State
from serving.current.table import known_of
from serving.settings import Settings

ON, UNTIL = date(2026, 1, 5), date(2026, 7, 1)


@pytest.fixture
def served(empty_store: Path, tmp_path: Path) -> Iterator[tuple[State, People]]:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    known = people(tmp_path)
    for label in ("li", "wang"):
        both = known.signers[label].model_copy(update={"roles": ("override", "override_approve")})
        known.signers[label] = both
    known.write()
    state = State(Settings(province="hebei", tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}", signers=known.path))
    yield state, known
    state.stop()


def ask(state: State, today: date, cutoff: str = "2026-01-01") -> Classification:
    known = dict.fromkeys(load_rules("hebei").scorecard.indicators, 0.0)
    body = {"enterprise_id": "E1", "cutoff": cutoff, "indicators": known}
    items, single = parse(json.dumps(body).encode(), 10, known_of("hebei"))
    [one] = answer(items, state.snapshot, single=single, today=today)
    assert not isinstance(one, Lost)
    return one


def test_an_override_is_answered_from_its_approval_until_its_end(served: tuple[State, People]) -> None:
    state, known = served
    computed = ask(state, date(2026, 1, 20))
    overrides.propose(
        state.settings.store,
        "hebei",
        "E1",
        "D",
        "Seen at the door: it has moved.",
        instead_of=computed.grade,
        until=UNTIL,
        key=known.keys["li"],
        on=ON,
    )
    state.refresh()
    assert ask(state, date(2026, 1, 20)) == computed
    overrides.approve(state.settings.store, 0, key=known.keys["wang"], on=ON)
    state.refresh()
    now = ask(state, date(2026, 1, 20))
    assert now.override is not None
    assert (now.grade, now.override.instead_of, now.score) == ("D", computed.grade, computed.score)
    assert ask(state, date(2026, 1, 4)) == computed
    assert ask(state, UNTIL, "2026-07-01").override is None
    # A month that was over before the override began is answered as it was.
    assert ask(state, date(2026, 2, 20), "2025-01-01").override is None
    overrides.end(state.settings.store, 0, "it is back", key=known.keys["li"], on=date(2026, 1, 10))
    state.refresh()
    assert ask(state, date(2026, 1, 20)) == computed


def test_a_broken_record_of_overrides_is_told_and_what_held_goes_on(served: tuple[State, People]) -> None:
    state, known = served
    store = state.settings.store
    overrides.propose(
        store,
        "hebei",
        "E1",
        "D",
        "Seen at the door: it has moved.",
        instead_of="A",
        until=UNTIL,
        key=known.keys["li"],
        on=ON,
    )
    overrides.approve(store, 0, key=known.keys["wang"], on=ON)
    state.refresh()
    path = overrides.record_path(store)
    path.write_text(path.read_text(encoding="utf-8").replace('"grade":"D"', '"grade":"B"'), encoding="utf-8")
    snapshot = state.refresh()
    assert snapshot.no_overrides == "line 1 of the override record was changed"
    assert ask(state, date(2026, 1, 20)).grade == "D"
    path.write_text("", encoding="utf-8")
    assert state.refresh().no_overrides == "lines were cut off the end of overrides.jsonl"
    assert ask(state, date(2026, 1, 20)).grade == "D"
