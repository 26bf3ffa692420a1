"""The Chicago adapter cut off at a day: what comes later changes nothing that was known before."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import cohort, compute_indicators
from features.check import check_folder
from features.contract.manifest import read_manifest
from helpers.chicago import Row, adapt, call, permit, visit, write_source
from helpers.scope import HEBEI
from helpers.thorough import examples

TABLES = (
    "registration", "inspections", "warning_talks", "licences", "complaints", "inspection_items", "sector_grades",
    "positions", "place_events",
)  # fmt: skip
WEEK = timedelta(days=7)
FIRST = date(2012, 1, 2)


def cut(source: Path, day: date, into: Path) -> Path:
    """A copy of the source without the rows known on ``day`` or later: a visit's are known a week after it."""
    into.mkdir(parents=True)
    visits = pq.read_table(source / "inspections.parquet").to_pandas()
    kept = visits["Inspection_ID"][pd.to_datetime(visits["Inspection_Date"]).dt.date + WEEK < day]
    for name in ("inspections", "business_license_at_inspection", "violation_matrix"):
        table = pq.read_table(source / f"{name}.parquet")
        numbers = table.column("Inspection_ID").to_pandas()
        pq.write_table(table.filter(pa.array(numbers.isin(set(kept)))), into / f"{name}.parquet")
    calls = pq.read_table(source / "complaints_311_sanitation.parquet")
    known = pd.to_datetime(calls.column("Creation_Date").to_pandas()).dt.date + timedelta(days=1) < day
    pq.write_table(calls.filter(pa.array(known)), into / "complaints_311_sanitation.parquet")
    crimes = pq.read_table(source / "crime_burglary.parquet")
    published = pd.to_datetime(crimes.column("Date").to_pandas()).dt.date + WEEK < day
    pq.write_table(crimes.filter(pa.array(published)), into / "crime_burglary.parquet")
    return into


def in_directory(out: Path, day: date) -> set[str]:
    """Establishments that their first visit's row, known on ``day`` or later, made known before: the exception."""
    query = "SELECT enterprise_id FROM read_parquet(?) GROUP BY enterprise_id HAVING min(known_at) >= ?"
    return {e for (e,) in duckdb.execute(query, [str(out / "inspections.parquet"), day]).fetchall()}


def known_before(out: Path, table: str, day: date, without: set[str]) -> list[Row]:
    rows = pq.read_table(out / f"{table}.parquet").to_pylist()
    return [r for r in rows if r["known_at"] < day and r["enterprise_id"] not in without]


DAYS = st.integers(0, 300).map(lambda n: FIRST + timedelta(days=n))
PLACES = ("7 S PINE ST ", "9 W ELM ST", "1 N OAK ST")


@st.composite
def sources(draw: st.DrawFn) -> tuple[list[Row], list[Row], list[Row]]:
    """Visits to a handful of places that change name, trade, address and licences; calls about some addresses."""
    visits, permits = [visit(1, 50, str(FIRST), Address="50 E FIR ST")], [permit(1, "2011-01-01", "2011-01-01")]
    for number in range(2, 2 + draw(st.integers(1, 10))):
        licence, made = draw(st.integers(1, 4)), draw(DAYS)
        visits.append(
            visit(
                number,
                licence,
                str(made),
                critical=draw(st.integers(0, 1)),
                serious=draw(st.integers(0, 1)),
                DBA_Name=draw(st.sampled_from(("A", "B"))),
                Facility_Type=draw(st.sampled_from(("Restaurant", "Grocery Store", ""))),
                Address=draw(st.sampled_from(PLACES)),
            )
        )
        if draw(st.booleans()):
            term = made + timedelta(days=draw(st.integers(-40, 5)))
            flags = {name: draw(st.integers(0, 1)) for name in ("tobacco", "tavern")}
            permits.append(permit(number, str(term), str(min(term, FIRST)), **flags))
    calls = [
        call(f"12-{draw(st.integers(0, 5))}", str(draw(DAYS)), draw(st.sampled_from(PLACES)))
        for _ in range(draw(st.integers(0, 5)))
    ]
    return visits, permits, calls


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sources(), DAYS)
def test_what_was_known_before_a_day_is_the_same_without_the_rows_of_later_days(
    rows: tuple[list[Row], list[Row], list[Row]], day: date
) -> None:
    day = max(day, FIRST + WEEK + timedelta(days=1))
    with tempfile.TemporaryDirectory() as place:
        whole = write_source(Path(place) / "whole", *rows)
        part = cut(whole, day, Path(place) / "part")
        adapt(whole)
        adapt(part)
        early = in_directory(whole / "out", day)
        for table in TABLES:
            now, then = (known_before(f / "out", table, day, early) for f in (whole, part))
            assert now == then, table


def test_the_exception_is_there_for_the_test_to_find(tmp_path: Path) -> None:
    visits = [visit(1, 50, "2012-01-02"), visit(2, 51, "2012-03-20", DBA_Name="NEW")]
    whole = write_source(tmp_path / "whole", visits, [permit(2, "2012-01-09", "2012-01-09")], [])
    day = date(2012, 3, 15)
    part = cut(whole, day, tmp_path / "part")
    adapt(whole)
    adapt(part)
    early = in_directory(whole / "out", day)
    assert len(early) == 1
    seen = [r["name"] for r in known_before(whole / "out", "registration", day, set())]
    assert sorted(seen) == ["CAFE", "NEW"]
    assert known_before(whole / "out", "inspections", day, set()) == known_before(
        part / "out", "inspections", day, set()
    )


@pytest.fixture(scope="module", params=[date(2013, 4, 15), date(2014, 7, 1)], ids=str)
def both(
    request: pytest.FixtureRequest, chicago: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, date]:
    """Clean folders of the real rows and of those known before a day."""
    from features.adapters import ADAPTERS

    place, day = tmp_path_factory.mktemp("chicago"), request.param
    clean = []
    for name, source in (("whole", chicago), ("part", cut(chicago, day, place / "source"))):
        ADAPTERS["chicago"](source, place / name / "out", inspections=("canvass",))
        assert check_folder(place / name / "out", date(2099, 1, 1), place / name / "checked").ok
        clean.append(place / name / "checked" / "clean")
    return clean[0], clean[1], day


@pytest.mark.real
@pytest.mark.slow
def test_real_rows_known_before_a_day_are_the_same_without_those_of_later_days(both: tuple[Path, Path, date]) -> None:
    whole, part, day = both
    early = in_directory(whole, day)
    for table in TABLES:
        now = known_before(whole, table, day, early)
        assert now, table
        assert now == known_before(part, table, day, early), table
        assert read_manifest(whole).coverage(table).covers_from == read_manifest(part).coverage(table).covers_from


@pytest.mark.real
@pytest.mark.slow
def test_real_indicators_are_the_same_without_the_rows_of_later_days(both: tuple[Path, Path, date]) -> None:
    whole, part, day = both
    early, month = in_directory(whole, day), day.replace(day=1)
    moments = [(month - timedelta(days=200)).replace(day=1), month]
    pairs = cohort(whole, moments, HEBEI).merge(cohort(part, moments, HEBEI))
    pairs = pairs[~pairs["enterprise_id"].isin(early)].reset_index(drop=True)
    assert len(pairs) > 1000
    pd.testing.assert_frame_equal(
        compute_indicators(whole, pairs, HEBEI), compute_indicators(part, pairs, HEBEI), check_exact=True
    )
