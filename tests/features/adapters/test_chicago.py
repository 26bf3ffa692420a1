"""The Chicago adapter on invented rows: nothing lost, no outcome in another coat, nothing known too early."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.adapters.chicago.facilities import industry
from features.adapters.chicago.rows import day, enterprise_id, opaque, text, whole
from features.check import check_folder
from features.errors import ConfigError, SourceError
from helpers.chicago import Row, account, adapt, call, permit, records, visit, write, write_source

CAFE, SHOP, SCHOOL = 1001, 1002, 1003


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A café with a change of hands, a shop with a late licence, a school without one, and all that can go wrong."""
    visits = [
        visit(1, CAFE, "2012-03-14", critical=2, serious=1, Results="Fail"),
        visit(2, CAFE, "2012-10-02", critical=1, Results="Pass w/ Conditions"),
        visit(3, CAFE, "2013-05-06", serious=1, Results="Fail", DBA_Name="Café  Two", Zip=60611.0),
        visit(3, CAFE, "2013-05-06", serious=1, Results="Fail", DBA_Name="Café  Two", Zip=60611.0),
        visit(4, SHOP, "2012-03-20", minor=9, Facility_Type="Grocery Store", Address="9 W ELM ST "),
        visit(5, SCHOOL, "2012-04-02", Facility_Type="School", Address="1 N OAK ST"),
        visit(6, SCHOOL, "2012-09-02", Results="Out of Business", Address=None),
        visit(7, SCHOOL, "2012-09-03", Results="Business Not Located", Address=None),
        visit(8, SCHOOL, "2012-09-04", Results="No Entry", criticalCount=None, Address=None),
        visit(9, 0, "2012-09-04"),
        visit(10, SCHOOL, "last week"),
        visit(11, SCHOOL, "2012-09-05", Results="Elsewhere"),
        visit(12, SCHOOL, "2012-09-05", Inspection_Type="Complaint"),
        visit(13, SCHOOL, "2012-09-05", criticalCount=None),
        {**visit(14, SCHOOL, "2012-09-05"), "Inspection_ID": None},
    ]
    permits = [
        permit(1, "2011-05-16", "2004-02-01", tobacco=1, tavern=1),
        permit(2, "2011-05-16", "2004-02-01", tobacco=1),
        permit(3, "2013-05-16", "2004-02-01"),  # begins after its visit
        permit(4, "2012-03-09", "2012-03-09"),
        {**permit(5, None, None), "LICENSE_CODE": None},
        permit(99, "2012-03-09", "2012-03-09"),
    ]
    calls = [
        call("12-1", "2012-02-10", "7 S PINE ST"),
        call("12-1", "2012-02-10", "7 S PINE ST", "Completed - Dup"),
        call("12-2", "2012-06-10", " 7 S  pine ST ", "Open - Dup"),
        call("12-3", "2012-06-11", "8 S PINE ST"),
        call("12-4", "soon", "7 S PINE ST"),
        call(None, "2012-06-11", "7 S PINE ST"),
        call("12-6", "2012-06-11", None),
    ]
    burglaries = [{"ID": 7, "Date": "2012-02-03", "Latitude": 41.9, "Longitude": -87.65}]
    write_source(tmp_path, visits, permits, calls, burglaries)
    one = {"Inspection_ID": pa.int64()}
    write(tmp_path, "violation_counts_all_inspections", one, [{"Inspection_ID": 1}])
    write(tmp_path, "new_file", one, [{"Inspection_ID": 1}, {"Inspection_ID": 2}])
    return tmp_path


def by_day(folder: Path, table: str, licence: int) -> dict[date, Row]:
    return {r["occurred_at"]: r for r in records(folder, table) if r["enterprise_id"] == enterprise_id(licence)}


def test_every_row_of_every_file_is_accounted_for(folder: Path) -> None:
    report = adapt(folder)
    assert report.balanced
    visits, permits, calls = (
        account(report, f) for f in ("inspections", "business_license_at_inspection", "complaints_311_sanitation")
    )
    assert (visits.rows_in, visits.mapped, visits.merged) == (15, 8, 1)
    assert visits.unmapped == {
        "no licence number: nobody to hold it against": 1,
        "no date, or not readable": 1,
        "outcome not in the mapping": 1,
        "not a canvass visit: its outcome means something else": 1,
        "number of critical violations missing or not a number": 1,
        "no inspection id": 1,
    }
    assert (permits.rows_in, permits.mapped, permits.merged) == (6, 2, 1)
    assert permits.unmapped == {
        "licence begins after the visit: it was not in force then": 1,
        "the source found no licence in force": 1,
        "its inspection is not in the inspections file": 1,
    }
    assert (calls.rows_in, calls.mapped, calls.merged) == (7, 2, 1)
    assert calls.unmapped.total() == 4
    items = account(report, "violation_matrix")
    assert (items.rows_in, items.mapped, items.merged) == (15, 8, 1)
    assert items.unmapped == {"its inspection is not in the inspections file": 5, "no inspection id": 1}
    assert report.left_out["violation_counts_all_inspections.parquet"][0] == 1
    assert "the label again" in report.left_out["violation_counts_all_inspections.parquet"][1]
    assert report.left_out["new_file.parquet"] == (2, "file not known to the adapter")
    assert report.counts["establishments"] == 3
    assert report.counts["establishments without a licence row"] == 1


def test_a_persons_number_in_a_name_is_removed_and_counted(tmp_path: Path) -> None:
    write_source(tmp_path, [visit(1, CAFE, "2012-03-14", DBA_Name="WANG 11010519491231002X")], [], [])
    report = adapt(tmp_path)
    assert report.counts["cells that hold a person's identity number (removed)"] == 1
    assert [r["name"] for r in records(tmp_path, "registration")] == [f"LICENCE {CAFE}"]


@pytest.mark.parametrize("written", ["1900-01-01", "9999-12-31"])
def test_a_day_that_stands_for_not_known_is_no_day(tmp_path: Path, written: str) -> None:
    write_source(tmp_path, [visit(1, CAFE, "2012-03-14"), visit(2, CAFE, written)], [], [])
    report = adapt(tmp_path)
    assert account(report, "inspections").unmapped == {"no date, or not readable": 1}


def test_the_label_is_a_critical_violation_whatever_the_result_is_called(folder: Path) -> None:
    adapt(folder)
    cafe, shop, school = (by_day(folder, "inspections", e) for e in (CAFE, SHOP, SCHOOL))
    assert [cafe[d]["result_codes"] for d in sorted(cafe)] == ["3", "3", "1"]
    assert [v["result_codes"] for v in shop.values()] == ["1"]
    assert [school[d]["result_codes"] for d in sorted(school)] == ["1", "7", "F", "F"]


def test_what_a_visit_found_is_told_item_by_item_and_no_earlier_than_its_result(folder: Path) -> None:
    adapt(folder)
    items = records(folder, "inspection_items")
    visits = {v["record_id"]: v for v in records(folder, "inspections")}
    of = {number: [i for i in items if i["inspection_id"] == opaque("inspection", number)] for number in (1, 4, 7)}
    assert sorted(((i["item_code"], i["severity"]) for i in of[1]), key=lambda i: int(i[0])) == [
        ("1", "critical"), ("2", "critical"), ("15", "serious"), ("30", "minor"), ("31", "minor"), ("32", "minor"),
    ]  # fmt: skip
    assert len(of[4]) == 9
    assert of[7][0]["result"] == "failed"
    for item in items:
        visit_of = visits[item["inspection_id"]]
        keys = ("enterprise_id", "occurred_at", "known_at")
        assert [item[k] for k in keys] == [visit_of[k] for k in keys]


def test_a_visit_that_found_nothing_says_so_and_one_that_saw_nothing_is_silent(tmp_path: Path) -> None:
    nobody = visit(2, SHOP, "2012-03-14", minor=0, Results="Out of Business")
    write_source(tmp_path, [visit(1, CAFE, "2012-03-14", minor=0), nobody], [], [])
    adapt(tmp_path)
    [item] = records(tmp_path, "inspection_items")
    assert (item["enterprise_id"], item["result"], item["severity"]) == (enterprise_id(CAFE), "passed", None)


def test_the_departments_hazard_category_stands_until_another_is_seen(tmp_path: Path) -> None:
    risks = ("Risk 1 (High)", "Risk 1 (High)", "All", "Risk 3 (Low)")
    days = ("2012-03-14", "2012-06-14", "2012-09-14", "2012-12-14")
    seen = [visit(k, CAFE, day, Risk=risk) for k, (day, risk) in enumerate(zip(days, risks, strict=True), start=1)]
    write_source(tmp_path, seen, [], [])
    adapt(tmp_path)
    grades = [(g["version"], g["level"], g["known_at"], g["ended_on"]) for g in records(tmp_path, "sector_grades")]
    changed = date(2012, 12, 21)
    assert sorted(grades, key=lambda g: (g[2], -g[1])) == [
        (1, 3, date(2012, 2, 29), None), (2, 3, changed, changed), (1, 1, changed, None),
    ]  # fmt: skip


def test_what_happened_at_places_names_no_establishment_and_is_near_those_who_are_near(tmp_path: Path) -> None:
    seen = [visit(1, CAFE, "2012-03-14"), visit(2, SHOP, "2012-03-14", Latitude=None)]
    burglaries = [
        {"ID": 7, "Date": "2012-02-03", "Latitude": 41.904, "Longitude": -87.65},
        {"ID": 7, "Date": "2012-02-03", "Latitude": 41.904, "Longitude": -87.65},
        {"ID": 8, "Date": "2012-02-03", "Latitude": None, "Longitude": -87.65},
        {"ID": 9, "Date": "2012-02-03", "Latitude": 0.0, "Longitude": 0.0},
    ]
    write_source(tmp_path, seen, [], [call("12-1", "2012-02-10", "8 ELSEWHERE ST")], burglaries)
    report = adapt(tmp_path)
    crimes = account(report, "crime_burglary")
    assert (crimes.rows_in, crimes.mapped, crimes.merged) == (4, 1, 1)
    assert crimes.unmapped == {"no position, or far from the City": 2}
    [position] = records(tmp_path, "positions")
    assert position["enterprise_id"] == enterprise_id(CAFE)
    events = {e["kind"]: e for e in records(tmp_path, "place_events")}
    assert set(events) == {"crime", "sanitation"}
    assert (events["crime"]["known_at"], events["sanitation"]["known_at"]) == (date(2012, 2, 10), date(2012, 2, 11))
    assert events["crime"]["north_m"] - position["north_m"] == pytest.approx(444, abs=2)
    assert events["sanitation"]["east_m"] == position["east_m"]
    assert not {e["enterprise_id"] for e in events.values()} & {enterprise_id(CAFE), enterprise_id(SHOP)}


def test_no_canvass_visit_claims_to_be_drawn_or_caused_by_a_complaint(folder: Path) -> None:
    adapt(folder)
    visits = records(folder, "inspections")
    assert {(v["arm"], v["trigger"], v["field"], v["inspector_id"]) for v in visits} == {
        ("unknown", "routine", "food", None)
    }
    assert not (folder / "out" / "draws.parquet").exists()


def test_a_serious_violation_is_no_label_but_is_remembered_once_its_result_is_known(folder: Path) -> None:
    adapt(folder)
    talks = by_day(folder, "warning_talks", CAFE)
    assert len(records(folder, "warning_talks")) == 2
    assert [(t, talks[t]["known_at"], talks[t]["talk_kind"]) for t in sorted(talks)] == [
        (date(2012, 3, 14), date(2012, 3, 21), "warning"),
        (date(2013, 5, 6), date(2013, 5, 13), "warning"),
    ]


def test_a_result_is_known_a_week_after_its_visit(folder: Path) -> None:
    adapt(folder)
    assert {(v["known_at"] - v["occurred_at"]).days for v in records(folder, "inspections")} == {7}


def test_what_an_establishment_is_comes_from_its_sightings(folder: Path) -> None:
    adapt(folder)
    versions = [r for r in records(folder, "registration") if r["enterprise_id"] == enterprise_id(CAFE)]
    assert [(v["known_at"], v["name"], v["region"], v["industry"]) for v in versions] == [
        (date(2012, 2, 29), "CAFE", "060614", "H6210"),  # the day before the month of the first visit
        (date(2013, 5, 13), "CAFÉ TWO", "060611", "H6210"),
    ]
    assert {v["occurred_at"] for v in versions} == {date(2004, 2, 1)}


def test_an_establishment_licensed_in_the_month_of_its_first_visit_is_not_known_before(folder: Path) -> None:
    adapt(folder)
    [shop] = [r for r in records(folder, "registration") if r["enterprise_id"] == enterprise_id(SHOP)]
    assert (shop["occurred_at"], shop["known_at"]) == (date(2012, 3, 9), date(2012, 3, 9))


def test_without_a_licence_a_place_counts_as_older_than_the_source(folder: Path) -> None:
    adapt(folder)
    school = [r for r in records(folder, "registration") if r["enterprise_id"] == enterprise_id(SCHOOL)]
    assert {r["occurred_at"] for r in school} == {date(2012, 2, 29)}
    assert school[0]["known_at"] == date(2012, 3, 31)
    assert not by_day(folder, "licences", SCHOOL)


def test_a_further_licence_ends_when_a_later_row_comes_without_it(folder: Path) -> None:
    adapt(folder)
    found = [r for r in records(folder, "licences") if r["enterprise_id"] == enterprise_id(CAFE)]
    main = [r for r in found if r["licence_no"]]
    assert [(m["licence_kind"], m["occurred_at"], m["known_at"], m["valid_to"]) for m in main] == [
        ("food", date(2004, 2, 1), date(2012, 2, 29), None)
    ]
    ended = [r for r in found if r["version"] == 2]
    assert [(r["known_at"], r["ended_on"], r["licence_status"]) for r in ended] == [
        (date(2012, 10, 9), date(2012, 10, 9), "surrendered")
    ]
    assert len([r for r in found if r["version"] == 1]) == 3


def test_a_call_is_a_complaint_about_the_place_at_its_very_address(folder: Path) -> None:
    adapt(folder)
    calls = by_day(folder, "complaints", CAFE)
    assert len(records(folder, "complaints")) == 2
    assert [(c, calls[c]["known_at"]) for c in sorted(calls)] == [
        (date(2012, 2, 10), date(2012, 2, 29)),  # known with the café's address, which came later than the call
        (date(2012, 6, 10), date(2012, 6, 11)),
    ]


def test_the_contract_takes_every_record(folder: Path, tmp_path: Path) -> None:
    adapt(folder)
    report = check_folder(folder / "out", date(2013, 6, 1), tmp_path / "checked")
    totals = report.as_dict()["totals"]
    assert (totals["quarantined"], totals["merged"], totals["orphans"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Results", "Pass"),
        ("seriousCount", 0),
        ("minorCount", 17),
        ("pass_flag", 1),
        ("fail_flag", 1),
        ("pastCritical", 7),
        ("timeSinceLast", 0.1),
        ("firstRecord", 0),
        ("Risk", "Risk 3 (Low)"),
    ],
)
def test_no_other_column_of_a_critical_visit_reaches_its_outcome_or_registration(
    folder: Path, column: str, value: Any
) -> None:
    adapt(folder)
    before = {t: records(folder, t) for t in ("inspections", "registration", "licences", "complaints")}
    table = pq.read_table(folder / "inspections.parquet").to_pylist()
    table[0][column] = value
    pq.write_table(pa.Table.from_pylist(table), folder / "inspections.parquet")
    adapt(folder)
    assert before == {t: records(folder, t) for t in before}


@pytest.mark.parametrize(
    "column", ["LICENSE_TERM_EXPIRATION_DATE", "maxDate", "LICENSE_STATUS", "ageAtInspection", "ACCOUNT_NUMBER"]
)
def test_what_looks_into_the_future_is_not_even_read(folder: Path, column: str) -> None:
    adapt(folder)
    before = {p.name: p.read_bytes() for p in (folder / "out").iterdir()}
    table = pq.read_table(folder / "business_license_at_inspection.parquet")
    pq.write_table(table.drop_columns([column]), folder / "business_license_at_inspection.parquet")
    adapt(folder)
    assert before == {p.name: p.read_bytes() for p in (folder / "out").iterdir()}


def test_a_call_before_the_establishment_was_founded_is_about_another(tmp_path: Path) -> None:
    write_source(
        tmp_path,
        [visit(1, SHOP, "2012-03-20", Address="9 W ELM ST")],
        [permit(1, "2012-03-09", "2012-03-09")],
        [call("12-1", "2012-03-08", "9 W ELM ST"), call("12-2", "2012-03-09", "9 W ELM ST")],
    )
    report = adapt(tmp_path)
    assert account(report, "complaints_311_sanitation").unmapped == {
        "the establishment at that address is younger than the call": 1
    }
    assert [c["occurred_at"] for c in records(tmp_path, "complaints")] == [date(2012, 3, 9)]
    assert check_folder(tmp_path / "out", date(2013, 1, 1), tmp_path / "checked").ok


def test_calls_to_311_are_not_read_beyond_day_and_address(folder: Path) -> None:
    adapt(folder)
    before = records(folder, "complaints")
    table = pq.read_table(folder / "complaints_311_sanitation.parquet")
    pq.write_table(table.drop_columns(["Status"]), folder / "complaints_311_sanitation.parquet")
    adapt(folder)
    assert records(folder, "complaints") == before


def test_the_order_of_rows_changes_no_byte(folder: Path) -> None:
    def digest() -> dict[str, str]:
        adapt(folder)
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((folder / "out").iterdir())}

    first = digest()
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.take(list(reversed(range(table.num_rows)))), path)
    assert digest() == first


def test_of_two_licence_rows_for_one_visit_the_older_counts_whatever_their_order(tmp_path: Path) -> None:
    rows = [permit(1, "2011-05-16", "2006-02-01", tobacco=1), permit(1, "2011-05-16", "2004-02-01")]
    for order in (rows, rows[::-1]):
        write_source(tmp_path, [visit(1, CAFE, "2012-03-14")], order, [])
        permits = account(adapt(tmp_path), "business_license_at_inspection")
        assert (permits.rows_in, permits.mapped, permits.merged) == (2, 1, 1)
        assert [r["occurred_at"] for r in records(tmp_path, "licences")] == [date(2004, 2, 1)]


def test_a_missing_file_is_said_and_its_table_is_absent_not_empty(folder: Path) -> None:
    (folder / "complaints_311_sanitation.parquet").unlink()
    (folder / "business_license_at_inspection.parquet").unlink()
    (folder / "violation_matrix.parquet").unlink()
    (folder / "crime_burglary.parquet").unlink()
    report = adapt(folder)
    assert sorted(report.missing) == [
        "business_license_at_inspection.parquet",
        "complaints_311_sanitation.parquet",
        "crime_burglary.parquet",
        "violation_matrix.parquet",
    ]
    assert not (folder / "out" / "place_events.parquet").exists()
    assert not (folder / "out" / "inspection_items.parquet").exists()
    assert not (folder / "out" / "complaints.parquet").exists()
    assert not (folder / "out" / "licences.parquet").exists()
    assert len(records(folder, "inspections")) == 8


def test_wrong_use_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="canvass"):
        adapt(folder, "complaint")
    with pytest.raises(SourceError, match=r"inspections\.parquet"):
        adapt(tmp_path / "nowhere")
    table = pq.read_table(folder / "inspections.parquet")
    pq.write_table(table.drop_columns(["criticalCount"]), folder / "inspections.parquet")
    with pytest.raises(SourceError, match="criticalCount"):
        adapt(folder)
    (folder / "inspections.parquet").write_bytes(b"no parquet")
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        adapt(folder)


@pytest.mark.parametrize(
    ("facility", "code"),
    [
        ("Restaurant", "H6210"),
        ("Grocery Store", "F52"),
        ("GROCERY/RESTAURANT", "H6210"),
        ("School", "P83"),
        ("Daycare (2 - 6 Years)", "O802"),
        ("RESTAURANT/HOSPITAL", "Q841"),
        ("Wrigley Roof Top", "H6210"),
        ("", None),
        ("1475", None),
    ],
)
def test_the_kind_of_place_is_an_industry_where_its_words_tell(facility: str, code: str | None) -> None:
    assert industry(facility) == code


def test_cells_are_read_typed_or_as_text() -> None:
    assert [whole(v) for v in (7, 7.0, "7", "7.0", " 7 ", 7.5, "x", None, float("nan"))] == [7] * 5 + [None] * 4
    assert whole(float("inf")) is None
    assert [day(v) for v in ("2013-01-31", "2013-01-31 10:00", date(2013, 1, 31))] == [date(2013, 1, 31)] * 3
    assert [day(v) for v in (None, "", "31/01/2013", "2013-02-30")] == [None] * 4
    assert text("  a \n b ") == "a b"
