"""A plan from a ledger: its files, its figures, and that the records take back what it drew."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.check import check_folder
from helpers.plans import regions, rules
from serving.ledger.place import LedgerError
from serving.ledger.read import Ledger
from supervision.errors import InfeasibleError, PlanError
from supervision.plan.chance import Chance
from supervision.plan.given import BadRow, Inspector, Lead
from supervision.plan.plan import Asked, SpotPlan, draw, make_plan
from supervision.plan.policy import PLAN_COLUMNS
from supervision.plan.sampling import MILLION
from supervision.plan.write import read_summary, write_plan

MONTH = "2025-11"


def staff(ledger: Ledger, month: str = MONTH) -> list[Inspector]:
    """Four inspectors for each district of a month."""
    return [Inspector(f"I{region}-{k}", region) for region in regions(ledger.month(month)) for k in range(4)]


def planned(root: Path, seed: str = "s", month: str = MONTH, leads: tuple[Lead, ...] = (), **changes: Any) -> SpotPlan:
    ledger = Ledger.open(root, "hebei")
    return make_plan(ledger, Chance(seed, month), Asked(rules(**changes), staff(ledger, month), leads))


@pytest.fixture(scope="module")
def plan(ledger_root: Path) -> SpotPlan:
    """A plan with a lead for one who is not drawn, and with larger shares, so that all kinds of rows are there."""
    drawn = planned(ledger_root, shares=(0.0, 1.0, 1.0, 1.0))
    ids = set(drawn.frame.ids) - set(drawn.rows["enterprise_id"])
    first = next(iter(drawn.rows.loc[drawn.rows["fate"] == "planned", "enterprise_id"]))
    leads = (Lead(min(ids), "complaint", "food", "过期食品"), Lead(str(first), "lead"))
    return planned(ledger_root, leads=leads, shares=(0.0, 1.0, 1.0, 1.0))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_draw(ledger_root: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "s"), ("b", "s"), ("c", "t")):
        write_plan(planned(ledger_root, seed), tmp_path / name)
    one, again, other = (bytes_of(tmp_path / name) for name in "abc")
    assert one == again
    assert one["draws.csv"] != other["draws.csv"]


def test_anyone_can_draw_the_list_again_from_the_frame_and_the_seed(plan: SpotPlan, tmp_path: Path) -> None:
    """As docs/plan.md says it, with nothing of this code: hash, sort, sum up."""
    write_plan(plan, tmp_path / "p")
    frame = pd.read_parquet(tmp_path / "p" / "frame.parquet")
    seed = read_summary(tmp_path / "p")["seed"]

    def number(purpose: str, who: str) -> int:
        return int(hashlib.sha256(f"{seed}\n{purpose}\n{MONTH}\n{who}".encode()).hexdigest()[:16], 16)

    rows = zip(frame["stratum"], frame["enterprise_id"], frame["probability_ppm"], strict=True)
    total, drawn = number("start", "") % 1_000_000, []
    for _, _, who, ppm in sorted((stratum, number("enterprise", who), who, ppm) for stratum, who, ppm in rows):
        if (total + ppm) // 1_000_000 > total // 1_000_000:
            drawn.append(who)
        total += ppm
    assert sorted(drawn) == sorted(plan.draws["enterprise_id"])
    assert len(drawn) > 10


def test_every_draw_is_kept_with_its_probability_and_fate(plan: SpotPlan) -> None:
    drawn = plan.rows[plan.rows["arm"] == "random"]
    known = pd.Series(plan.frame.ppm, index=plan.frame.ids)
    assert drawn["probability_ppm"].tolist() == known[drawn["enterprise_id"]].tolist()
    assert set(drawn["fate"]) == {"planned", "capped", "merged"}
    assert plan.draws["fate"].tolist() == drawn["fate"].map(
        {"planned": "pending", "merged": "pending", "capped": "capped"}
    ).tolist()  # fmt: skip
    assert drawn.loc[drawn["fate"] == "capped", "pair"].isna().all()


def test_a_draw_is_not_cancelled_by_a_lead_but_made_one_visit_with_it(plan: SpotPlan) -> None:
    [merged] = plan.rows[plan.rows["fate"] == "merged"].to_dict("records")
    assert merged["arm"] == "random"
    assert merged["why"].startswith("lead;")
    [other] = plan.rows[plan.rows["arm"] == "targeted"].to_dict("records")
    assert (other["why"], other["fate"]) == ("complaint", "planned")
    assert pd.isna(other["probability_ppm"])
    assert "food" in other["items"]
    assert other["items_zh"].endswith("过期食品")


def test_the_draws_come_back_as_rows_of_the_contract(plan: SpotPlan, ledger_root: Path, tmp_path: Path) -> None:
    """With the register they pass the check as they are: none is lost, none quarantined."""
    source = tmp_path / "source"
    source.mkdir()
    clean = ledger_root / "work" / "hebei" / "checked" / "clean" / "registration.parquet"
    (source / "registration.parquet").write_bytes(clean.read_bytes())
    write_plan(plan, tmp_path / "p")
    (source / "draws.csv").write_bytes((tmp_path / "p" / "draws.csv").read_bytes())
    report = check_folder(source, date(2026, 1, 1), tmp_path / "checked").tables["draws"]
    assert (report.rows_in, report.kept, report.quarantined) == (len(plan.draws), len(plan.draws), 0)
    assert report.orphans == 0


def test_the_figures_are_sums_of_the_ledgers_probabilities(plan: SpotPlan, ledger_root: Path) -> None:
    going = plan.rows[(plan.rows["arm"] == "random") & plan.rows["fate"].isin(["planned", "merged"])]
    month = Ledger.open(ledger_root, "hebei").month(MONTH)
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT enterprise_id, probability FROM {month.latest_sql()}").df()
    chance = rows.set_index("enterprise_id")
    found = plan.expected
    assert found.visits == len(going)
    assert found.plan.value == pytest.approx(chance.loc[going["enterprise_id"], "probability"].sum())
    assert found.uniform.value == pytest.approx(len(going) * chance["probability"].mean())
    assert found.plan.low <= found.plan.value <= found.plan.high
    assert found.share == pytest.approx(0.1, abs=1e-4)


def test_the_random_share_tells_of_more_firms(plan: SpotPlan) -> None:
    """Class A is left alone but for it: without it nothing is learnt of them."""
    assert plan.expected.with_random.firms == (plan.frame.ppm > 0).sum()
    assert plan.expected.without.firms == (plan.frame.base > 0).sum() < plan.expected.with_random.firms


def test_a_half_width_is_what_many_draws_show(ledger_root: Path) -> None:
    """The spread of the estimated rate over 400 seeds, with violations drawn by the ledger's probabilities."""
    made = planned(ledger_root, shares=(0.0, 1.0, 1.0, 1.0), least_random=0.5)
    frame, r = made.frame, np.random.default_rng(0)
    rates = []
    for seed in range(400):
        drawn = draw(frame, Chance(f"{seed}", MONTH))
        y = r.random(len(frame)) < frame.probability
        weight = MILLION / frame.ppm[drawn]
        rates.append(float(weight @ y[drawn] / weight.sum()))
    assert made.expected.with_random.half_width == pytest.approx(1.96 * np.std(rates), rel=0.25)


def test_the_lists_show_neither_score_nor_class_where_policy_says_so(plan: SpotPlan, tmp_path: Path) -> None:
    write_plan(plan, tmp_path / "p")
    assert "score" not in plan.rows.columns
    pages = sorted((tmp_path / "p").glob("district_*.html"))
    assert {p.stem.removeprefix("district_") for p in pages} == set(plan.rows["district"])
    text = "".join(p.read_text(encoding="utf-8") for p in pages)
    assert all(name in text for name in plan.rows["name"])
    assert "风险分 score" not in text
    assert "类别 class" not in text


def test_the_lists_show_class_and_score_where_policy_says_so(ledger_root: Path, tmp_path: Path) -> None:
    made = planned(ledger_root, sheet={"show_class": True, "show_score": True, "reasons": 0})
    write_plan(made, tmp_path / "p")
    page = next((tmp_path / "p").glob("district_*.html")).read_text(encoding="utf-8")
    assert "类别 class" in page
    assert "风险分 score" in page
    assert f"{made.rows['score'].iloc[0]:.1f}" in page
    assert "提示" not in page


def test_the_platform_gets_the_columns_of_the_policy_and_no_other(plan: SpotPlan, tmp_path: Path) -> None:
    write_plan(plan, tmp_path / "p")
    got = pd.read_csv(tmp_path / "p" / "platform.csv", dtype=str)
    assert tuple(got.columns) == plan.rules.plan.platform.columns
    assert len(got) == len(plan.rows)
    assert set(got.columns) <= set(PLAN_COLUMNS)


def test_a_plan_stands_beside_last_months(ledger_root: Path, tmp_path: Path) -> None:
    last = write_plan(planned(ledger_root, month="2025-10"), tmp_path / "last")
    said = write_plan(planned(ledger_root), tmp_path / "now", last=last)
    assert said["findings"]["last"]["plan_id"] == last["plan_id"]
    assert said["findings"]["last"]["plan"] == last["findings"]["plan"]


def test_rows_left_out_are_written_beside_the_plan(plan: SpotPlan, tmp_path: Path) -> None:
    bad = BadRow("inspectors.csv", 3, "district", "a district code of 6 to 6 digits")
    said = write_plan(plan, tmp_path / "p", left_out=[bad])
    assert said["left_out"] == [bad.text]
    assert pd.read_csv(tmp_path / "p" / "left_out.csv")["row"].tolist() == [3]


def test_a_folder_of_another_plan_or_of_strangers_is_left_as_it_is(
    plan: SpotPlan, ledger_root: Path, tmp_path: Path
) -> None:
    write_plan(plan, tmp_path / "p")
    before = bytes_of(tmp_path / "p")
    with pytest.raises(PlanError, match="into a folder of its own"):
        write_plan(planned(ledger_root, "another"), tmp_path / "p")
    assert bytes_of(tmp_path / "p") == before
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "thesis.txt").write_text("x")
    with pytest.raises(PlanError, match="expected an empty folder"):
        write_plan(plan, tmp_path / "q")
    write_plan(plan, tmp_path / "p")
    assert bytes_of(tmp_path / "p") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p", "q"]


def test_a_month_that_is_not_published_is_named_with_those_that_are(ledger_root: Path) -> None:
    with pytest.raises(LedgerError, match=r"2025-12 is not in the ledger; published months of hebei: 2025-10, 2025-11"):
        make_plan(Ledger.open(ledger_root, "hebei"), Chance("s", "2025-12"), Asked(rules(), []))


def test_nothing_is_written_where_a_policy_can_not_be_kept(ledger_root: Path, tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match="least change"):
        write_plan(planned(ledger_root, capacity={"visits_per_pair": 1}, shares=(0, 1, 1, 1)), tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_a_month_in_which_nobody_is_drawn_is_a_plan_too(ledger_root: Path, tmp_path: Path) -> None:
    """One chance in a million each, no must-check; the seed is one that draws nobody."""
    ledger, own = Ledger.open(ledger_root, "hebei"), rules((0.0, 1e-5, 0.0, 0.0), least_random=0.0)
    other = {"other": own.measures.fields["other"].model_dump()}
    quiet = type(own.measures).model_validate(own.measures.model_dump() | {"fields": other})
    own = replace(own, measures=quiet, plan=own.plan.model_copy(update={"must": own.plan.must.model_copy(
        update={"determined": False, "open_complaints": 0})}))  # fmt: skip
    said = write_plan(make_plan(ledger, Chance("s", MONTH), Asked(own, staff(ledger))), tmp_path / "p")
    assert (said["draws"], said["visits"], said["fates"]) == (0, 0, {})
    assert said["findings"]["plan"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert pd.read_csv(tmp_path / "p" / "draws.csv").empty


@pytest.fixture(scope="module")
def without_records(ledger_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same ledger without what its last run kept of the records."""
    root = tmp_path_factory.mktemp("bare") / "L"
    shutil.copytree(ledger_root, root, ignore=shutil.ignore_patterns("work", "indicators"))
    return root


def test_without_records_a_plan_is_made_and_says_what_is_not_known(without_records: Path, tmp_path: Path) -> None:
    said = write_plan(planned(without_records), tmp_path / "p")
    assert said["records"] is False
    assert said["draws"] > 0
