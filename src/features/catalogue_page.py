"""``docs/indicators.md``, generated from the catalogue: ``python -m features.catalogue_page [FILE]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from features.catalogue import CATALOGUE
from features.declare import FAMILIES, GROUPS, Indicator
from features.evidence import EVIDENCE, EVIDENCE_TABLES
from features.relations import BASES, LOOKS_INTO

_INTRODUCTION = """\
# The indicators

Generated from the catalogue by `python -m features.catalogue_page`; a test keeps the two equal. `fenlei indicators
NAME --sql` shows the SQL of one.

- A value is for one enterprise at one cut-off, from what was known before it: of each record the latest version with
  `known_at` before the cut-off. Windows are `[cut-off - w, cut-off)` over `occurred_at`; an indicator without a window
  reads all history. Records that H11 excludes (revoked, unlawful, wrong, objected to, barred) are not read, nor are
  repaired ones unless the province's `features.toml` says so.
- *risk* is the direction that the model is held to: ↑ more of it raises the risk, ↓ lowers it, ~ either way.
- *missing when*: where the source has the tables an indicator needs and they cover its window, no record means the
  value for nothing found (mostly 0; 3650 days stand for never). Where not, the value is missing: *not covered*. Some
  are missing, besides, when no record gives the value. A table in brackets is looked into, but not needed.
- [K] marks a number that is our assumption.
"""

_ARROWS = {"raises": "↑", "lowers": "↓", "either": "~"}


def tables_read(indicator: Indicator) -> tuple[str, ...]:
    """Return the contract tables whose coverage decides whether an indicator has a value, sorted."""
    return tuple(sorted({base for source in indicator.tables for base in BASES.get(source, (source,))}))


def looked_into(indicator: Indicator) -> tuple[str, ...]:
    """Return the contract tables it reads besides, sorted."""
    more = {table for source in indicator.tables for table in LOOKS_INTO.get(source, ())}
    return tuple(sorted(more - set(tables_read(indicator))))


def may_be_empty(indicator: Indicator) -> bool:
    """Return whether it can be missing although its tables are there."""
    return any(a.empty is None for a in indicator.formula.parts) or "THEN NULL" in indicator.formula.template


def render_page() -> str:
    """Return the whole text of ``docs/indicators.md``."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    groups = sum(len(g) for g in GROUPS.values())
    yield _INTRODUCTION
    yield f"{len(CATALOGUE)} indicators in {groups} groups of {len(FAMILIES)} families (SAMR (4))."
    yield ""
    yield "| family | 中文 | groups | indicators | ↑ | ↓ | ~ |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for family, zh in FAMILIES.items():
        ours = [i for i in CATALOGUE.values() if i.family == family]
        counts = [str(sum(1 for i in ours if i.direction == d)) for d in _ARROWS]
        yield f"| [{family}](#{family}) | {zh} | {len(GROUPS[family])} | {len(ours)} | {' | '.join(counts)} |"
    yield ""
    for family, members in groupby(CATALOGUE.values(), key=lambda i: i.family):
        yield f"## {family}"
        yield ""
        yield FAMILIES[family]
        yield ""
        for group, indicators in groupby(members, key=lambda i: i.group):
            yield f"### {group} {GROUPS[family][group]}"
            yield ""
            yield "| indicator | 中文 | risk | unit | window | missing when | tables | policy | definition |"
            yield "|---|---|:-:|---|---|---|---|---|---|"
            for indicator in indicators:
                yield _row(indicator)
            yield ""
    yield from _evidence()


def _row(indicator: Indicator) -> str:
    needed, more = tables_read(indicator), looked_into(indicator)
    tables = ", ".join(_link(t) for t in needed) + (f" ({', '.join(_link(t) for t in more)})" if more else "")
    cells = (
        f"`{indicator.name}`",
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


def main(arguments: list[str]) -> None:
    """Write the page to the named file, or to ``docs/indicators.md`` of the checkout."""
    default = Path(__file__).parents[2] / "docs" / "indicators.md"
    target = Path(arguments[0]) if arguments else default
    target.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
