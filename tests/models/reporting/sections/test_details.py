"""The most wrong cases are the most wrong, moves add up to the scores' change, and shapes show what the trees do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import CATALOGUE
from helpers.here import here
from helpers.report_page import panel, random_visits
from helpers.small_model import NAMES, model
from models.evaluation import TestVisits
from models.reporting.content.cases import codes_of, most_wrong
from models.reporting.content.differences import against_approved, differences
from models.reporting.content.shapes import shapes
from models.reporting.figures.pictures import shape_picture
from models.reporting.page import Case
from models.reporting.sections.details import compared
from models.scoring.bands import attainable_margins, freeze_score_map
from models.scoring.calibrators import Platt
from models.scoring.classification import GRADES
from models.scoring.reasons.points import pointed
from models.scoring.risk_model import RiskModel
from models.study.dataset import Part
from models.study.panel import Panel


@pytest.fixture(scope="module")
def cases() -> tuple[Part, TestVisits, tuple[Case, ...]]:
    part, visits = random_visits()
    return part, visits, most_wrong(model(), part, visits, CATALOGUE)


def test_half_are_missed_violations_and_half_false_alarms_the_worst_first(
    cases: tuple[Part, TestVisits, tuple[Case, ...]],
) -> None:
    _, visits, found = cases
    assert [c.violation for c in found] == [True] * 5 + [False] * 5
    for half in (found[:5], found[5:]):
        assert [c.loss for c in half] == sorted((c.loss for c in half), reverse=True)
    p = visits.probability
    assert found[0].probability == p[visits.y == 1].min()
    assert found[5].probability == p[visits.y == 0].max()
    assert found[0].loss == pytest.approx(-np.log(found[0].probability))


def test_a_case_names_the_enterprise_what_was_found_and_why_in_both_languages(
    cases: tuple[Part, TestVisits, tuple[Case, ...]],
) -> None:
    _, visits, found = cases
    for c in found:
        assert c.enterprise_id in set(visits.frame["enterprise_id"])
        assert c.month == "2026-11"
        assert len(c.reasons) == 3
        assert all(re.search("[一-鿿]", zh) and not re.search("[一-鿿]", en) for en, zh in c.reasons)
    assert found[0].codes == codes_of("3;6")
    assert found[0].codes[0][1:] == ("violates food or drug law", "违反食品药品法律")
    assert found[5].codes[0][0] == "1"


def test_an_enterprise_stands_once_among_the_missed(cases: tuple[Part, TestVisits, tuple[Case, ...]]) -> None:
    part, visits, _ = cases
    one = visits.frame.assign(enterprise_id="E1")
    again = replace(part, outcomes=part.outcomes.assign(enterprise_id="E1"))
    found = most_wrong(model(), again, replace(visits, frame=one), CATALOGUE)
    assert [c.enterprise_id for c in found] == ["E1", "E1"]
    assert [c.violation for c in found] == [True, False]


def test_a_code_nobody_knows_stands_for_itself() -> None:
    assert codes_of("Z") == (("Z", "unknown code", "未知代码"),)


def test_the_points_of_a_row_add_up_to_its_score() -> None:
    X = random_visits()[0].X
    said = pointed(model(), model().explain(X))
    assert np.allclose(said.points.sum(axis=1), said.score - round(model().base_score, 1), atol=1e-6)


@pytest.fixture(scope="module")
def stricter() -> RiskModel:
    """The same trees, calibrated to higher risks: everyone scores higher, in the same order."""
    found = model()
    assert isinstance(found.calibrator, Platt)
    higher = found.calibrator.model_copy(update={"intercept": found.calibrator.intercept + 0.6})
    margin = found.margin(found.matrix(panel().at(panel().months[-1])))
    new_map = freeze_score_map(found.bands, margin, attainable_margins(found.booster_text), higher, None)
    return found.model_copy(update={"calibrator": higher, "score_map": new_map})


def test_moves_between_two_models_are_counted_and_the_largest_explained(stricter: RiskModel) -> None:
    found = differences(model(), "7", stricter, panel(), CATALOGUE)
    rows = panel().at(panel().months[-1])
    X = model().matrix(rows)
    before, after = pointed(model(), model().explain(X)), pointed(stricter, stricter.explain(X))
    assert found.enterprises == len(rows) == sum(map(sum, found.counts))
    assert found.changed == sum(a != b for a, b in zip(before.grade, after.grade, strict=True)) > 0
    assert found.riskier == found.changed
    told = [
        (abs(GRADES.index(m.grade_after) - GRADES.index(m.grade_before)), abs(m.after - m.before)) for m in found.moves
    ]
    assert told == sorted(told, reverse=True)
    steps = [abs(GRADES.index(a) - GRADES.index(b)) for a, b in zip(before.grade, after.grade, strict=True)]
    sizes = np.abs(after.score - before.score)
    best = sorted(zip(steps, sizes, strict=True), reverse=True)[:10]
    assert told == pytest.approx(np.array(best))
    assert told[0][0] > 0
    assert told[0][1] < sizes.max()  # the largest change of score of all moves nobody's class, and comes after
    assert all(any(n in m.why for n in NAMES) or "base score" in m.family for m in found.moves)
    assert found.same_rank == pytest.approx(1.0)


def test_who_is_held_by_a_direct_determination_keeps_the_class_that_is_answered(stricter: RiskModel) -> None:
    free = differences(model(), "7", stricter, panel(), CATALOGUE)
    held = [m.enterprise_id for m in free.moves[:2]]
    rows = panel()
    at = rows.frame.index.get_level_values("enterprise_id").isin(held)
    rows.frame.loc[at, "evidence_H13_1"] = "serious_list:S1"
    found = differences(model(), "7", stricter, rows, CATALOGUE)
    assert (found.changed, found.answers_changed) == (free.changed, free.answers_changed - 2)
    assert not {m.enterprise_id for m in found.moves} & set(held)
    # With nobody else to tell of, both are told, with the class by score and the class that stands.
    alone = differences(model(), "7", stricter, Panel(rows.frame[at], rows.months), CATALOGUE)
    assert (alone.changed, alone.answers_changed) == (2, 0)
    assert all(m.grade_before != m.grade_after and m.answer_before == m.answer_after == "D" for m in alone.moves)
    words = compared(alone)
    assert "the class answered changes for 0" in words
    assert all(f"{m.grade_before} → {m.grade_after}" in words for m in alone.moves)
    assert words.count("D, as before") == 2


def test_the_section_says_which_approved_version_since_when_and_on_which_day(stricter: RiskModel) -> None:
    found = differences(model(), "7", stricter, panel(), CATALOGUE)
    words = compared(replace(found, on="2026-02-03", approved_on="2026-01-02", entry=5))
    assert f"Approved is version 7 ({model().content_hash[:12]}), approved on 2026-01-02 (entry 5" in words
    assert "; compared on 2026-02-03." in words


def test_a_model_does_not_differ_from_itself() -> None:
    found = differences(model(), "7", model(), panel(), CATALOGUE)
    assert (found.changed, found.moves) == (0, ())


def test_an_indicator_that_the_new_model_dropped_gives_its_points_back() -> None:
    rows = panel()
    fewer = Panel(rows.frame.drop(columns="penalties_3y"), rows.months)
    assert "penalties_3y" in differences(model(), "7", model(), fewer, CATALOGUE).problem


def test_without_an_approved_model_there_is_nothing_to_differ_from(store: Path) -> None:
    found = against_approved(here(), model(), panel(), CATALOGUE, "2026-02-03")
    assert (found.version, found.problem) == ("", "")
    assert "Looked up on 2026-02-03. No model is approved" in compared(found)


def test_a_broken_record_is_said_and_stops_no_report(store: Path) -> None:
    from models.signoff.approval import record_path

    record_path(here()).write_text("not a record\n", encoding="utf-8")
    assert "can't be read" in against_approved(here(), model(), panel(), CATALOGUE).problem


def test_shapes_are_the_strongest_with_what_the_learner_was_allowed(tmp_path: Path) -> None:
    found = shapes(model(), panel(), CATALOGUE, tmp_path)
    assert [s.strength for s in found] == sorted((s.strength for s in found), reverse=True)
    by_name = {s.name: s for s in found}
    assert by_name["penalties_3y"].direction == "raises"
    assert by_name["years_operating"].direction == "lowers"
    assert by_name["registered_capital"].unknown == pytest.approx(
        panel().at(panel().months[-1])["registered_capital"].isna().mean()
    )
    assert all(s.picture.read_bytes().startswith(b"\x89PNG") for s in found)


@pytest.mark.parametrize("unit", ["fen", "share", "0/1", "days"])
@pytest.mark.parametrize("known", ["all", "some", "none"])
def test_a_shape_is_drawn_whatever_the_values(unit: str, known: str, tmp_path: Path) -> None:
    from models.reporting.figures import plots

    rng = np.random.default_rng(0)
    value = np.floor(rng.lognormal(3, 3, 200)) if unit in ("fen", "days") else rng.integers(0, 2, 200).astype(float)
    value[{"all": slice(0, 0), "some": slice(0, 50), "none": slice(None)}[known]] = np.nan
    path = plots.save(shape_picture(value, rng.normal(size=200), unit), tmp_path / "x.png")
    assert path.stat().st_size > 1000
