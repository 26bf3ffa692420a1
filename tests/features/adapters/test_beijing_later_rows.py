"""The Beijing adapter on the real rows, cut off at a day: what comes later changes nothing that was known before."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import cohort, compute_indicators
from features.adapters import ADAPTERS, AdapterReport
from features.adapters.beijing.inspections import INSPECTIONS
from features.adapters.beijing.others import OTHERS
from features.adapters.beijing.penalties import PENALTIES
from features.adapters.beijing.rows import Unmappable
from features.check import check_folder
from features.contract.manifest import read_manifest
from helpers.beijing import BEIJING
from helpers.scope import HEBEI

pytestmark = [pytest.mark.real, pytest.mark.slow]

CUTS = {"culture": (date(2023, 4, 15), date(2024, 1, 1)), "districts": (date(2023, 7, 1),)}


def cut_source(source: Path, inspections: tuple[str, ...], day: date, into: Path) -> Path:
    """A copy of the source without the rows known on ``day`` or later."""
    into.mkdir()
    for spec in (*(INSPECTIONS[i] for i in inspections), *PENALTIES, *OTHERS):
        table = pq.read_table(source / f"{spec.file}.parquet")
        kept = []
        for line, row in enumerate(table.to_pylist()):
            try:
                draft = spec.parse({k: None if v is None else str(v) for k, v in row.items()})
            except Unmappable:
                continue
            if draft.known < day:
                kept.append(line)
        pq.write_table(table.take(pa.array(kept, pa.int64())), into / f"{spec.file}.parquet")
    return into


def checked(folder: Path, into: Path) -> Path:
    assert check_folder(folder, date(2026, 1, 1), into).ok
    return into / "clean"


@pytest.fixture(scope="module")
def whole(beijing: dict[str, tuple[Path, AdapterReport]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {study: checked(folder, tmp_path_factory.mktemp("whole")) for study, (folder, _) in beijing.items()}


@pytest.fixture(scope="module", params=[(s, d) for s, days in CUTS.items() for d in days], ids=str)
def both(
    request: pytest.FixtureRequest, shared: Path, whole: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, date]:
    study, day = request.param
    place = tmp_path_factory.mktemp("cut")
    source = cut_source(shared / "data" / "beijing_open", BEIJING[study], day, place / "source")
    ADAPTERS["beijing"](source, place / "out", inspections=BEIJING[study])
    return whole[study], checked(place / "out", place / "checked"), day


def in_directory(clean: Path, day: date) -> set[str]:
    """Enterprises registered before ``day`` by a first visit whose row is known only then or later: the exception.

    First visits of the 30 days before ``day``, and of the rest of its month.
    """
    query = """SELECT enterprise_id FROM read_parquet($1) r JOIN read_parquet($2) v USING (enterprise_id)
        WHERE r.version = 1 AND r.known_at < $3 GROUP BY enterprise_id, r.known_at
        HAVING min(v.known_at) >= $3 AND date_trunc('month', min(v.occurred_at)) - INTERVAL 1 DAY = r.known_at"""
    paths = [str(clean / f"{table}.parquet") for table in ("registration", "inspections")]
    return {e for (e,) in duckdb.execute(query, [*paths, day]).fetchall()}


def known_before(clean: Path, table: str, day: date, without: set[str]) -> list[tuple[object, ...]]:
    query = "SELECT * FROM read_parquet(?) WHERE known_at < ? ORDER BY enterprise_id, record_id, version"
    rows = duckdb.execute(query, [str(clean / f"{table}.parquet"), day])
    at = [c[0] for c in rows.description or ()].index("enterprise_id")
    return [r for r in rows.fetchall() if r[at] not in without]


def test_what_was_known_before_a_day_is_the_same_without_the_rows_of_later_days(both: tuple[Path, Path, date]) -> None:
    full, cut, day = both
    tables = sorted(p.stem for p in cut.glob("*.parquet"))
    assert {"registration", "inspections", "penalties", "licences"} <= set(tables)
    early = in_directory(full, day)
    for table in tables:
        without = early if table == "registration" else set()
        now = known_before(full, table, day, without)
        assert now == known_before(cut, table, day, without), table
        assert now
        assert read_manifest(full).coverage(table).covers_from == read_manifest(cut).coverage(table).covers_from, table


def test_only_the_last_first_visits_are_registered_before_they_are_known(both: tuple[Path, Path, date]) -> None:
    full, cut, day = both
    early = in_directory(full, day)
    whole, part = (set(cohort(folder, [day], HEBEI)["enterprise_id"]) for folder in (full, cut))
    assert part <= whole
    assert whole - part <= early
    query = """SELECT min(first), max(first) FROM (SELECT min(occurred_at) AS first FROM read_parquet(?)
        WHERE enterprise_id IN ? GROUP BY enterprise_id)"""
    args = [str(full / "inspections.parquet"), sorted(whole - part)]
    [[first, last]] = duckdb.execute(query, args).fetchall()
    assert first >= day - timedelta(days=30)
    assert last < (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def test_indicators_are_the_same_without_the_rows_of_later_days(both: tuple[Path, Path, date]) -> None:
    full, cut, day = both
    early = in_directory(full, day)
    month = day.replace(day=1)
    earlier = (month - timedelta(days=200)).replace(day=1)
    pairs = cohort(full, [earlier, month], HEBEI).merge(cohort(cut, [earlier, month], HEBEI))
    pairs = pairs[~pairs["enterprise_id"].isin(early)].reset_index(drop=True)
    assert len(pairs) > 1000
    pd.testing.assert_frame_equal(
        compute_indicators(full, pairs, HEBEI), compute_indicators(cut, pairs, HEBEI), check_exact=True
    )
