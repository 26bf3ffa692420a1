"""When the rules answer in the model's place: each cause has its code, and the deadline holds."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydantic import PrivateAttr

from features.catalogue import CATALOGUE
from helpers import small_model as small
from models.arrays import Floats
from models.scoring.classification import Classification
from models.scoring.risk_model import RiskModel
from models.scoring.rows import Rows
from models.scoring.rules.province import load_rules
from serving.current.policy import ServingPolicy, serving_policy
from serving.current.ready import Ready
from serving.current.served import Served
from serving.current.snapshot import Snapshot
from serving.guard.call import Call
from serving.runtime import Runtime
from serving.settings import Settings

USUAL = (1e8, 5.0, 0.0, 0.1, 0.0)


def answered(policy: ServingPolicy, *rows: tuple[float, ...], model: RiskModel | None = None) -> list[Classification]:
    served = Served("hebei", model or small.model().model_copy(update={"nullable": small.NAMES}), "1")
    ready = Ready(small.NAMES, served, load_rules("hebei"), small.CATALOGUE, policy)
    n = len(rows)
    return ready.classify(Rows([f"E{i}" for i in range(n)], [date(2026, 1, 1)] * n, np.asarray(rows), [{}] * n))


def test_too_many_unknown_values_let_the_rules_answer() -> None:
    policy = ServingPolicy(most_missing=0.4)
    gap = (np.nan, np.nan, np.nan, 0.1, 0.0)
    two, three = answered(policy, (np.nan, np.nan, *USUAL[2:]), gap)
    assert (two.source, two.fallback_code) == ("model", None)
    assert (three.source, three.fallback_code) == ("rules", "too_many_missing")
    assert "3 of the 5 indicators" in (three.fallback or "")


def test_values_that_the_model_never_saw_let_the_rules_answer_when_there_are_many() -> None:
    policy = ServingPolicy(most_out_of_range=0.2, range_factor=2.0)
    one, two = answered(policy, (1e8, 5.0, 900.0, 0.1, 0.0), (1e8, 5.0, 900.0, 0.1, 900.0))
    assert one.source == "model"
    assert (two.source, two.fallback_code) == ("rules", "out_of_range")


def test_an_unlearned_gap_is_told_from_one_that_is_usual() -> None:
    [found] = answered(ServingPolicy(), (1e8, np.nan, 0.0, 0.1, 0.0), model=small.model())
    assert (found.source, found.fallback_code) == ("rules", "not_learned")


def test_each_province_states_when_the_rules_answer() -> None:
    for province in ("hebei", "henan", "ningxia"):
        assert 0 < serving_policy(province).most_missing < 1


class Sleeps(RiskModel):
    """A model that hangs when it is told to."""

    _seconds: float = PrivateAttr(0.0)

    def margin(self, X: Floats) -> Floats:
        time.sleep(self._seconds)
        return super().margin(X)


@pytest.fixture
def hanging() -> Sleeps:
    plain = small.model().model_copy(update={"nullable": small.NAMES})
    return Sleeps(**{name: getattr(plain, name) for name in RiskModel.model_fields})


def test_a_model_that_hangs_is_answered_for_in_time_and_asked_again_when_it_is_back(
    hanging: Sleeps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(Settings(province="hebei", tokens=tmp_path / "t", audit=tmp_path / "a"))
    snapshot = Snapshot(
        Served("hebei", hanging, "1", "", None), load_rules("hebei"), None, "", ServingPolicy(model_seconds=0.2)
    )
    monkeypatch.setattr(Runtime, "state", type("Held", (), {"snapshot": snapshot})())
    assert snapshot.ready.by_model
    known = {name: 0 if CATALOGUE[name].bounds.hold(0) else 1 for name in CATALOGUE}
    body = json.dumps({"enterprise_id": "E1", "cutoff": "2026-01", "indicators": known}).encode()

    async def ask() -> tuple[dict[str, object], float]:
        begin = time.perf_counter()
        status, reply = await runtime.classify(body, Call("/classify"))
        assert status == 200, reply
        return json.loads(reply), time.perf_counter() - begin

    async def story() -> list[tuple[dict[str, object], float]]:
        usual = await ask()
        hanging._seconds = 2.0
        late, meanwhile = await ask(), await ask()
        hanging._seconds = 0.0
        await asyncio.sleep(2.2)
        return [usual, late, meanwhile, await ask()]

    usual, late, meanwhile, back = asyncio.run(story())
    assert [one["fallback_code"] for one, _ in (usual, late, meanwhile, back)] == [
        None, "model_slow", "model_slow", None,
    ]  # fmt: skip
    assert late[1] < 1.5
    assert meanwhile[1] < 0.2
    assert late[0]["source"] == "rules"
    assert usual[0]["score"] == back[0]["score"]
