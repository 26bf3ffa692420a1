"""Trial of a map: what each file and rule would become, month by month, without a record being written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from features.adapters.table.adapt import Tables, map_folder
from features.adapters.table.city import CityMap
from features.adapters.table.report import MapReport
from features.adapters.table.visits import Visit
from features.given import PathLike, as_path
from features.policies import OutcomesPolicy, outcomes_policy


@dataclass(frozen=True)
class Trial:
    """What a map makes of a folder.

    Parameters
    ----------
    city, report
        The map, and the fate of every row.
    records
        Contract table to number of records.
    arms, outcomes
        One entry a rule, in the map's order: the rule in words, and its visits.
    measures
        Measure to its number of visits, least, greatest and total value.
    events
        Kind to number of events.
    months
        First day of a month, its visits by result code, and, where a province's outcomes say what codes mean, its
        visits with a label and those with a violation.
    indicators
        Names of the place's indicators.
    """

    city: CityMap
    report: MapReport
    records: dict[str, int]
    arms: list[tuple[str, int]]
    outcomes: list[tuple[str, int]]
    measures: dict[str, dict[str, int]]
    events: dict[str, int]
    months: list[dict[str, Any]]
    indicators: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "map": self.city.source,
            "report": self.report.as_dict(),
            "records": self.records,
            "arms": [{"rule": rule, "visits": n} for rule, n in self.arms],
            "outcomes": [{"rule": rule, "visits": n} for rule, n in self.outcomes],
            "measures": self.measures,
            "events": self.events,
            "months": self.months,
            "indicators": list(self.indicators),
        }


def try_map(folder: PathLike, city_map: PathLike | CityMap, *, province: str | None = None) -> Trial:
    """Read a folder by a map and say what every rule made of it.

    Parameters
    ----------
    folder, city_map
        The city's files, and the map or its file.
    province
        Whose ``outcomes.toml`` says which result codes are violations; None: codes are counted alone.

    Raises
    ------
    ConfigError
        If the map or the province's policy is missing or wrong.
    SourceError
        As `features.adapters.table.adapt_table`.
    """
    policy = outcomes_policy(province) if province else None
    city, report, tables, visits = map_folder(as_path(folder, "source folder"), city_map)
    arms, codes = Counter(v.arm for v in visits), Counter(v.code for v in visits)
    rules = city.visits.arms
    return Trial(
        city,
        report,
        {table: len(rows) for table, rows in sorted(tables.items())},
        [(f"{r.arm}, {r.trigger or 'no trigger'}", arms[n]) for n, r in enumerate(rules)],
        [(code, codes[code]) for code in dict.fromkeys(r.code for r in city.visits.outcomes)],
        {m.name: _values([v.values[m.name] for v in visits if m.name in v.values]) for m in city.measures},
        _kinds(city, tables),
        list(_months(visits, policy)),
        tuple(i.name for i in city.indicators.declared(city.measures, city.events)),
    )


def _values(found: Sequence[int]) -> dict[str, int]:
    if not found:
        return {"visits": 0}
    return {"visits": len(found), "least": min(found), "greatest": max(found), "total": sum(found)}


def _kinds(city: CityMap, tables: Tables) -> dict[str, int]:
    found = Counter(row["kind"] for row in tables.get("events", []) if row["version"] == 1)
    return {e.kind: found[e.kind] for e in city.events}


def _months(visits: Sequence[Visit], policy: OutcomesPolicy | None) -> list[dict[str, Any]]:
    by_month: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for v in visits:
        by_month[v.occurred.replace(day=1).isoformat()][v.code] += 1
    rows = []
    for month, codes in sorted(by_month.items()):
        row: dict[str, Any] = {"month": month, "visits": codes.total(), "codes": dict(sorted(codes.items()))}
        if policy:
            row["violations"] = sum(n for code, n in codes.items() if code in policy.violation)
            row["labelled"] = row["violations"] + sum(n for code, n in codes.items() if code in policy.none)
        rows.append(row)
    return rows
