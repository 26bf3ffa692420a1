"""``docs/indicators.md``, generated from the catalogue: ``python -m features.catalogue.page [FILE]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from features.catalogue import CATALOGUE, RECENT, catalogue_of
from features.catalogue.bounds import bounds_of
from features.catalogue.declaration import FAMILIES, GROUPS, Indicator
from features.catalogue.evidence import EVIDENCE, EVIDENCE_TABLES
from features.catalogue.relations import tables_read
from features.catalogue.sectors import Place, Sector, load_place, load_sector, sector_names
from features.policies import Thresholds, features_policy

_INTRODUCTION = """\
# The indicators

Generated from the catalogue by `python -m features.catalogue.page`; a test keeps the two equal. `fenlei indicators
NAME --sql` shows the SQL of one.

- A value is for one enterprise at one cut-off, from what was known before it: of each record the latest version with
  `known_at` before the cut-off. Windows are `[cut-off - w, cut-off)` over `occurred_at`; an indicator without a window
  reads all history. Records that H11 excludes (revoked, unlawful, wrong, objected to, barred) are not read, nor are
  repaired ones unless the province's `features.toml` says so.
- *risk* is the direction that the model is held to: ↑ more of it raises the risk, ↓ lowers it, ~ either way.
- *missing when*: where the source has the tables an indicator needs and they cover its window, no record means the
  value for nothing found (mostly 0; 3650 days stand for never). Where not, the value is missing: *not covered*. A
  window may lack the few days that `features.toml` tolerates (`uncovered_days_a_year`). Some are missing, besides,
  when no record gives the value; and all are, where the source's register does not have the enterprise at the cut-off.
  Tables that only other enterprises' records are read from (neighbours, peers) count among an indicator's tables.
- Numbers in the definitions are Hebei's; `features.toml` gives each province its own (see [Thresholds](#thresholds)).
- A sector adds indicators by a file (see [Sectors](#sectors)); without `--sector` they are not computed. A place adds
  those of its map (see [Places](#places)).
"""

PROVINCE = "hebei"
"""Whose numbers and sectors the page shows."""

PLACES = ("chicago_table", "miyun")
"""Places whose maps the page shows."""

_HEAD = (
    "| indicator | English | 中文 | risk | unit | window | missing when | tables | policy | definition |",
    "|---|---|---|:-:|---|---|---|---|---|---|",
)
_ARROWS = {"raises": "↑", "lowers": "↓", "either": "~"}


def may_be_empty(indicator: Indicator) -> bool:
    """Return whether it can be missing although its tables are there."""
    return any(a.empty is None for a in indicator.formula.parts) or "THEN NULL" in indicator.formula.template


def render_page() -> str:
    """Return the whole text of ``docs/indicators.md``."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    groups = sum(len(g) for g in GROUPS.values())
    features = features_policy(PROVINCE)
    general = catalogue_of(features)
    yield _INTRODUCTION.rstrip()
    yield from _values(general)
    yield ""
    yield f"{len(general)} indicators in {groups} groups of {len(FAMILIES)} families (SAMR (4))."
    yield ""
    yield "| family | 中文 | groups | indicators | ↑ | ↓ | ~ |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for family, zh in FAMILIES.items():
        ours = [i for i in general.values() if i.family == family]
        counts = [str(sum(1 for i in ours if i.direction == d)) for d in _ARROWS]
        yield f"| [{family}](#{family}) | {zh} | {len(GROUPS[family])} | {len(ours)} | {' | '.join(counts)} |"
    yield ""
    for family, members in groupby(general.values(), key=lambda i: i.family):
        yield f"## {family}"
        yield ""
        yield FAMILIES[family]
        yield ""
        for group, indicators in groupby(members, key=lambda i: i.group):
            yield f"### {group} {GROUPS[family][group]}"
            yield ""
            yield from _HEAD
            for indicator in indicators:
                yield _row(indicator)
            yield ""
    yield from _evidence()
    yield ""
    yield from _thresholds(features.thresholds, general)
    yield ""
    yield "## Recent peer rates"
    yield ""
    yield "What visits found lately: in its trade, and ever nearer to the enterprise, each rate shrunken into the one"
    yield "before. Computed only where asked for (`--peers`, `peers = true` in an experiment, or by name): they also"
    yield "tell who inspects where."
    yield ""
    yield from _HEAD
    for recent in RECENT.values():
        yield _row(recent.bound(features.thresholds))
    yield ""
    yield "## Sectors"
    yield ""
    yield "A sector (SAMR (4), (9); HB 14, 15) takes the enterprises of the general cohort that have any of the rows"
    yield "named, as known at the cut-off, and adds these indicators behind the general ones. The general class"
    yield "does not replace a sector's own grade."
    yield ""
    for name in sector_names(PROVINCE):
        yield from _sector(load_sector(PROVINCE, name))
    yield "## Places"
    yield ""
    yield "A place whose `province.toml` names a map ([maps.md](maps.md)) has, behind the general indicators, those of"
    yield "the map's measures and events: of each measure the last, mean and worst and the visits that gave it, of each"
    yield "kind of event how many and how long ago."
    yield ""
    for name in PLACES:
        if place := load_place(name):
            yield from _place(name, place)


def _values(general: Mapping[str, Indicator]) -> Iterator[str]:
    """Say what values can be: by unit, and where the unit alone does not tell."""
    yield "- A value can be what its unit can: a flag 0 or 1, a share from 0 to 1, a count or an amount a whole number"
    yield "  of at least 0, years and ratios any number of at least 0; the service refuses others. What differs:"
    others: dict[str, list[str]] = {}
    for i in general.values():
        if i.bounds != bounds_of(i.unit):
            others.setdefault(str(i.bounds), []).append(f"`{i.name}`")
    told = [f"{', '.join(names)} ({bounds})" for bounds, names in others.items()]
    yield from (f"  {line}," for line in told[:-1])
    yield from (f"  {line}." for line in told[-1:])


def _row(indicator: Indicator) -> str:
    tables = ", ".join(_link(t) for t in tables_read(indicator.formula.parts))
    cells = (
        f"`{indicator.name}`",
        indicator.en,
        indicator.zh,
        _ARROWS[indicator.direction],
        indicator.unit,
        indicator.window,
        "not covered, or no value" if may_be_empty(indicator) else "not covered",
        tables,
        indicator.policy,
        " ".join(indicator.doc.split()).replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def _link(table: str) -> str:
    return f"[`{table}`](../data/README.md#{table})"


def _evidence() -> Iterator[str]:
    yield "## Evidence for direct determinations"
    yield ""
    yield "Columns beside the indicators: the records that hit a rule of HB 12 or 13, as `table:record_id`, sorted"
    yield "and joined by `;`. Empty: none does; missing: a table of the rule is not there. Repair ends the effect"
    yield "(SC (13)), an open objection suspends it (HB 11(4))."
    yield ""
    yield "| column | records that hit it | tables |"
    yield "|---|---|---|"
    for column, text in EVIDENCE.items():
        tables = ", ".join(_link(t) for t in EVIDENCE_TABLES[column])
        yield f"| `{column}` | {text} | {tables} |"


def _thresholds(thresholds: Thresholds, general: Mapping[str, Indicator]) -> Iterator[str]:
    yield "## Thresholds"
    yield ""
    yield "Numbers of `data/policies/<province>/features.toml` that stand in definitions, with Hebei's values; the file"
    yield "says which of them are our assumption [K]."
    yield ""
    yield "| threshold | value | indicators |"
    yield "|---|---:|---|"
    for name, value in thresholds.model_dump().items():
        users = ", ".join(f"`{i}`" for i in general if name in CATALOGUE[i].thresholds)
        yield f"| `{name}` | {value} | {users} |"


def _place(name: str, place: Place) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield from _HEAD
    for indicator in place.catalogue.values():
        yield _row(indicator)
    yield ""


def _sector(sector: Sector) -> Iterator[str]:
    yield f"### {sector.name} {sector.zh}"
    yield ""
    yield f"{sector.policy}. Who belongs:"
    yield ""
    for rows in sector.cohort:
        yield f"- {_link(rows.table)}: `{' AND '.join(rows.conditions()) or 'any row'}`"
    yield ""
    yield f"{len(sector.catalogue)} indicators:"
    yield ""
    yield from _HEAD
    for indicator in sector.catalogue.values():
        yield _row(indicator)
    yield ""


def main(arguments: list[str]) -> None:
    """Write the page to the named file, or to ``docs/indicators.md`` of the checkout."""
    default = Path(__file__).parents[3] / "docs" / "indicators.md"
    target = Path(arguments[0]) if arguments else default
    target.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
