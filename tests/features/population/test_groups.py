"""Groups are read as known before the cut-off, by the policy's cuts; what nobody said stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features.errors import ConfigError
from features.policy import load_toml, policy_path
from features.population.groups import GroupsPolicy, enterprise_groups, groups_policy
from features.records.store import open_frames
from helpers.records import CUTOFF, ENTERPRISES, move_the_future, province

POLICY = groups_policy("hebei")
YUAN = 100


def registration(**changes: object) -> dict[str, object]:
    return {
        "record_id": "r1",
        "version": 1,
        "enterprise_id": "E1",
        "occurred_at": date(2015, 1, 1),
        "known_at": date(2015, 1, 5),
        "name": "甲",
        "enterprise_type": "limited_company",
        "industry": "F5211",
        "region": "130102",
        "registered_capital_fen": 5_000_000 * YUAN,
        "shareholder_type": "natural",
        "status": "active",
        **changes,
    }


def staff(number: int, day: date, known: date, **changes: object) -> dict[str, object]:
    return {
        "record_id": f"s{day}",
        "version": 1,
        "enterprise_id": "E1",
        "occurred_at": day,
        "known_at": known,
        "insured_staff": number,
        **changes,
    }


def groups(
    entries: Iterable[dict[str, object]],
    periods: Sequence[dict[str, object]] = (),
    cutoff: date = date(2024, 1, 1),
    pairs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    tables = {"registration": pd.DataFrame(list(entries))}
    if periods:
        tables["social_insurance"] = pd.DataFrame(list(periods))
    store = open_frames(tables)
    try:
        asked = pd.DataFrame({"enterprise_id": ["E1"], "cutoff": [cutoff]}) if pairs is None else pairs
        return enterprise_groups(store, asked, POLICY)
    finally:
        store.close()


def test_an_enterprise_is_where_the_register_puts_it() -> None:
    [row] = groups([registration()]).to_dict("records")
    assert row == {"region": "1301", "size": "small", "ownership": "private", "industry": "F", "visited": "unknown"}


@pytest.mark.parametrize(
    ("insured", "size"),
    [(0, "micro"), (9, "micro"), (10, "small"), (99, "small"), (100, "medium"), (299, "medium"), (300, "large")],
)
def test_staff_decides_before_capital(insured: int, size: str) -> None:
    rows = groups([registration()], [staff(insured, date(2023, 6, 30), date(2023, 7, 10))])
    assert rows["size"].tolist() == [size]


@pytest.mark.parametrize(
    ("yuan", "size"), [(999_999, "micro"), (1_000_000, "small"), (10_000_000, "medium"), (100_000_000, "large")]
)
def test_capital_decides_where_no_staff_is_known(yuan: int, size: str) -> None:
    assert groups([registration(registered_capital_fen=yuan * YUAN)])["size"].tolist() == [size]


def test_the_latest_period_known_before_the_cut_off_counts() -> None:
    periods = [
        staff(5, date(2022, 12, 31), date(2023, 1, 20)),
        staff(50, date(2023, 6, 30), date(2023, 7, 20)),
        staff(500, date(2023, 12, 31), date(2024, 1, 1)),
    ]
    assert groups([registration()], periods)["size"].tolist() == ["small"]
    assert groups([registration()], periods, cutoff=date(2024, 1, 2))["size"].tolist() == ["large"]
    assert groups([registration()], periods, cutoff=date(2023, 3, 1))["size"].tolist() == ["micro"]


def test_a_move_is_seen_from_when_it_was_known() -> None:
    moved = registration(version=2, region="130402", known_at=date(2023, 5, 1))
    before, after = (groups([registration(), moved], cutoff=d) for d in (date(2023, 5, 1), date(2023, 5, 2)))
    assert (before["region"].item(), after["region"].item()) == ("1301", "1304")


@pytest.mark.parametrize(
    ("holder", "form", "ownership"),
    [
        ("state", "limited_company", "state"),
        ("foreign", "joint_stock", "foreign"),
        ("corporate", "limited_company", "private"),
        (None, "state_owned", "state"),
        (None, "foreign_invested", "foreign"),
        (None, "partnership", "private"),
        ("natural", "branch", "branch"),
        (None, "unknown", "unknown"),
    ],
)
def test_ownership_goes_by_shareholder_then_by_form(holder: str | None, form: str, ownership: str) -> None:
    rows = groups([registration(shareholder_type=holder, enterprise_type=form)])
    assert rows["ownership"].tolist() == [ownership]


def test_what_nobody_said_is_unknown_and_so_is_an_enterprise_nobody_knew() -> None:
    bare = registration(industry=None, region=None, registered_capital_fen=None, shareholder_type=None)
    pairs = pd.DataFrame(
        {"enterprise_id": ["E9", "E1", "E1"], "cutoff": [date(2024, 1, 1), date(2024, 1, 1), date(2015, 1, 5)]},
        index=[7, 3, 5],
    )
    rows = groups([bare], pairs=pairs)
    assert rows.index.tolist() == [7, 3, 5]
    assert list(rows.loc[3]) == ["unknown", "unknown", "private", "unknown", "unknown"]
    assert set(rows.loc[7]) == set(rows.loc[5]) == {"unknown"}


def visit(day: date, known: date, **changes: object) -> dict[str, object]:
    return {
        "record_id": f"i{day}",
        "version": 1,
        "enterprise_id": "E1",
        "occurred_at": day,
        "known_at": known,
        "arm": "random",
        "result_codes": "1",
        **changes,
    }


def visited(
    visits: Iterable[dict[str, object]], covers_from: date = date(2015, 1, 1), cutoff: date = date(2024, 3, 1)
) -> str:
    """The group of E1 on a day."""
    tables = {"registration": pd.DataFrame([registration()]), "inspections": pd.DataFrame(list(visits))}
    store = open_frames(tables, {"inspections": covers_from})
    try:
        [group] = enterprise_groups(store, pd.DataFrame({"enterprise_id": ["E1"], "cutoff": [cutoff]}), POLICY)[
            "visited"
        ]
    finally:
        store.close()
    found: str = group
    return found


VISITED, NOT_VISITED = "within 24 months", "not within 24 months"


@pytest.mark.parametrize(
    ("day", "known", "group"),
    [
        (date(2022, 3, 1), date(2022, 3, 9), VISITED),  # the first day of the window
        (date(2022, 2, 28), date(2022, 3, 9), NOT_VISITED),
        (date(2024, 2, 29), date(2024, 2, 29), VISITED),
        (date(2024, 2, 20), date(2024, 3, 1), NOT_VISITED),  # not yet known on the day of the cut-off
        (date(2024, 3, 1), date(2024, 3, 1), NOT_VISITED),  # the visit that is predicted
    ],
)
def test_the_visited_are_those_with_a_visit_known_in_the_24_months_before(day: date, known: date, group: str) -> None:
    assert visited([visit(day, known)]) == group


@pytest.mark.parametrize(
    "changes", [{"arm": "targeted"}, {"result_codes": "D"}, {"result_codes": "F"}, {"result_codes": None}]
)
def test_any_visit_counts_whatever_its_arm_and_result(changes: dict[str, str | None]) -> None:
    assert visited([visit(date(2023, 6, 1), date(2023, 6, 9), **changes)]) == VISITED


def test_a_visit_that_turned_out_wrong_counts_until_that_is_known() -> None:
    one = visit(date(2023, 6, 1), date(2023, 6, 9))
    wrong = {**one, "version": 2, "known_at": date(2023, 9, 1), "record_state": "source_error"}
    first = {**one, "record_state": "active"}
    assert visited([first, wrong], cutoff=date(2023, 9, 1)) == VISITED
    assert visited([first, wrong], cutoff=date(2023, 10, 1)) == NOT_VISITED


def test_who_was_not_visited_is_known_only_where_the_source_reaches_back_so_far() -> None:
    other = visit(date(2023, 6, 1), date(2023, 6, 9), enterprise_id="E2")
    assert visited([other], date(2022, 3, 1)) == NOT_VISITED
    assert visited([other], date(2022, 3, 2)) == "unknown"
    mine = visit(date(2023, 6, 1), date(2023, 6, 9))
    assert visited([mine], date(2022, 3, 2)) == VISITED


def test_the_visited_of_a_province_are_those_counted_by_hand(small_clean: Path) -> None:
    visits = pd.read_parquet(small_clean / "inspections.parquet")
    ids = sorted(pd.read_parquet(small_clean / "registration.parquet")["enterprise_id"].unique())[:400]
    pairs = pd.DataFrame(
        {"enterprise_id": ids * 2, "cutoff": [date(2024, 1, 1)] * len(ids) + [date(2025, 6, 1)] * len(ids)}
    )
    said = enterprise_groups(small_clean, pairs, POLICY)["visited"]
    for (firm, cutoff), group in zip(pairs.itertuples(index=False), said, strict=True):
        own = visits[(visits["enterprise_id"] == firm) & (pd.to_datetime(visits["known_at"]) < pd.Timestamp(cutoff))]
        own = own.sort_values("version").drop_duplicates("record_id", keep="last")
        day = pd.to_datetime(own["occurred_at"])
        since = pd.Timestamp(cutoff) - pd.DateOffset(months=24)
        there = (day >= since) & (day < pd.Timestamp(cutoff)) & (own["record_state"] == "active")
        assert group == (VISITED if there.any() else NOT_VISITED), firm
    assert set(said) == {VISITED, NOT_VISITED}


def test_visits_at_or_after_the_cut_off_or_known_only_then_move_nobody(small_clean: Path) -> None:
    cutoff = date(2025, 6, 1)
    visits = pd.read_parquet(small_clean / "inspections.parquet")
    firms = sorted(visits["enterprise_id"].unique())[:200] + [f"never visited {i}" for i in range(50)]
    visits = visits[visits["enterprise_id"].isin(firms)]
    past = visits[(pd.to_datetime(visits["known_at"]) < pd.Timestamp(cutoff))]
    told = [(cutoff, cutoff), (date(2025, 6, 20), date(2025, 6, 28)), (date(2025, 5, 20), cutoff)]
    later = pd.DataFrame(
        [visit(day, known, enterprise_id=f, record_id=f"{f} {k}") for f in firms for k, (day, known) in enumerate(told)]
    )
    found = []
    for rows in (past, pd.concat([past, later], ignore_index=True)):
        store = open_frames({"inspections": rows})
        try:
            pairs = pd.DataFrame({"enterprise_id": firms, "cutoff": cutoff})
            found.append(enterprise_groups(store, pairs, POLICY)["visited"].tolist())
        finally:
            store.close()
    assert found[0] == found[1]
    assert {VISITED, NOT_VISITED} == set(found[0][:200])
    assert set(found[0][200:]) == {NOT_VISITED}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_future_reaches_no_group(seed: int) -> None:
    tables = province(seed)
    pairs = pd.DataFrame({"enterprise_id": list(ENTERPRISES), "cutoff": CUTOFF})
    found = []
    for given in (tables, move_the_future(tables, CUTOFF, seed + 1)):
        store = open_frames(given)
        try:
            found.append(enterprise_groups(store, pairs, POLICY))
        finally:
            store.close()
    pd.testing.assert_frame_equal(found[0], found[1])


def test_repeated_pairs_keep_their_order_on_a_simulated_province(small_clean: Path) -> None:
    ids = [f"{i}" for i in pd.read_parquet(small_clean / "registration.parquet")["enterprise_id"].unique()[:200]]
    pairs = pd.DataFrame(
        {"enterprise_id": ids + ids[::-1], "cutoff": [date(2025, 6, 1)] * 200 + [date(2025, 6, 1)] * 200}
    )
    rows = enterprise_groups(small_clean, pairs, POLICY)
    pd.testing.assert_frame_equal(rows.iloc[:200].reset_index(drop=True), rows.iloc[:199:-1].reset_index(drop=True))
    assert set(rows["size"]) <= {"micro", "small", "medium", "large", "unknown"}
    assert rows["size"].nunique() > 2
    assert (rows["region"].str.len() == 4).mean() > 0.9


def test_a_code_without_ownership_is_named(tmp_path: Path) -> None:
    text = policy_path("hebei", "groups").read_text(encoding="utf-8")
    file = tmp_path / "groups.toml"
    file.write_text(text.replace('natural = "private"\n', ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="natural"):
        load_toml(file, GroupsPolicy)
    file.write_text(text.replace("[10, 100, 300]", "[10, 10, 300]"), encoding="utf-8")
    with pytest.raises(ConfigError, match="strictly increase"):
        load_toml(file, GroupsPolicy)
    file.write_text(text.replace('branch = ["branch of an enterprise", "分支机构"]\n', ""), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ownership_names must name each of .*branch"):
        load_toml(file, GroupsPolicy)
