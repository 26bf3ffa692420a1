"""The band contract: passes what is right, fails what is wrong, and says what can't be told and what would tell."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pandas.api.typing import NaTType

from helpers.henan_year import henan_year
from models.errors import ModelInputError
from models.evaluation import BandContract, TestVisits, check_band_contract, load_contract
from models.evaluation.visits import Arm
from models.scoring.bands import BandPolicy, load_bands
from models.scoring.classification import GRADES

BANDS, POLICY = load_bands("hebei"), load_contract("hebei")
EVEN = (0.6, 0.6, 1.0, 1.0)
MANY = 70_000


def check(visits: TestVisits, **changes: object) -> BandContract:
    return check_band_contract(visits, BANDS, POLICY.model_copy(update=changes))


def verdicts(contract: BandContract, kind: str) -> list[str]:
    return [c.verdict for c in contract.of(kind)]


@pytest.fixture(scope="module")
def ample() -> TestVisits:
    """So many visits that everything can be told."""
    return henan_year(MANY, seed=3, shares=EVEN)


def test_a_perfect_model_passes_where_the_sample_can_tell(ample: TestVisits) -> None:
    contract = check(ample)
    assert contract.verdict == "pass", contract.text
    assert verdicts(contract, "rise") == ["pass"] * 3
    assert verdicts(contract, "range") == ["pass"] * 4


def test_a_perfect_model_on_a_year_of_henans_sampling_can_not_be_told_in_its_slope() -> None:
    contract = check(henan_year(seed=1))
    assert contract.verdict == "cannot tell"
    [slope] = contract.of("calibration_slope")
    assert slope.verdict == "cannot tell"
    assert slope.visits_to_tell is not None
    assert slope.visits_to_tell > 2 * contract.visits
    assert f"{slope.visits_to_tell:,} visits would tell" in slope.text


def test_a_model_too_sure_of_itself_fails_in_its_slope() -> None:
    contract = check(henan_year(MANY, seed=4, shares=EVEN, slope=0.7, shift=-0.6))
    assert contract.of("calibration_slope")[0].verdict == "fail"
    assert contract.verdict == "fail"


def test_a_model_whose_risks_are_all_too_low_fails_in_its_error_and_its_ranges() -> None:
    contract = check(henan_year(MANY, seed=4, shares=EVEN, shift=0.8))
    assert contract.of("calibration_error")[0].verdict == "fail"
    assert "fail" in verdicts(contract, "range")
    assert contract.of("calibration_slope")[0].verdict != "fail"


def test_a_class_that_is_worse_than_the_next_fails_the_rise() -> None:
    visits = henan_year(MANY, seed=5, shares=EVEN)
    frame = visits.frame.copy()
    frame.loc[frame["grade"] == "C", "y"] = 0
    contract = check(TestVisits(frame, "random"))
    assert verdicts(contract, "rise") == ["pass", "fail", "pass"]


def test_a_fault_hidden_in_one_group_is_found_there_and_only_there() -> None:
    visits = henan_year(MANY, seed=6, shares=EVEN, groups={"region": 5})
    frame = visits.frame.copy()
    rng = np.random.default_rng(0)
    there = (frame["region"] == "region3").to_numpy()
    frame.loc[there & (rng.random(len(frame)) < 0.1), "y"] = 1
    contract = check(TestVisits(frame, "random"))
    failed = {c.group for c in contract.of("calibration_error", groups=True) if c.verdict == "fail"}
    assert failed == {"region3"}
    assert contract.within_groups == contract.verdict == "fail"
    assert contract.groups == 5


def test_a_model_that_thinks_too_badly_of_the_visited_alone_fails_there_and_nowhere_else() -> None:
    """As if a visit counted against a firm: its odds are said twice as high as they are."""
    visits = henan_year(MANY, seed=12, shares=EVEN, groups={"region": 3, "visited": 20})
    names = np.where(visits.group("visited") == "visited0", "within 24 months", "not within 24 months")
    frame = visits.frame.assign(visited=names)
    assert check(TestVisits(frame, "random")).within_groups != "fail"
    there, p = names == "within 24 months", visits.probability
    contract = check(TestVisits(frame.assign(probability=np.where(there, 2 * p / (1 + p), p)), "random"))
    failed = {c.subject for c in contract.of("calibration_error", groups=True) if c.verdict == "fail"}
    assert failed == {"visited within 24 months"}
    assert contract.verdict == contract.within_groups == "fail"
    assert contract.groups == 5


def test_groups_looked_at_make_each_look_stricter() -> None:
    visits = henan_year(60_000, seed=7, groups={"region": 4, "size": 3})
    for c in check(visits).of("calibration_error", groups=True):
        assert c.p_adjusted >= c.p_value
    one = check_band_contract(visits, BANDS, POLICY, attributes=("size",))
    assert {c.attribute for c in one.checks} == {"", "size"}
    both = {c.subject: c.p_adjusted for c in check(visits).of("calibration_error", groups=True)}
    assert all(c.p_adjusted <= both[c.subject] for c in one.of("calibration_error", groups=True))


def test_a_group_with_few_visits_is_shown_and_not_tested() -> None:
    visits = henan_year(20_000, seed=8)
    villages = np.array(["village" if k < 30 else None for k in range(len(visits))], dtype=object)
    frame = visits.frame.assign(region=villages)
    contract = check(TestVisits(frame, "random"))
    assert (contract.groups, contract.groups_small) == (1, 1)
    village = [c for c in contract.of("calibration_error", groups=True) if c.group == "village"]
    assert [c.verdict for c in village] == ["cannot tell"]
    assert village[0].visits_to_tell is not None
    assert village[0].visits_to_tell >= POLICY.least_visits
    assert {c.group for c in contract.of("calibration_slope", groups=True)} == {"village", "unknown"}


@pytest.mark.parametrize("arm", ["targeted", "unknown", "mixed"])
def test_without_a_random_arm_nothing_can_be_told_not_even_a_fail(ample: TestVisits, arm: Arm) -> None:
    broken = henan_year(30_000, seed=9, shift=2.0)
    for visits in (ample, broken):
        contract = check(TestVisits(visits.frame, arm))
        assert {c.verdict for c in contract.checks} == {contract.verdict} == {"cannot tell"}
        assert "no random arm" in contract.reasons[0]
        assert all(c.visits_to_tell is None for c in contract.checks)
        assert arm in contract.text


def test_eleven_months_are_not_a_year(ample: TestVisits) -> None:
    contract = check(ample.take(ample.month != "2025-07"))
    assert contract.verdict == "cannot tell"
    assert "11 months" in contract.reasons[0]
    assert all(c.visits_to_tell is not None and c.visits_to_tell > c.visits for c in contract.checks)
    assert contract.classes[0].rate > 0


def test_a_class_nobody_fell_into_can_not_be_told(ample: TestVisits) -> None:
    contract = check(ample.take(ample.grade < 3))
    assert verdicts(contract, "range") == ["pass", "pass", "pass", "cannot tell"]
    assert verdicts(contract, "rise") == ["pass", "pass", "cannot tell"]
    assert contract.classes[3].visits == 0
    assert contract.of("range")[3].visits_to_tell is not None


def test_no_visits_at_all_can_not_be_told(ample: TestVisits) -> None:
    contract = check(ample.take(np.zeros(len(ample), dtype=bool)))
    assert contract.verdict == "cannot tell"
    assert contract.visits == 0
    json.dumps(contract.as_dict(), allow_nan=False)


def test_direct_determinations_stand_apart(ample: TestVisits) -> None:
    direct = np.where(np.arange(len(ample)) % 50 == 0, "D", "")
    contract = check(TestVisits(ample.frame.assign(direct=direct), "random"))
    assert [(c.grade, c.direct) for c in contract.classes][-1] == ("D", True)
    assert [c.visits for c in contract.classes if not c.direct] == [c.visits for c in check(ample).classes]
    assert len(contract.of("range")) == 4


def test_weights_matter_and_their_scale_does_not() -> None:
    visits = henan_year(40_000, seed=10)
    scaled = TestVisits(visits.frame.assign(weight=visits.frame["weight"] * 37.5), "random")
    a, b = check(visits), check(scaled)
    for one, other in zip(a.checks, b.checks, strict=True):
        assert one.verdict == other.verdict
        assert one.value == pytest.approx(other.value, rel=1e-9)
    plain = check(TestVisits(visits.frame.assign(weight=1.0), "random"))
    assert plain.of("calibration_error")[0].value != pytest.approx(a.of("calibration_error")[0].value, rel=1e-3)


def test_the_same_visits_give_the_same_contract_whatever_their_order() -> None:
    visits = henan_year(20_000, seed=11, groups={"size": 2})
    mixed = TestVisits(visits.frame.sample(frac=1, random_state=1).reset_index(drop=True), "random")
    assert check(visits).as_dict() == check(visits).as_dict()
    assert check(mixed).verdict == check(visits).verdict
    assert [c.value for c in check(mixed).checks] == pytest.approx([c.value for c in check(visits).checks], rel=1e-9)


def test_the_promise_is_the_policys() -> None:
    visits = henan_year(MANY, seed=3, shares=EVEN)
    harsh = {"A": (0.0, 0.02), "B": (0.02, 0.18), "C": (0.18, 0.35), "D": (0.35, 1.0)}
    bands = BandPolicy.model_validate({**BANDS.model_dump(), "promises": harsh})
    contract = check_band_contract(visits, bands, POLICY)
    assert [c.verdict for c in contract.of("range")] == ["fail", "pass", "pass", "pass"]
    assert contract.of("range")[0].promised_high == 0.02


@pytest.mark.parametrize(
    ("promises", "message"),
    [
        ({"A": (0.0, 0.1)}, "each of A, B, C, D"),
        ({"A": (0.0, 0.1), "B": (0.2, 0.1), "C": (0.2, 0.3), "D": (0.3, 1.0)}, "lower end first"),
        ({"A": (0.3, 0.4), "B": (0.1, 0.2), "C": (0.2, 0.3), "D": (0.3, 1.0)}, "must not fall"),
    ],
)
def test_promises_that_promise_nothing_are_refused(promises: dict[str, tuple[float, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BandPolicy.model_validate({**BANDS.model_dump(), "promises": promises})


def test_without_promises_the_rates_at_the_cuts_are_the_promise() -> None:
    bands = BandPolicy.model_validate({**BANDS.model_dump(), "promises": None})
    assert [bands.promised(g) for g in GRADES] == [(0.0, 0.09), (0.09, 0.18), (0.18, 0.35), (0.35, 1.0)]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("y", 2, "0 or 1"),
        ("weight", 0.0, "positive"),
        ("weight", np.nan, "positive"),
        ("probability", 1.5, "between 0 and 1"),
        ("grade", "E", "A, B, C, D"),
        ("visited_on", pd.NaT, "given"),
    ],
)
def test_wrong_values_are_named_with_row_and_column(column: str, value: float | str | NaTType, message: str) -> None:
    frame = henan_year(2_000, seed=0).frame.copy()
    frame[column] = frame[column].astype(object)
    frame.loc[7, column] = value
    with pytest.raises(ModelInputError, match=f"row 7, column {column}.*{message}"):
        TestVisits(frame, "random")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ModelInputError, match="weight"):
        TestVisits(henan_year(2_000).frame.drop(columns="weight"), "random")


def test_result_is_plain_json_and_text_names_what_did_not_pass() -> None:
    contract = check(henan_year(20_000, seed=12, groups={"region": 2}))
    again = json.loads(json.dumps(contract.as_dict(), allow_nan=False))
    assert again["verdict"] == contract.verdict
    assert len(again["checks"]) == len(contract.checks) == 3 + 4 + 2 + 2 * 2
    assert contract.text.count("cannot tell: ") == sum(c.verdict == "cannot tell" for c in contract.checks)
