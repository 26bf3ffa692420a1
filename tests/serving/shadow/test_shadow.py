"""A shadow is compared with what answered, counts each enterprise once, and never keeps a call waiting."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import SourceError
from fenlei.cli import app
from helpers import small_model as small
from models.scoring.classification import GRADES, Classification
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import load_rules
from serving.answers.answer import Result, answer
from serving.answers.requests import Item
from serving.current.served import Served
from serving.current.snapshot import Snapshot
from serving.shadow.beside import WAITING, Shadow
from serving.shadow.tally import Tally, computed, read_tally

SNAPSHOT = Snapshot(Served("hebei", small.model(), "1"), load_rules("hebei"), None, "")


def items(n: int) -> list[Item]:
    """Questions by indicators; those that the small model does not read are zero, so that enough is known."""
    frame = small.rows(n, 3)[0]
    columns = list(small.NAMES)
    return [
        Item(
            enterprise_id=who,
            cutoff="2026-01-01",
            indicators={name: None if row[name] != row[name] else float(row[name]) for name in columns},
        )
        for (who, _), row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]


def other() -> RiskModel:
    """A model whose scores lie elsewhere: it listens to its other half."""
    return small.model().model_copy(update={"tree_share": 0.1})


def until(done: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "the shadow did not come to it"
        time.sleep(0.02)


def run(tmp_path: Path, calls: list[tuple[list[Item], Snapshot, list[Result]]]) -> tuple[Tally, Counter[str]]:
    counted: Counter[str] = Counter()
    wanted = sum(len(asked) for asked, _, _ in calls)

    def count(what: str, n: int) -> None:
        counted[what] += n

    shadow = Shadow(other, "2", tmp_path / "shadow.json", count)
    shadow.start()
    for call in calls:
        shadow.offer(*call)
    until(lambda: counted.total() >= wanted)
    shadow.close()
    return read_tally(tmp_path / "shadow.json"), counted


def test_the_counts_are_those_of_both_models_asked_alone_and_a_repeated_question_adds_none(tmp_path: Path) -> None:
    asked = items(40)
    served = answer(asked, SNAPSHOT, top=0)
    alone = answer(asked, replace(SNAPSHOT, served=Served("hebei", other(), "2")), top=0)
    pairs = [(a, b) for a, b in zip(served, alone, strict=True) if isinstance(a, Classification)]
    assert len(pairs) == 40
    expected = [[0] * 4 for _ in GRADES]
    for a, b in pairs:
        assert isinstance(b, Classification)
        expected[GRADES.index(computed(a))][GRADES.index(computed(b))] += 1
    tally, counted = run(tmp_path, [(asked, SNAPSHOT, served), (asked[:10], SNAPSHOT, served[:10])])
    assert tally.counts == expected
    assert (tally.size, tally.repeated, tally.failed, tally.by_rules) == (40, 10, 0, 0)
    assert counted["agree"] == sum(expected[k][k] for k in range(4))
    assert tally.total == pytest.approx(sum(b.score - a.score for a, b in pairs if isinstance(b, Classification)))
    assert (tally.served, tally.shadow, tally.served_hash) == ("1", "2", small.model().content_hash)


def test_a_busy_shadow_throws_calls_away_counts_them_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    go = threading.Event()
    counted: Counter[str] = Counter()

    def slow() -> RiskModel:
        go.wait(30)
        return other()

    def count(what: str, n: int) -> None:
        counted[what] += n

    asked = items(1)
    served = answer(asked, SNAPSHOT, top=0)
    shadow = Shadow(slow, "2", tmp_path / "shadow.json", count)
    shadow.start()
    begun = time.monotonic()
    for _ in range(WAITING + 7):
        shadow.offer(asked, SNAPSHOT, served)
    assert time.monotonic() - begun < 1
    assert counted["dropped"] == 7
    go.set()
    until(lambda: counted["repeated"] == WAITING - 1)
    shadow.close()
    assert read_tally(tmp_path).dropped == 7


def test_a_shadow_that_fails_or_can_not_be_loaded_changes_nothing_but_the_count(tmp_path: Path) -> None:
    def broken() -> RiskModel:
        raise SourceError("no such version")

    shadow = Shadow(broken, "2", tmp_path / "shadow.json", lambda _what, _n: None)
    shadow.start()
    asked = items(1)
    for _ in range(WAITING * 2):
        shadow.offer(asked, SNAPSHOT, answer(asked, SNAPSHOT, top=0))
    shadow.close()
    assert not (tmp_path / "shadow.json").exists()


def test_counting_begins_anew_when_another_version_answers_and_what_was_counted_is_kept(tmp_path: Path) -> None:
    asked = items(6)
    later = replace(SNAPSHOT, served=Served("hebei", other(), "9"))
    first, second = answer(asked[:4], SNAPSHOT, top=0), answer(asked, later, top=0)
    tally, _ = run(tmp_path, [(asked[:4], SNAPSHOT, first), (asked, later, second)])
    assert (tally.served, tally.size) == ("9", 6)
    assert tally.counts == [[tally.counts[k][k] if j == k else 0 for j in range(4)] for k in range(4)]
    [before] = list(tmp_path.glob("shadow-*.json"))
    assert (read_tally(before).served, read_tally(before).size) == ("1", 4)


def test_the_comparison_is_printed_with_counts_and_intervals(tmp_path: Path) -> None:
    tally = Tally("1", "2", "a" * 64, "b" * 64, "p", "2026-11-28T00:00:00+00:00")
    tally.counts = [[90, 10, 0, 0], [0, 50, 0, 0], [0, 5, 45, 0], [0, 0, 0, 0]]
    tally.served_bins, tally.shadow_bins = [100, 50, 50, *[0] * 7], [90, 60, 50, *[0] * 7]
    tally.write(tmp_path / "shadow.json")
    said = json.loads(CliRunner().invoke(app, ["shadow", str(tmp_path), "--json"]).stdout)["compared"]
    assert (said["agreement"]["count"], said["agreement"]["of"]) == (185, 200)
    assert said["agreement"]["share"] == 0.925
    low, high = said["agreement"]["interval"]
    assert (round(low, 3), round(high, 3)) == (0.88, 0.954)
    assert (said["riskier"]["count"], said["safer"]["count"]) == (10, 5)
    assert said["by_class"]["D"]["agreement"]["interval"] is None
    shown = CliRunner().invoke(app, ["shadow", str(tmp_path)]).stdout
    assert "agreement: 185 of 200, 92.5% (88.0% to 95.4%)" in shown
    with pytest.raises(SourceError, match="no comparison of a shadow"):
        read_tally(tmp_path / "none.json")
