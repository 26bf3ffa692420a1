"""Standing of each enterprise of a month: its row of the ledger, fields, sector grades, visits, complaints.

Everything is read as it was known when the month began; H11's exclusions hold as for indicators.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from features.contract.manifest import MANIFEST_NAME
from features.given import as_path
from features.records.store import RecordStore, connect, open_folder
from features.records.visibility import create_unusable, seen_sql
from serving.ledger.place import LedgerError, check_month
from serving.ledger.read import Ledger, Month
from supervision.measures import FIELDS, MeasuresPolicy, load_measures, measures_table

LICENCE_FIELD = {
    "food": "food",
    "drug": "drug",
    "special_equipment": "special_equipment",
    "industrial_product": "product_quality",
    "hazardous": "safety",
    "construction_safety": "construction",
    "culture": "culture",
}
"""Field that a kind of licence belongs to."""


@dataclass(frozen=True)
class Span:
    """Days that the counts look at.

    Parameters
    ----------
    year
        First day of the year of plans that the month stands in: visits since then count.
    complaints
        First day from which complaints count.
    """

    year: date
    complaints: date


def year_start(cutoff: date, first_month: int) -> date:
    """Return the first day of the year of plans.

    Examples
    --------
    >>> year_start(date(2026, 2, 1), 4)
    datetime.date(2025, 4, 1)
    """
    return date(cutoff.year - (cutoff.month < first_month), first_month, 1)


@contextmanager
def opened_records(month: Month, records: Path | None) -> Iterator[RecordStore | None]:
    """Yield the clean records: of the folder given, else those that the ledger's last run kept; None where it has none.

    Raises
    ------
    SourceError
        If the folder given was not written by the check.
    """
    folder = as_path(records, "records") if records is not None else month.place.checked / "clean"
    if records is None and not (folder / MANIFEST_NAME).is_file():
        yield None
        return
    store = open_folder(folder)
    try:
        yield store
    finally:
        store.close()


def standing(
    month: Month, store: RecordStore | None, span: Span, measures: MeasuresPolicy, *, only: str | None = None
) -> pd.DataFrame:
    """Return one row an enterprise of a month, sorted by id.

    Parameters
    ----------
    month
        Published.
    store
        Clean records; None: fields, visits and complaints are not known and stand as 0.
    span
        From when visits and complaints count.
    measures
        How sector grades are read as classes.
    only
        One enterprise, by id or code.

    Returns
    -------
    pandas.DataFrame
        ``enterprise_id``, ``region``, ``industry``, ``grade``, ``probability`` with ``probability_low`` and
        ``probability_high``, ``determined``, ``fields`` (mask), ``sector`` (grades, two bits a field),
        ``visits`` (since the year began, of any arm, and draws that wait), ``established``, ``complaints`` (open).

    Raises
    ------
    LedgerError
        If DuckDB can't read the month.
    """
    cutoff = check_month(month.month)
    con = store.con if store else connect()
    where = "" if only is None else " WHERE l.enterprise_id = $who OR l.uscc = $who"
    try:
        if store:
            moment(store, cutoff)
        parts = _parts(span, measures) if store else {}
        joins = " ".join(
            f"LEFT JOIN ({sql}) {name} ON {name}.enterprise_id = l.enterprise_id" for name, sql in parts.items()
        )
        own = {
            "fields": "coalesce(f.fields, 0)",
            "sector": "coalesce(s.sector, 0)",
            "visits": "coalesce(v.visits, 0) + coalesce(d.waiting, 0)",
            "established": "e.established",
            "complaints": "coalesce(k.complaints, 0)",
        } if store else {
            "fields": "0", "sector": "0", "visits": "0", "established": "NULL", "complaints": "0",
        }  # fmt: skip
        types = {"established": "DATE"}
        extra = ", ".join(f"CAST({sql} AS {types.get(name, 'BIGINT')}) AS {name}" for name, sql in own.items())
        return con.execute(
            f"""SELECT l.enterprise_id, l.region, l.industry, l.grade, l.probability, l.probability_low,
                l.probability_high, coalesce(l.determinations, '') <> '' AS determined, {extra}
            FROM {month.latest_sql()} l {joins}{where} ORDER BY l.enterprise_id""",
            {} if only is None else {"who": only},
        ).df()
    except duckdb.Error as err:
        raise LedgerError(f"{month.place.root}: {err}") from err
    finally:
        if store is None:
            con.close()


def moment(store: RecordStore, cutoff: date) -> None:
    """Set the moment that records are seen at: the cut-off, with what was known before it."""
    store.con.execute(
        f"CREATE OR REPLACE TABLE moments AS SELECT DATE '{cutoff}' AS cutoff, DATE '{cutoff}' AS known_as_of"
    )
    create_unusable(store.con, repaired_feed=False)


def _seen(table: str, columns: str = "r.*") -> str:
    return seen_sql(table, keys="moments", on=None, columns=f"{columns}, c.cutoff")


def _grades_sql() -> str:
    """SQL of the latest grade by enterprise and field that has not ended."""
    return f"""SELECT enterprise_id, field, level / levels AS place FROM ({_seen("sector_grades")})
        WHERE ended_on IS NULL OR ended_on >= cutoff
        QUALIFY row_number() OVER (PARTITION BY enterprise_id, field ORDER BY occurred_at DESC, record_id DESC) = 1"""


def _parts(span: Span, measures: MeasuresPolicy) -> dict[str, str]:
    """SQL of what the records say of each enterprise, by the letter it is joined as."""
    bits = "CASE field " + " ".join(f"WHEN '{name}' THEN {1 << k}" for k, name in enumerate(FIELDS)) + " END"
    licence = "CASE licence_kind " + " ".join(f"WHEN '{k}' THEN '{f}'" for k, f in LICENCE_FIELD.items()) + " END"
    valid = "(ended_on IS NULL OR ended_on >= cutoff) AND (valid_to IS NULL OR valid_to >= cutoff)"
    holds = f"""SELECT enterprise_id, {licence} AS field FROM ({_seen("licences")})
            WHERE licence_status = 'valid' AND {valid}
        UNION ALL SELECT enterprise_id, 'special_equipment' FROM ({_seen("special_equipment")})
            WHERE equipment_status = 'in_use'
        UNION ALL SELECT enterprise_id, 'certification' FROM ({_seen("certificates")})
            WHERE certificate_status = 'valid' AND {valid}
        UNION ALL SELECT enterprise_id, field FROM ({_grades_sql()})"""
    packed = measures.packed_sql("field", "place")
    visited = _seen("inspections", "r.enterprise_id, r.draw_id, r.occurred_at")
    return {
        "f": f"SELECT enterprise_id, bit_or({bits}) AS fields FROM ({holds}) WHERE field IS NOT NULL GROUP BY 1",
        "s": f"SELECT enterprise_id, bit_or({packed}) AS sector FROM ({_grades_sql()}) GROUP BY 1",
        "v": f"""SELECT enterprise_id, count(*) AS visits FROM ({visited}) WHERE occurred_at >= DATE '{span.year}'
            GROUP BY 1""",
        "d": f"""SELECT enterprise_id, count(*) AS waiting FROM ({_seen("draws")}) WHERE fate = 'pending'
            AND occurred_at >= DATE '{span.year}' AND record_id NOT IN
            (SELECT draw_id FROM ({visited}) WHERE draw_id IS NOT NULL) GROUP BY 1""",
        "e": f"SELECT enterprise_id, min(occurred_at) AS established FROM ({_seen('registration')}) GROUP BY 1",
        "k": f"""SELECT enterprise_id, count(*) AS complaints FROM ({_seen("complaints")})
            WHERE coalesce(outcome, 'pending') = 'pending' AND occurred_at >= DATE '{span.complaints}' GROUP BY 1""",
    }


def months_before(cutoff: date, months: int) -> date:
    """Return the first day of the month so many months before.

    Examples
    --------
    >>> months_before(date(2026, 2, 1), 3)
    datetime.date(2025, 11, 1)
    """
    first = cutoff.year * 12 + cutoff.month - 1 - months
    return date(first // 12, first % 12 + 1, 1)


def find_month(ledger: Ledger, name: str | None) -> Month:
    """Return a published month, the latest without a name.

    Raises
    ------
    LedgerError
        If it is not published, or nothing is.
    """
    if name is not None:
        return ledger.month(name)
    if ledger.latest is None:
        raise LedgerError(f"{ledger.place.root} has no published month of {ledger.place.province}")
    return ledger.latest


def month_measures(month: Month, province: str, records: Path | None = None, who: str | None = None) -> pd.DataFrame:
    """Return the measures of a month's enterprises; see `supervision.measures.measures_table`.

    Parameters
    ----------
    month
        Published.
    province
        Whose policy holds.
    records
        Clean folder; without: what the ledger's last run kept.
    who
        One enterprise, by id or code; without: everyone.

    Raises
    ------
    LedgerError
        If the month does not have it.
    """
    cutoff = check_month(month.month)
    policy = load_measures(province)
    with opened_records(month, records) as store:
        rows = standing(month, store, Span(cutoff, cutoff), policy, only=who)
    if who is not None and rows.empty:
        raise LedgerError(f"no enterprise {who!r} in {month.month} of {province}")
    return measures_table(rows, policy)
