"""Days, read from what a source writes for them: dates, times of day, times with a zone.

A time without zone is its date, whatever the hour. A time with a zone is a moment, and its day depends on where
the source is: a UTC evening is the next day in China. So it is converted to the zone that ``manifest.json`` states,
and without one it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from features.check.reading import BLANKS, RawColumn, SourceTable, literal
from features.check.report import Oddity
from features.contract.believable import LATEST_DAY
from features.contract.manifest import MANIFEST_NAME
from features.errors import SourceError

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?"
_DAY = r"\d{4}-\d{2}-\d{2}"
_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
_LOCAL = rf"{_DAY}([ T]{_CLOCK})?"
_MOMENT = rf"{_DAY}[ T]{_CLOCK}{_ZONE}"

SAY_ZONE = f'say the source\'s own zone in {MANIFEST_NAME}, such as "timezone": "Asia/Shanghai"'
"""What to do about a time with a zone."""


def is_timestamp(physical: str) -> bool:
    """Whether a physical type holds times (dates and moments), not text or days."""
    return physical.startswith("TIMESTAMP") or physical == "INT96"


def _has_zone(physical: str) -> bool:
    return physical.startswith("TIMESTAMP") and "T" in physical.removeprefix("TIMESTAMP").partition("_")[0]


def refuse_moments(source: SourceTable) -> None:
    """Refuse a column of moments whose days can't be told.

    Raises
    ------
    SourceError
        If a date column holds times with a zone and the manifest doesn't say the source's own.
    """
    for column in source.table.columns:
        raw = source.columns.get(column.name)
        if raw is None or column.type != "date" or source.form.timezone:
            continue
        if raw.physical == "INT96":
            held = "times as INT96, which Spark and Hive write in UTC without saying so"
        elif _has_zone(raw.physical):
            held = f"times with a zone ({raw.physical})"
        else:
            continue
        raise SourceError(
            f"{source.file}: column {column.name!r} holds {held}, and a UTC evening is the next day in China; "
            f"expected days, times without a zone, or to know where the source is: {SAY_ZONE}"
        )


def day_of_timestamp(r: str, physical: str, timezone: str | None) -> str:
    """SQL of the day of a value of a timestamp type; NULL where it is infinite."""
    if physical == "INT96" or _has_zone(physical):
        moment = f"timezone('UTC', {r})" if physical == "INT96" else f"CAST({r} AS TIMESTAMPTZ)"
        local = f"timezone({literal(timezone or 'UTC')}, {moment})"
        return f"CASE WHEN isfinite({moment}) THEN {_day_of(local)} END"
    local = f"CAST({r} AS TIMESTAMP)"
    return f"CASE WHEN isfinite({local}) THEN {_day_of(local)} END"


def _day_of(local: str) -> str:
    """SQL of the day of a time without zone; NULL beyond what Python and Spark can hold."""
    return f"CASE WHEN CAST({local} AS DATE) <= DATE '{LATEST_DAY}' THEN CAST({local} AS DATE) END"


def day_of_text(r: str, timezone: str | None) -> str:
    """SQL of the day that trimmed text says; NULL where it says none."""
    local = f"WHEN regexp_full_match({r}, {literal(_LOCAL)}) AND {r} >= '0001' THEN try_cast(left({r}, 10) AS DATE)"
    if timezone is None:
        return f"CASE {local} END"
    plain = f"replace(replace(replace(substr({r}, 12), ' ', ''), 'UTC', 'Z'), ',', '.')"
    moment = f"try_cast(left({r}, 10) || 'T' || {plain} AS TIMESTAMPTZ)"
    return (
        f"CASE {local} WHEN regexp_full_match({r}, {literal(_MOMENT)}) AND {r} >= '0001' "
        f"THEN {_day_of(f'timezone({literal(timezone)}, {moment})')} END"
    )


def is_moment(text: str) -> str:
    """SQL of whether text is a time with a zone."""
    return f"regexp_full_match({text}, {literal(_MOMENT)})"


def time_oddities(con: duckdb.DuckDBPyConnection, source: SourceTable) -> Iterator[Oddity]:
    """Say once a column how many of its values were times, and what was taken as their day."""
    counts = {
        column.name: _times(source.columns[column.name])
        for column in source.table.columns
        if column.type == "date" and column.name in source.columns
    }
    asked = [(name, sql, zoned) for name, parts in counts.items() for zoned, sql in parts.items()]
    if not asked:
        return
    sums = ", ".join(f"count(*) FILTER (WHERE {sql})" for _, sql, _ in asked)
    [found] = con.execute(f"SELECT {sums} FROM {source.relation}").fetchall()
    for (name, _, zoned), count in zip(asked, found, strict=True):
        if count and not zoned:
            text = f"column {name!r} has times of day; its date is taken, whatever the hour"
            yield Oddity(source.table.name, "time_of_day", text, count)
        elif count and source.form.timezone:
            text = f"column {name!r} has times with a zone; the day in {source.form.timezone} is taken"
            yield Oddity(source.table.name, "time_with_zone", text, count)


def _times(raw: RawColumn) -> dict[bool, str]:
    """SQL of whether a value is a time, by whether with a zone; nothing for types that hold no times."""
    if raw.physical == "INT96" or _has_zone(raw.physical):
        return {True: f"{raw.sql} IS NOT NULL"}
    if is_timestamp(raw.physical):
        return {False: f"CAST({raw.sql} AS TIMESTAMP) <> date_trunc('day', CAST({raw.sql} AS TIMESTAMP))"}
    if raw.physical != "VARCHAR":
        return {}
    text = f"trim({raw.sql}, {literal(BLANKS)})"
    midnight = rf"{_DAY}[ T]00:00(:00([.,]0+)?)?"
    local = f"NOT regexp_full_match({text}, {literal(midnight)}) AND regexp_full_match({text}, {literal(_LOCAL)})"
    return {
        False: f"length({raw.sql}) > 10 AND length({text}) > 10 AND {local}",
        True: f"length({raw.sql}) > 10 AND {is_moment(text)}",
    }
