"""A city's map cut off at a day: what comes later changes nothing that was known before."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.city import Row, adapt, call, closure, records, visit, write_city
from helpers.thorough import examples

FIRST = date(2022, 1, 3)
LAG = timedelta(days=5)
DAYS = st.integers(0, 200).map(lambda n: FIRST + timedelta(days=n))
PLACES = st.sampled_from(["1 Elm St", "2 Elm St", "9 Oak St"])


def us(day: date) -> str:
    return day.strftime("%m/%d/%Y")


@st.composite
def cities(draw: st.DrawFn) -> list[tuple[str, date, Row]]:
    """Rows of a city, each with its file and the day from which it is known."""
    rows: list[tuple[str, date, Row]] = [("visits", FIRST + LAG, visit("5", us(FIRST), STREET="5 Fir St"))]
    for number in range(draw(st.integers(1, 12))):
        made = draw(st.one_of(DAYS, st.sampled_from([FIRST, FIRST + timedelta(days=40)])))
        who = str(draw(st.integers(1, 3)))
        kind = draw(st.sampled_from(["visit", "visit", "call", "closure"]))
        if kind == "visit":
            other = {
                "STREET": draw(PLACES),
                "DBA": draw(st.sampled_from(["A", "B"])),
                "OPENED": draw(st.sampled_from(["", us(made - timedelta(days=9)), "02/01/2015"])),
                "SCORE": str(draw(st.integers(0, 30))),
                "TYPE": draw(st.sampled_from(["Cycle", "Cycle", "Complaint"])),
                "ACTION": draw(st.sampled_from(["Violations cited", "No entry"])),
            }
            told = draw(st.sampled_from([None, 0, 3, 30]))  # a later row may tell more of the same visit
            known = made + (LAG if told is None else timedelta(days=told))
            other["TOLD"] = "" if told is None else known.isoformat()
            rows.append(("visits", known, visit(who, us(made), draw(st.sampled_from("YN")), **other)))
        elif kind == "call":
            rows.append(("calls", made + timedelta(days=1), call(f"c{number}", draw(PLACES), made.isoformat())))
        else:
            rows.append(("closures", made + LAG, closure(who, made.isoformat(), days="3")))
    return rows


def written(rows: list[tuple[str, date, Row]], folder: Path) -> dict[str, list[Row]]:
    by_file = {name: [row for file, _, row in rows if file == name] for name in ("visits", "calls", "closures")}
    write_city(folder, by_file["visits"], by_file["calls"], by_file["closures"])
    adapt(folder)
    return {table: records(folder, table) for table in ("registration", "inspections", "measures", "events")}


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(city=cities(), day=DAYS.map(lambda d: d + timedelta(days=8)))
def test_nothing_known_before_a_day_depends_on_a_row_known_from_that_day_on(
    city: list[tuple[str, date, Row]], day: date
) -> None:
    before = [row for row in city if row[1] < day]
    if not any(file == "visits" for file, _, _ in before):
        return
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = written(city, Path(folder) / "whole"), written(before, Path(folder) / "cut")
    # Whom a visit known later shows first is in the directory before: the one exception, which carries no outcome.
    early = {r["enterprise_id"] for r in whole["inspections"]} - {r["enterprise_id"] for r in cut["inspections"]}
    for table, rows in whole.items():
        known = [r for r in rows if r["known_at"] < day and r["enterprise_id"] not in early]
        assert known == [r for r in cut[table] if r["known_at"] < day], table
