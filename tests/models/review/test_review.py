"""What a reviewer signs by is gathered from the test alone, and nothing known later than a month changes that month."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from features import cohort
from features.adapters.write import write_records
from features.contract.manifest import Coverage, Manifest, write_manifest
from features.population.outcomes import read_awaited
from helpers.root import ROOT
from helpers.scope import HEBEI
from models.evaluation.drift.psi import Frozen
from models.evaluation.verdicts import overall
from models.learning.learner import Learned, learn
from models.review import review as reviewing
from models.review.measure import score_all
from models.review.review import direct_grades, review, write_review
from models.study.dataset import Dataset, Part, build_dataset
from models.study.experiment import Experiment, load_experiment
from models.study.panel import follow
from models.study.pending import awaited_visits, count_by_month, score_awaited

AS_OF = date(2026, 1, 1)
DEMO = load_experiment(ROOT / "experiments" / "demo.toml")
LAST = date(2025, 2, 20)


@pytest.fixture(scope="module")
def studied(checked: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, Dataset, Learned]:
    """The demo's study with few trees: the study, what it learns from, what it learned."""
    quick = DEMO.model_copy(update={"learner": {**DEMO.learner, "n_estimators": 40}})
    dataset = build_dataset(checked, quick, AS_OF)
    storage = tmp_path_factory.mktemp("studied") / "none.db"
    return quick, dataset, learn(quick, dataset, trials=0, storage=storage, arm="random")


def test_visits_without_a_result_are_those_that_are_awaited(tmp_path: Path) -> None:
    folder, day = tmp_path / "clean", DEMO.split.test_from + timedelta(days=3)
    folder.mkdir()
    common = {"enterprise_id": "E1", "record_state": "active", "occurred_at": day, "arm": "random", "draw_id": "D1"}
    write_records(
        folder,
        "inspections",
        [
            {**common, "record_id": "a", "version": 1, "known_at": day, "result_codes": None},
            {**common, "record_id": "b", "version": 1, "known_at": day, "result_codes": None},
            {**common, "record_id": "b", "version": 2, "known_at": day + timedelta(days=9), "result_codes": "1"},
            {**common, "record_id": "c", "version": 1, "known_at": day, "result_codes": None, "arm": "targeted"},
            {**common, "record_id": "d", "version": 1, "known_at": day, "result_codes": None, "draw_id": None},
        ],
    )
    drawn = {**common, "record_id": "D1", "version": 1, "known_at": day, "probability_ppm": 50_000, "fate": "visited"}
    write_records(folder, "draws", [drawn])
    covers = Coverage(covers_from=date(2021, 1, 1))
    write_manifest(Manifest(source="t", as_of=AS_OF, tables={"inspections": covers, "draws": covers}), folder)
    found = read_awaited(folder, AS_OF)
    assert list(found["inspection_id"]) == ["a", "c", "d"]
    assert found["probability_ppm"].fillna(0).tolist() == [50_000, 50_000, 0]
    assert set(found["cutoff"]) == {DEMO.split.test_from}
    assert sorted(read_awaited(folder, day + timedelta(days=9))["inspection_id"]) == ["a", "b", "c", "d"]
    assert read_awaited(folder, day).empty
    # The targeted one measures nothing, the one without a draw can't be weighted, and E1 is no member of any cohort.
    assert count_by_month(awaited_visits(folder, DEMO, AS_OF)) == {}
    everyone = DEMO.model_copy(update={"cohort": DEMO.cohort.model_copy(update={"members_only": False})})
    assert count_by_month(awaited_visits(folder, everyone, AS_OF)) == {day.strftime("%Y-%m"): 1}


def known_by(part: Part, day: date) -> Part:
    """The visits whose result was known on a day."""
    at = np.asarray([d <= day for d in part.outcomes["known_at"]])
    rows = part.outcomes[at].reset_index(drop=True)
    return Part(rows, part.frame[at], part.X[at], part.y[at], part.weight[at], part.circumstances.take(at))


@pytest.mark.slow
def test_before_labels_a_month_is_told_by_all_its_visits_and_later_the_same_is_said_of_them(
    studied: tuple[Experiment, Dataset, Learned], checked: Path
) -> None:
    """On a day in November: October's visits are partly without a result, November's all of them."""
    quick, dataset, learned = studied
    today, test = date(2025, 11, 14), dataset.parts["test"]
    early = replace(dataset, as_of=today, parts={**dataset.parts, "test": known_by(test, today)})
    found = review(checked, quick, early, learned, follow(checked, quick, today, most=200), {})
    told = {e.month: e for e in found.stable.expected}
    arrived = {e.month: e for e in found.stable.expected_arrived}
    waiting = awaited_visits(checked, quick, today)
    counts = waiting["visited_on"].map(lambda d: d.strftime("%Y-%m")).value_counts()
    assert set(told) - set(arrived) == {"2025-11"}
    assert told["2025-11"].visits == told["2025-11"].awaited == counts["2025-11"] > 5
    assert told["2025-11"].low < told["2025-11"].rate < told["2025-11"].high
    assert told["2025-10"].visits == arrived["2025-10"].visits + counts["2025-10"]
    assert told["2025-10"].rate != arrived["2025-10"].rate
    assert told["2025-08"] == arrived["2025-08"]
    months = {m.month: m for m in found.stable.calibration.months}
    assert (months["2025-10"].visits, months["2025-10"].awaited) == (arrived["2025-10"].visits, counts["2025-10"])
    assert not months["2025-11"].ripe
    # What was said of a visit before its result is what is said of it afterwards, and it stands for as many firms.
    before = score_awaited(checked, quick, learned.model, waiting, weighted=True)
    later = reviewing.tested_visits(checked, quick, test, learned.model).frame.set_index(test.outcomes["inspection_id"])
    has = waiting["inspection_id"].isin(later.index).to_numpy()
    assert has.sum() > 10
    after = later.loc[waiting["inspection_id"][has]]
    assert before.probability[has] == pytest.approx(after["probability"].to_numpy())
    assert before.weight[has] == pytest.approx(after["weight"].to_numpy())


def test_the_direct_class_is_the_worst_of_the_rules_hit() -> None:
    frame = pd.DataFrame(
        {f"evidence_{rule}": ["", "", ""] for rule in ("H12_2", "H12_3", "H12_4", "H13_1", "H13_2", "H13_3")}
    )
    frame.loc[1, "evidence_H12_3"] = "licences:L1"
    frame.loc[2, ["evidence_H12_3", "evidence_H13_1"]] = ["licences:L1", "serious_list:S1"]
    assert direct_grades(frame, "hebei") == ["", "C", "D"]


@pytest.mark.slow
def test_the_followed_are_members_of_each_months_cohort_up_to_the_last_visit(checked: Path) -> None:
    panel = follow(checked, DEMO, LAST)
    assert panel.months == (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1))
    for month in panel.months:
        members = set(cohort(checked, [month], HEBEI)["enterprise_id"])
        assert set(panel.at(month).index.get_level_values("enterprise_id")) <= members
    fewer = follow(checked, DEMO, LAST, most=50)
    assert fewer.enterprises == 50
    assert set(fewer.frame.index) <= set(panel.frame.index)


@pytest.mark.slow
def test_what_becomes_known_later_changes_no_month_that_was_followed(checked: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    shutil.copytree(checked, out)
    path = out / "penalties.parquet"
    with duckdb.connect() as con:
        con.sql(f"SELECT * FROM '{path}' WHERE known_at < DATE '2025-02-01'").write_parquet(str(out / "fewer.parquet"))
    (out / "fewer.parquet").replace(path)
    pd.testing.assert_frame_equal(follow(out, DEMO, LAST, most=300).frame, follow(checked, DEMO, LAST, most=300).frame)


@pytest.mark.slow
def test_visits_from_the_cut_off_on_put_nobody_among_the_visited(
    studied: tuple[Experiment, Dataset, Learned], checked: Path, tmp_path: Path
) -> None:
    """Every tested firm is visited once more on its cut-off, and once before it that became known only then."""
    quick, dataset, learned = studied
    out = tmp_path / "clean"
    shutil.copytree(checked, out)
    before = reviewing.tested_visits(checked, quick, dataset.parts["test"], learned.model)
    keys = before.frame[["enterprise_id", "cutoff"]].drop_duplicates()
    keys.to_parquet(tmp_path / "keys.parquet")
    path = out / "inspections.parquet"
    with duckdb.connect() as con:
        con.sql(
            f"""SELECT * FROM '{path}' UNION ALL BY NAME
            SELECT enterprise_id || cutoff || days AS record_id, 1 AS version, enterprise_id,
              CAST(cutoff - INTERVAL (days) DAY AS DATE) AS occurred_at, CAST(cutoff AS DATE) AS known_at,
              'active' AS record_state, 'targeted' AS arm, '1' AS result_codes
            FROM '{tmp_path / "keys.parquet"}', (VALUES (0), (20)) AS d(days)
            WHERE enterprise_id NOT IN (  -- a later cut-off of the same firm does see its earlier visits
              SELECT enterprise_id FROM '{tmp_path / "keys.parquet"}' GROUP BY enterprise_id HAVING count(*) > 1)
            """
        ).write_parquet(str(out / "more.parquet"))
    (out / "more.parquet").replace(path)
    after = reviewing.tested_visits(out, quick, dataset.parts["test"], learned.model)
    assert len(pd.read_parquet(path)) > len(pd.read_parquet(checked / "inspections.parquet")) + 100
    assert before.group("visited").tolist() == after.group("visited").tolist()


@pytest.mark.slow
def test_a_review_is_written_as_the_gate_and_later_months_read_it(
    studied: tuple[Experiment, Dataset, Learned], checked: Path, tmp_path: Path
) -> None:
    quick, dataset, learned = studied
    panel = follow(checked, quick, dataset.parts["test"].outcomes["visited_on"].max(), most=600)
    scorers = score_all(quick, dataset, learned.model)
    found = review(checked, quick, dataset, learned, panel, scorers)
    write_review(found, tmp_path)
    told = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    contract = told["band_contract"]
    assert contract["months"] == 12
    # Some five hundred visits can't show whether a probability is wrong by 0.02 on average; they do tell A from D.
    everyone = {(c["check"], c["subject"]): c for c in contract["checks"] if not c["attribute"]}
    error = everyone["calibration_error", "everyone"]
    assert error["visits"] == contract["visits"] == len(dataset.parts["test"]) < error["visits_to_tell"]
    assert error["verdict"] == "cannot tell"
    assert all(c["verdict"] != "fail" for c in everyone.values())
    # Within groups that few visits may show anything, here too steep a slope of the visited; the whole says so.
    assert contract["verdict"] == overall(c["verdict"] for c in contract["checks"])
    assert everyone["range", "A"]["high"] < everyone["range", "D"]["low"]
    groups = [(w["attribute"], w["group"]) for w in told["worth_by_group"] if w["plan"] == "hebei"]
    tested = [(g["attribute"], g["group"]) for g in told["fairness"]["groups"] if g["visits"] >= 100]
    assert groups == tested
    assert all(w["lift_low"] <= w["lift"] <= w["lift_high"] for w in told["worth_by_group"])
    assert told["drift"]["verdict"] == found.stable.retrain.verdict
    assert len(found.stable.scores) == len(panel.months) - 1
    frozen = json.loads((tmp_path / "frozen.json").read_text(encoding="utf-8"))
    assert {"score", "class", *dataset.names} == set(frozen)
    assert all(Frozen.model_validate(f) for f in frozen.values())
    test = dataset.parts["test"]
    assert len(found.visits) == len(test)
    assert np.array_equal(found.visits.y, test.y)
    assert {"within 24 months", "not within 24 months"} <= set(found.visits.group("visited"))
    assert {c["group"] for c in told["band_contract"]["checks"] if c["attribute"] == "visited"} == set(
        found.visits.group("visited")
    )
    lists = {(d["window"], d["codes"]): d for d in told["days_earlier"]}
    assert set(lists) == {(w, c) for w in ("month", "whole test") for c in ("all", "without 6 and B")}
    for d in lists.values():
        assert [r["rival"] for r in d["rivals"]] == ["scorecard", "past_rate", "logistic"]
        assert all(r["difference_low"] <= r["difference"] <= r["difference_high"] for r in d["rivals"])
    first = (tmp_path / "evaluation.json").read_bytes()
    write_review(review(checked, quick, dataset, learned, panel, scorers), tmp_path)
    assert (tmp_path / "evaluation.json").read_bytes() == first
