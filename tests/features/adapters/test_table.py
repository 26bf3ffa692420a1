"""A city's map: what its rows become, what is left out and why, and what a wrong map is told."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from pathlib import Path

import pytest

from features.adapters.report import FileReport
from features.adapters.table import MapReport, load_map
from features.adapters.table.draft import drafted
from features.adapters.table.trial import try_map
from features.check import check_folder
from features.contract.manifest import read_manifest
from features.errors import ConfigError, SourceError
from helpers.city import CALL, MAP, VISIT, adapt, call, closure, records, visit, write_city, write_csv
from helpers.root import ROOT

VISITS = [
    visit("1", "03/14/2022", "Y", SCORE="9"),
    visit("1", "03/14/2022", "Y", SCORE="13"),
    visit("1", "09/02/2022"),
    visit("1", "09/02/2022", "Y", TYPE="Complaint"),
    visit("2", "03/20/2022", BORO="Queens", KIND="Coffee bar", OPENED="03/10/2022", SCORE=""),
    visit("3", "04/01/2022", "Y", ACTION="Closed"),
    visit("3", "05/01/2022", ACTION="NO ENTRY, twice"),
]
CALLS = [
    call("c1", " 1 ELM  ST ", "2022-02-10"),
    call("c2", "1 Elm St", "2022-06-10"),
    call("c2", "1 Elm St", "2022-06-10"),
    call("c3", "99 Oak St", "2022-06-10"),
    call("c4", "2 Elm St", "2022-03-01"),
    call("c5", "", "2022-03-01"),
    call("c6", "1 Elm St", "soon"),
]
CLOSURES = [closure("1", "2022-04-01", "2022-04-11", "10"), closure("9", "2022-04-01")]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    write_city(tmp_path, VISITS, CALLS, CLOSURES)
    return tmp_path


def account(report: MapReport, table: str) -> FileReport:
    [found] = [f for f in report.files if f.table == table]
    return found


def test_rows_with_one_key_are_one_visit_and_every_row_is_accounted_for(city: Path) -> None:
    report = adapt(city)
    visits = account(report, "inspections")
    assert (visits.rows_in, visits.mapped, visits.merged, visits.unmapped.total()) == (7, 6, 1, 0)
    calls = account(report, "events: call")
    assert (calls.rows_in, calls.mapped, calls.merged) == (7, 2, 1)
    assert calls.unmapped == {
        "no enterprise known at that address": 1,
        "the enterprise is younger than the event": 1,
        "no address": 1,
        "MADE: no day, or none that can be read": 1,
    }
    closures = account(report, "events: closure")
    assert closures.unmapped == {"no enterprise of that key is known": 1}
    assert report.balanced
    assert report.counts["enterprises"] == 3


def test_the_first_rule_that_fits_says_arm_and_outcome(city: Path) -> None:
    adapt(city)
    found = sorted((r["occurred_at"], r["trigger"], r["arm"], r["result_codes"]) for r in records(city, "inspections"))
    assert found == [
        (date(2022, 3, 14), "routine", "unknown", "3"),
        (date(2022, 3, 20), "routine", "unknown", "1"),
        (date(2022, 4, 1), "routine", "unknown", "7"),  # closed counts before the critical violation
        (date(2022, 5, 1), "routine", "unknown", "F"),
        (date(2022, 9, 2), "complaint", "targeted", "3"),
        (date(2022, 9, 2), "routine", "unknown", "1"),
    ]


def test_a_measure_is_the_greatest_of_a_visits_rows_or_their_count(city: Path) -> None:
    report = adapt(city)
    found = {(m["occurred_at"], m["name"]): m["value"] for m in records(city, "measures")}
    assert found[date(2022, 3, 14), "score"] == 13
    assert found[date(2022, 3, 14), "critical"] == 2
    assert found[date(2022, 3, 20), "critical"] == 0
    assert (date(2022, 3, 20), "score") not in found
    assert report.counts["visits without the measure score"] == 1
    ids = {r["record_id"] for r in records(city, "inspections")}
    assert {m["visit_id"] for m in records(city, "measures")} <= ids


def test_a_score_with_parts_is_kept_whole_by_its_scale_and_read_out_of_a_text(tmp_path: Path) -> None:
    text = MAP.replace(
        'name = "score"\ncolumn = "SCORE"', 'name = "score"\ncolumn = "SCORE"\nscale = 10\npattern = \'[0-9.]+\''
    ).replace('numbers = ["SCORE"]\n', "")
    write_city(
        tmp_path, [visit("1", "03/14/2022", SCORE="about 7.3"), visit("1", "03/15/2022", SCORE="7.33")], text=text
    )
    adapt(tmp_path)
    found = [
        (m["occurred_at"].day, m["value"], m["scale"]) for m in records(tmp_path, "measures") if m["name"] == "score"
    ]
    assert found == [(14, 73, 10)]  # a part that the scale can't hold is not rounded away: it is missing


def test_a_result_is_known_after_the_lag_and_an_enterprise_from_before_its_first_visit(city: Path) -> None:
    adapt(city)
    assert {(r["known_at"] - r["occurred_at"]).days for r in records(city, "inspections")} == {5}
    told = {
        r["name"]: (r["known_at"], r["occurred_at"], r["industry"], r["region"]) for r in records(city, "registration")
    }
    assert told == {
        "PLACE 1": (date(2022, 2, 28), date(2019, 12, 31), "H6210", "360005"),
        "PLACE 2": (date(2022, 3, 10), date(2022, 3, 10), "H6232", "360081"),  # opened within the month of its visit
        "PLACE 3": (date(2022, 3, 31), date(2019, 12, 31), "H6210", "360005"),
    }


def test_a_call_is_known_with_the_address_of_the_place_it_is_about(city: Path) -> None:
    adapt(city)
    calls = sorted((e["occurred_at"], e["known_at"]) for e in records(city, "events") if e["kind"] == "call")
    assert calls == [(date(2022, 2, 10), date(2022, 2, 28)), (date(2022, 6, 10), date(2022, 6, 11))]


def test_an_end_becomes_known_when_it_has_come(city: Path) -> None:
    adapt(city)
    found = [
        (e["version"], e["known_at"], e["ended_on"], e["amount"])
        for e in records(city, "events")
        if e["kind"] == "closure"
    ]
    assert found == [(1, date(2022, 4, 6), None, 10), (2, date(2022, 4, 16), date(2022, 4, 11), 10)]


def test_the_contract_takes_every_record_and_the_manifest_says_the_coverage(city: Path, tmp_path: Path) -> None:
    adapt(city)
    totals = check_folder(city / "out", date(2023, 1, 1), tmp_path / "checked").as_dict()["totals"]
    assert (totals["quarantined"], totals["merged"], totals["orphans"]) == (0, 0, 0)
    said = read_manifest(city / "out")
    assert said.as_of == date(2022, 9, 7)
    assert said.tables["inspections"].covers_from == date(2022, 3, 1)
    assert said.tables["events"].covers_from == date(2022, 3, 1)  # calls reach further back than closures
    assert "call from 2020-01-01" in said.tables["events"].note


def test_the_order_of_rows_changes_no_byte(tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        adapt(folder)
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((folder / "out").iterdir())}

    twins = [call("c2", "3 Elm St", "2022-06-09"), *CALLS]
    write_city(tmp_path / "a", VISITS, twins, CLOSURES)
    write_city(tmp_path / "b", VISITS[::-1], twins[::-1], CLOSURES[::-1])
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_what_a_later_row_tells_of_a_visit_is_another_version(tmp_path: Path) -> None:
    rows = [
        visit("1", "03/14/2022", SCORE="4", TOLD="2022-03-16"),
        visit("1", "03/14/2022", "Y", SCORE="9", TOLD="2022-04-01"),
        visit("1", "03/14/2022", SCORE="2", TOLD="2022-05-01"),
    ]
    write_city(tmp_path, rows[::-1])
    report = adapt(tmp_path)
    visits = account(report, "inspections")
    assert (visits.mapped, visits.merged) == (1, 2)
    told = [(r["version"], r["known_at"], r["result_codes"]) for r in records(tmp_path, "inspections")]
    assert told == [(1, date(2022, 3, 16), "1"), (2, date(2022, 4, 1), "3")]
    scores = [(m["version"], m["known_at"], m["value"]) for m in records(tmp_path, "measures") if m["name"] == "score"]
    assert scores == [(1, date(2022, 3, 16), 4), (2, date(2022, 4, 1), 9)]


def test_an_inspector_is_a_number_and_no_name(tmp_path: Path) -> None:
    text = MAP.replace('field = "food"', 'field = "food"\ninspector = "INSPECTOR"').replace('"INSP*"', '"OTHER"')
    rows = [
        visit("1", "03/14/2022", INSPECTOR="Ann Roe"),
        visit("2", "03/15/2022"),
        visit("3", "03/16/2022", INSPECTOR="Ann Roe"),
    ]
    write_city(tmp_path, rows, text=text)
    adapt(tmp_path)
    found = {r["occurred_at"].day: r["inspector_id"] for r in records(tmp_path, "inspections")}
    assert found == {14: "I000001", 15: "I000002", 16: "I000001"}


def test_several_files_of_one_form_are_read_as_one(city: Path) -> None:
    write_csv(city / "inspections_2023.csv", VISIT, [visit("4", "01/05/2023")])
    assert account(adapt(city), "inspections").rows_in == 8


def test_cells_that_cannot_be_read_are_told_by_file_column_row_and_what_was_expected(tmp_path: Path) -> None:
    rows = [
        visit("1", "03/14/2022"),
        visit("2", "2022-03-14"),
        visit("3", "01/01/1900"),
        visit("4", "03/14/2022", SCORE="seven"),
    ]
    write_city(tmp_path, rows)
    report = adapt(tmp_path)
    assert report.fault_lines() == [
        "inspections.csv, column DAY, row 3: expected a day that is believable, from 2010-01-01 on",
        "inspections.csv, column DAY, row 2: expected a day written %m/%d/%Y",
        "inspections.csv, column SCORE, row 4: expected a whole number",
    ]
    assert account(report, "inspections").unmapped == {"DAY: no day, or none that can be read": 2}
    assert "seven" not in json.dumps(report.as_dict())


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"TYPE": "Survey"}, "no rule of visits.arms fits: no visit of this map"),
        ({"ACTION": ""}, "no rule of visits.outcomes fits"),
        ({"CAMIS": ""}, "CAMIS: nobody to hold it against"),
        ({"CAMIS": "0"}, "CAMIS: nobody to hold it against"),
        ({"CAMIS": "PERSON_1f"}, "natural person"),
        ({"CAMIS": "11010519491231002X"}, "CAMIS: nobody to hold it against"),
    ],
)
def test_a_row_that_becomes_nothing_has_a_reason_and_the_others_go_on(
    tmp_path: Path, other: dict[str, str], reason: str
) -> None:
    write_city(tmp_path, [visit("1", "03/14/2022"), visit("2", "03/15/2022", **other)])
    report = adapt(tmp_path)
    assert account(report, "inspections").unmapped == {reason: 1}
    assert f"inspections.csv, for inspections, row 2: {reason}" in report.left_lines()
    assert len(records(tmp_path, "inspections")) == 1


def test_no_persons_name_or_number_is_kept(tmp_path: Path) -> None:
    text = MAP.replace('key = "CAMIS"', 'key = "CAMIS"\nkey_is = "name"')
    rows = [
        visit("顺天饭店有限公司", "03/14/2022", DBA="WANG 11010519491231002X"),
        visit("王小明", "03/15/2022"),
        visit("PERSON_1a2b", "03/15/2022"),
    ]
    write_city(tmp_path, rows, text=text)
    report = adapt(tmp_path)
    assert account(report, "inspections").unmapped == {"natural person": 1, "name too short to tell from a person's": 1}
    assert report.counts["cells that hold a person's identity number (removed)"] == 1
    assert [r["name"] for r in records(tmp_path, "registration")] == ["顺天饭店有限公司"]
    written = b"".join(p.read_bytes() for p in (tmp_path / "out").iterdir())
    for person in ("王小明", "Jo Doe", "11010519491231002X"):
        assert person.encode() not in written


def test_a_register_is_one_state_known_before_the_first_visit(tmp_path: Path) -> None:
    text = (
        MAP.replace("[files.calls]", '[files.register]\npath = "register.csv"\n[files.calls]')
        .replace('[enterprise]\nfile = "visits"', '[enterprise]\nfile = "register"\nregister = true')
        .replace('established = "OPENED"', 'established = "SINCE"')
    )
    write_city(tmp_path, [visit("1", "03/14/2022"), visit("8", "03/20/2022")], text=text)
    listed = [
        {"CAMIS": "1", "DBA": "One", "STREET": "1 Elm St", "BORO": "Queens", "KIND": "cafe", "SINCE": "2015-05-01"},
        {"CAMIS": "7", "DBA": "Seven", "STREET": "", "BORO": "", "KIND": "", "SINCE": ""},
    ]
    write_csv(tmp_path / "register.csv", list(listed[0]), listed)
    report = adapt(tmp_path)
    told = {r["name"]: (r["known_at"], r["occurred_at"], r["industry"]) for r in records(tmp_path, "registration")}
    assert told == {
        "ONE": (date(2019, 12, 31), date(2015, 5, 1), "H6232"),
        "SEVEN": (date(2019, 12, 31), date(2019, 12, 31), None),
        "CAMIS 8": (date(2022, 2, 28), date(2019, 12, 31), None),
    }
    assert report.counts["enterprises that the register lacks, known by their visits"] == 1


def test_findings_of_another_file_are_joined_and_shared_ones_said(tmp_path: Path) -> None:
    text = MAP.replace("[files.calls]", '[files.found]\npath = "found.csv"\n[files.calls]').replace(
        'name = "critical"\nhow = "count"\nwhere = { FLAG = "Y" }',
        'name = "critical"\nhow = "count"\nfile = "found"\non = ["CAMIS", "DAY"]\nwhere = { LEVEL = "***" }',
    )
    text = text.replace('path = "found.csv"', 'path = "found.csv"\ndates = { DAY = { format = "%m/%d/%Y" } }')
    write_city(
        tmp_path,
        [visit("1", "09/02/2022"), visit("1", "09/02/2022", TYPE="Complaint"), visit("2", "09/02/2022")],
        text=text,
    )
    rows = [{"CAMIS": "1", "DAY": "09/02/2022", "LEVEL": level} for level in ("***", "*", "***")]
    write_csv(tmp_path / "found.csv", ["CAMIS", "DAY", "LEVEL"], rows)
    report = adapt(tmp_path)
    assert sorted(r["result_codes"] for r in records(tmp_path, "inspections")) == ["1", "3", "3"]
    assert report.counts["visits that share their rows of critical with another"] == 2


def test_a_missing_file_of_events_leaves_the_table_out_rather_than_empty(city: Path) -> None:
    (city / "calls.csv").unlink()
    report = adapt(city)
    assert report.missing == ["calls.csv"]
    assert report.counts["no events at all: the file of call is missing"] == 1
    assert not (city / "out" / "events.parquet").exists()
    assert len(records(city, "inspections")) == 6


def test_a_file_in_another_encoding_is_read_as_the_map_says(tmp_path: Path) -> None:
    text = MAP.replace('path = "inspections*.csv"', 'path = "inspections*.csv"\nencoding = "gb18030"')
    write_city(tmp_path, VISITS, text=text)
    write_csv(tmp_path / "inspections.csv", VISIT, [visit("1", "03/14/2022", DBA="顺天饭店")], "gb18030")
    adapt(tmp_path)
    assert [r["name"] for r in records(tmp_path, "registration")] == ["顺天饭店"]
    (tmp_path / "city.toml").write_text(MAP, encoding="utf-8")
    with pytest.raises(SourceError, match=r"inspections\.csv: not a readable CSV file in utf-8-sig"):
        adapt(tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('day = "DAY"', 'dya = "DAY"', r"visits\.dya: .*did you mean day\?"),
        ('kind = "call"', 'knid = "call"', r"events\.0\.knid: .*did you mean kind\?"),
        ("[visits]", "[visit]", r"visit: .*did you mean visits\?"),
        ('file = "calls"', 'file = "cals"', r"no file 'cals'.*did you mean calls\?"),
        ('code = "7"', 'code = "77"', r"'77' is none of .*did you mean 7\?"),
        ("{ critical = {", "{ critcal = {", r"no measure 'critcal'; did you mean critical\?"),
        ('name = "DBA"', 'name = "INSPECTOR"', r"'INSPECTOR' of 'visits', which \[never\] forbids: names persons"),
        ('pattern = "(?i)no entry"', 'pattern = "(no"', "no regular expression"),
        ('[never]', '[indicators]\nwindows = ["a year"]\n[never]', r"expected different ones such as"),
        ('kind = "closure"', 'kind = "call"', "declared twice"),
    ],
)  # fmt: skip
def test_a_wrong_map_is_refused_with_the_place_and_what_was_meant(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert right in MAP
    file = write_city(tmp_path, VISITS, text=MAP.replace(right, wrong, 1))
    with pytest.raises(ConfigError, match=said) as err:
        load_map(file)
    assert str(file) in str(err.value)


def test_a_column_that_is_not_there_is_named_with_its_rule_and_the_nearest(city: Path) -> None:
    write_csv(city / "calls.csv", ["ID", "PLACES", "MADE"], [])
    with pytest.raises(
        SourceError, match=r"calls\.csv: no column 'PLACE', which events, call reads; .*did you mean PLACES\?"
    ):
        adapt(city)


def test_what_is_needed_and_missing_is_said(city: Path, tmp_path: Path) -> None:
    (city / "inspections.csv").unlink()
    with pytest.raises(SourceError, match="not found; the map's file 'visits'"):
        adapt(city)
    write_csv(city / "inspections.csv", VISIT, [visit("1", "03/14/2022", TYPE="Survey")])
    with pytest.raises(SourceError, match=r"no row became a visit: no rule of visits\.arms fits.*: 1"):
        adapt(city)


def test_a_trial_counts_what_would_be_written_and_writes_nothing(city: Path) -> None:
    found = try_map(city, city / "city.toml", province="hebei")
    assert not (city / "out").exists()
    assert found.records == {"events": 4, "inspections": 6, "measures": 11, "registration": 3}
    assert found.outcomes == [("7", 1), ("F", 1), ("3", 2), ("1", 2)]
    assert found.measures["score"] == {"visits": 5, "least": 7, "greatest": 13, "total": 41}
    assert found.events == {"call": 2, "closure": 1}
    assert found.months[0] == {
        "month": "2022-03-01",
        "visits": 2,
        "codes": {"1": 1, "3": 1},
        "violations": 1,
        "labelled": 2,
    }
    assert "score_mean_12m" in found.indicators
    assert json.loads(json.dumps(found.as_dict()))["report"]["source"] == "a small city"


def test_a_draft_proposes_files_days_and_outcomes_and_shows_no_person(tmp_path: Path) -> None:
    rows = [visit(str(n % 7), "03/14/2022", INSPECTOR=f"Jo Doe {n % 3}") for n in range(30)]
    write_csv(tmp_path / "inspections.csv", VISIT, rows)
    write_csv(tmp_path / "calls.csv", CALL, [call(str(n), "1 Elm St", "2022-03-01") for n in range(20)])
    text = drafted(tmp_path)
    assert '[files.inspections]  # 30 rows\npath = "inspections.csv"' in text
    assert '"DAY" = { format = "%m/%d/%Y" }' in text
    assert '[visits]\nfile = "inspections"' in text
    assert "Jo Doe" not in text
    with pytest.raises(SourceError, match="no Parquet or CSV file"):
        drafted(tmp_path / "nowhere")


def test_the_map_on_the_page_is_one_that_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")
    [text] = re.findall(r"## The map\n\n```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "city.toml").write_text(text, encoding="utf-8")
    city = load_map(tmp_path / "city.toml")
    assert [m.name for m in city.measures] == ["score", "critical"]
    assert [e.kind for e in city.events] == ["call"]
