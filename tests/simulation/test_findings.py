"""What visits found item by item, grades and events at places fit the rest of the province."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from simulation import SimulationSummary, simulate


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    return simulate(tmp_path_factory.mktemp("findings") / "p", enterprises=6000, months=48, seed=5)


def now(folder: Path, table: str) -> str:
    """SQL of the latest version of each record."""
    latest = "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY version DESC) = 1"
    return f"(SELECT * FROM '{folder}/{table}.parquet' {latest})"


def one(sql: str) -> float:
    [(value,)] = duckdb.execute(sql).fetchall()
    return float(value)


def test_items_are_of_a_visit_and_a_grave_one_failed_only_where_a_violation_was_found(
    summary: SimulationSummary,
) -> None:
    joined = f"""{now(summary.folder, "inspection_items")} i LEFT JOIN {now(summary.folder, "inspections")} v
        ON v.record_id = i.inspection_id AND v.enterprise_id = i.enterprise_id AND v.occurred_at = i.occurred_at"""
    assert one(f"SELECT count(*) FROM {joined} WHERE v.record_id IS NULL") == 0
    first = f"""SELECT record_id, min(known_at) AS result_known FROM '{summary.folder}/inspections.parquet'
        WHERE result_codes IS NOT NULL GROUP BY record_id"""
    items = now(summary.folder, "inspection_items")
    early = f"SELECT count(*) FROM {items} i JOIN ({first}) f ON f.record_id = i.inspection_id"
    assert one(f"{early} WHERE i.known_at < f.result_known") == 0
    grave = "i.severity IN ('serious', 'critical')"
    assert one(f"SELECT count(*) FROM {joined} WHERE {grave}") > 300
    clean = f"SELECT count(*) FROM {joined} WHERE {grave} AND v.result_codes IN ('1', 'B', '6', '7', 'F')"
    assert one(clean) == 0


def test_minor_failings_tell_of_the_true_risk_at_visits_that_found_nothing(summary: SimulationSummary) -> None:
    counted = f"""SELECT count(i.record_id) FILTER (WHERE i.result = 'failed') AS n, any_value(t.risk) AS risk
        FROM {now(summary.folder, "inspections")} v
        JOIN '{summary.truth}' t ON t.enterprise_id = v.enterprise_id AND t.month = date_trunc('month', v.occurred_at)
        LEFT JOIN {now(summary.folder, "inspection_items")} i ON i.inspection_id = v.record_id
        WHERE v.result_codes = '1' GROUP BY v.record_id"""
    assert 0.05 < one(f"SELECT corr(n, risk) FROM ({counted})") < 0.45


def test_a_department_has_one_grade_open_at_a_time_and_the_worse_have_the_stricter(summary: SimulationSummary) -> None:
    grades = f"{now(summary.folder, 'sector_grades')} g"
    assert (
        one(f"SELECT max(n) FROM (SELECT count(*) AS n FROM {grades} WHERE ended_on IS NULL GROUP BY enterprise_id)")
        == 1
    )
    month = "t.month = date_trunc('month', g.occurred_at)"
    truth = f"JOIN '{summary.truth}' t ON t.enterprise_id = g.enterprise_id AND {month}"
    assert 0.05 < one(f"SELECT corr(g.level, t.risk) FROM {grades} {truth}") < 0.6


def test_an_event_at_a_place_names_no_enterprise_and_happens_near_one(summary: SimulationSummary) -> None:
    events, register = now(summary.folder, "place_events"), now(summary.folder, "registration")
    assert one(f"SELECT count(*) FROM {events}") > 500
    assert one(f"SELECT count(*) FROM {events} JOIN {register} r USING (enterprise_id)") == 0
    near = f"""SELECT min((e.east_m - p.east_m) ** 2 + (e.north_m - p.north_m) ** 2) AS squared
        FROM {events} e, {now(summary.folder, "positions")} p GROUP BY e.record_id"""
    assert one(f"SELECT avg(CAST(squared <= 2000 * 2000 AS INTEGER)) FROM ({near})") > 0.98
