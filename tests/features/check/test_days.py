"""The day of a time: its date where it has no zone, the source's own day where it has one, and never a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from features.check import render
from features.check.days import day_of_text
from features.errors import SourceError
from helpers.source import check, clean, manifest, parquet, penalties, quarantined
from helpers.thorough import examples

EVENING = datetime(2024, 2, 1, 16, 30)
"""In UTC; half past midnight of the next day in China."""


def said(folder: Path) -> list[tuple[str, str, int]]:
    """What the check says of days, beside what is said of every folder."""
    return [(w.kind, w.text, w.count) for w in check(folder).warnings if w.kind != "coverage_inferred"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_without_zone_is_its_date_whatever_the_hour_and_this_is_said_once(folder: Path, unit: str) -> None:
    times = [datetime(2024, 2, 1), datetime(2024, 2, 1, 0, 0, 1), datetime(2024, 2, 1, 23, 59, 59)]
    parquet(folder, "penalties", known_at=pa.array(times, pa.timestamp(unit)))
    assert said(folder) == [
        ("time_of_day", "column 'known_at' has times of day; its date is taken, whatever the hour", 2)
    ]
    assert clean(folder, "penalties", "known_at") == [(date(2024, 2, 1),)] * 3


def test_what_was_taken_as_the_day_is_a_notice_and_no_warning(folder: Path) -> None:
    penalties(folder, "p1,1,e1,2024-01-05,2024-02-01 13:45:00,fine,1")
    console = Console(width=300)
    with console.capture() as shown:
        console.print(render(check(folder)))
    lines = [line.rstrip() for line in shown.get().splitlines() if "times of day" in line]
    assert lines == ["notice penalties: 1 x column 'known_at' has times of day; its date is taken, whatever the hour"]


@pytest.mark.parametrize("text", ["2024-02-01 13:45:00", "2024-02-01T23:59", "2024-02-01 23:59:59.999", "2024-02-01"])
def test_a_time_without_zone_in_text_is_its_date_too(folder: Path, text: str) -> None:
    penalties(folder, f"p1,1,e1,2024-01-05,{text},fine,1")
    assert [(kind, count) for kind, _, count in said(folder)] == [("time_of_day", 1)] * (len(text) > 10)
    assert clean(folder, "penalties", "known_at") == [(date(2024, 2, 1),)]


@pytest.mark.parametrize(
    "text", ["2024-02-01 24:00:00", "2024-02-01 12:60:00", "2024-02-30 12:00:00", "2024-02-01 noon"]
)
def test_an_hour_or_a_day_that_is_none_is_no_day(folder: Path, text: str) -> None:
    penalties(folder, f"p1,1,e1,2024-01-05,{text},fine,1")
    assert check(folder).tables["penalties"].reasons == {"known_at: wrong_type": 1}


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_column_of_times_with_a_zone_is_refused_until_the_source_says_where_it_is(folder: Path, unit: str) -> None:
    parquet(folder, "penalties", known_at=pa.array([EVENING], pa.timestamp(unit, "UTC")))
    with pytest.raises(
        SourceError, match=r"'known_at' holds times with a zone .* next day in China.*\"timezone\": \"Asia"
    ):
        check(folder)
    assert not (folder.parent / "out").exists() or not list((folder.parent / "out").iterdir())
    manifest(folder, timezone="Asia/Shanghai")
    assert said(folder) == [
        ("time_with_zone", "column 'known_at' has times with a zone; the day in Asia/Shanghai is taken", 1)
    ]
    assert clean(folder, "penalties", "known_at") == [(date(2024, 2, 2),)]


def test_the_old_int96_times_are_moments_though_they_do_not_say_so(folder: Path) -> None:
    parquet(folder, "penalties", known_at=[EVENING])
    path = folder / "penalties.parquet"
    pq.write_table(pq.read_table(path), path, use_deprecated_int96_timestamps=True)
    with pytest.raises(SourceError, match="'known_at' holds times as INT96"):
        check(folder)
    manifest(folder, timezone="Asia/Shanghai")
    check(folder)
    assert clean(folder, "penalties", "known_at") == [(date(2024, 2, 2),)]


def test_a_table_may_be_in_another_zone_than_the_folder(folder: Path) -> None:
    parquet(folder, "penalties", known_at=pa.array([EVENING], pa.timestamp("us", "UTC")))
    manifest(folder, timezone="Asia/Shanghai", tables={"penalties": {"timezone": "Europe/Paris"}})
    check(folder)
    assert clean(folder, "penalties", "known_at") == [(date(2024, 2, 1),)]


def test_a_time_with_a_zone_in_text_waits_in_quarantine_until_the_source_says_where_it_is(folder: Path) -> None:
    texts = ["2024-02-01T16:30:00Z", "2024-02-02 00:30:00.5+0800", "2024-02-02 00:30 +08:00", "2024-02-01 16:30:00 UTC"]
    penalties(folder, *(f"p{k},1,e1,2024-01-05,{text},fine,1" for k, text in enumerate(texts)))
    report = check(folder).tables["penalties"]
    assert report.quarantined == len(texts)
    expected = (
        'it is a time with a zone: say the source\'s own zone in manifest.json, such as "timezone": "Asia/Shanghai"'
    )
    assert report.hints == {f"known_at: {expected}": len(texts)}
    assert quarantined(folder, "penalties")[1].endswith(f"expected a day written YYYY-MM-DD; {expected}")
    manifest(folder, timezone="Asia/Shanghai")
    assert check(folder).ok
    assert clean(folder, "penalties", "known_at") == [(date(2024, 2, 2),)] * len(texts)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "+8"])
def test_a_zone_that_is_none_is_refused(folder: Path, zone: str) -> None:
    manifest(folder, timezone=zone)
    with pytest.raises(SourceError, match="is no time zone; expected a name such as Asia/Shanghai"):
        check(folder)


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1))
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def day(text: str, zone: str | None) -> Any:
    [(found,)] = duckdb.execute(f"SELECT {day_of_text('r', zone)} FROM (SELECT ? AS r)", [text]).fetchall()
    return found


@settings(max_examples=examples(100), deadline=None)
@given(MOMENTS, OFFSETS, st.sampled_from(["Asia/Shanghai", "America/Chicago", "UTC"]))
def test_the_day_of_any_moment_is_the_one_on_the_calendar_of_the_zone(
    moment: datetime, offset: timezone, zone: str
) -> None:
    written = moment.replace(tzinfo=UTC).astimezone(offset)
    assert day(written.isoformat(), zone) == written.astimezone(ZoneInfo(zone)).date()
    assert day(written.isoformat(), None) is None
    assert day(moment.isoformat(" "), zone) == day(moment.isoformat(" "), None) == moment.date()
