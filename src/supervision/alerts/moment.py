"""Moment of a run: what was known then, and events of a table with the day on which each became known first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from features.records.moments import check_begins, check_ends
from features.records.store import RecordStore
from features.records.visibility import create_unusable, seen_sql


@dataclass(frozen=True)
class Moment:
    """A moment of the records.

    Parameters
    ----------
    store
        Open records.
    cutoff
        Nothing known on it or later counts.
    since
        Only what has evidence known on this day or later is raised.
    """

    store: RecordStore
    cutoff: date
    since: date

    @classmethod
    def at(cls, store: RecordStore, cutoff: date, since: date) -> Moment:
        """Prepare a store for a moment.

        Raises
        ------
        ConfigError
            If the records do not reach the cut-off or begin after it.
        """
        check_ends(store, [cutoff])
        check_begins(store, [cutoff])
        store.con.execute(
            f"CREATE OR REPLACE TABLE moments AS SELECT DATE '{cutoff}' AS cutoff, DATE '{cutoff}' AS known_as_of"
        )
        create_unusable(store.con, repaired_feed=False)
        return cls(store, cutoff, since)

    def seen(self, table: str, columns: str) -> str:
        """SQL of the records seen at the moment, ``r`` in ``columns``."""
        return seen_sql(table, keys="moments", on=None, columns=columns)

    def first(self, table: str) -> str:
        """SQL of record_id and ``first_known``: the day on which the record's first version became known."""
        return (
            f"SELECT record_id, min(known_at) AS first_known FROM raw_{table}"
            f" WHERE known_at < DATE '{self.cutoff}' GROUP BY record_id"
        )

    def frame(self, sql: str) -> pd.DataFrame:
        """Answer SQL as a frame."""
        return self.store.con.execute(sql).df()

    def begins(self, table: str) -> date | None:
        """First day that a table covers; None where the source lacks it."""
        return self.store.covers_from.get(table)

    def days_before(self, days: int) -> date:
        """Return the day so many days before the cut-off."""
        return self.cutoff - timedelta(days=days)

    def places(self, enterprises: set[str]) -> dict[str, tuple[str, str]]:
        """Return district and industry of enterprises, empty where not known."""
        if not enterprises:
            return {}
        self.store.con.register("asked_places", pd.DataFrame({"enterprise_id": sorted(enterprises)}))
        rows = self.store.con.execute(
            f"""SELECT enterprise_id, coalesce(max(region), ''), coalesce(max(industry), '')
            FROM ({self.seen("registration", "r.enterprise_id, r.region, r.industry")})
            SEMI JOIN asked_places USING (enterprise_id) GROUP BY 1"""
        ).fetchall()
        self.store.con.unregister("asked_places")
        return {who: (region, industry) for who, region, industry in rows}
