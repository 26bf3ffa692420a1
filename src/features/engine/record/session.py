"""A session: prepared statements that answer for records without their province, again and again.

The texts are those of the province's run (`features.engine.plan`); `features.engine.record.prepared` plans each once.
Scans of tables without rows are not executed. Joins for replaced versions and for objections are left out of the text
where there are none. What differs between records (which tables are covered, from
when) is data, not text. Nothing of a record can be left for the next one, as nothing is stored.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from operator import itemgetter
from typing import Any

from features.catalogue.evidence import EVIDENCE, EVIDENCE_TABLES, by_rule_sql, hits_sql
from features.catalogue.relations import BASES, DERIVED, POPULATION, derived_sql
from features.catalogue.sectors import Own, Sector
from features.contract import TABLES
from features.engine.plan import packed_result_sql, plan, scan_sql, window_columns
from features.engine.record.prepared import Columns, Statements, Types, handed_on, literal
from features.policies import FeaturesPolicy, OutcomesPolicy
from features.records.visibility import MOMENT_TABLES, later_sql, unusable_sql, versions_sql

_KEYS = {"enterprise_id": "VARCHAR", "cutoff": "DATE"}
_HITS = {"pair": "INTEGER", "rule": "VARCHAR", "hit": "VARCHAR"}
_LEFT_OUT = {"cutoff": "DATE", "ref_table": "VARCHAR", "ref_record_id": "VARCHAR"}
_LOOKED_AT = sorted({table for tables in EVIDENCE_TABLES.values() for table in tables})
KEPT = 8
"""Idle sessions kept: as many calls at a time find one ready."""


class Session:
    """The statements of one set of policies; not for use by two threads at a time.

    Parameters
    ----------
    features, outcomes
        Policies that stand in the SQL.
    sector
        Whose indicators are computed besides.
    peers
        Recent peer rates, too.
    shortcuts
        Leave out what can find nothing. Without, everything is executed for every record, to the same result.
    """

    def __init__(
        self,
        features: FeaturesPolicy,
        outcomes: OutcomesPolicy,
        sector: Own | Sector | None = None,
        *,
        peers: bool = False,
        shortcuts: bool = True,
    ) -> None:
        self._plan, self._features = plan(features=features, sector=sector, peers=peers), features
        self._unusable = unusable_sql(repaired_feed=features.repaired_records_feed_indicators)
        self._shortcuts = shortcuts
        self._sources = self._plan.sources
        part = f"SELECT *, cutoff AS known_as_of{window_columns(self._plan.windows)} FROM asked"
        steps = {
            "part": part,
            "moments": "SELECT DISTINCT cutoff, known_as_of FROM part",
            "agg_evidence": by_rule_sql("SELECT pair, rule, hit FROM rule_hits"),
        }
        steps |= {f"rel_{relation}": derived_sql(relation, outcomes) for relation in DERIVED}
        steps |= {f"versions_{t}": versions_sql(t, f"({later_sql(t)})") for t in TABLES}
        self._plain_steps = {f"rel_{relation}": derived_sql(relation, outcomes, plain=True) for relation in DERIVED}
        self._result_steps = {"part": f"{part} JOIN covers USING (pair)"}
        self._statements = Statements(_given(self._sources, self._plan.wanted), steps)

    @property
    def sources(self) -> Sequence[str]:
        """Tables and relations whose coverage a pair states."""
        return self._sources

    @property
    def indicators(self) -> list[str]:
        """Names of the indicators, in the order of the result."""
        return [i.name for i in self._plan.indicators]

    def run(
        self,
        pairs: Sequence[tuple[str, date]],
        covered: Mapping[str, Sequence[date | None]],
        tables: Mapping[str, Columns],
        relations: Mapping[str, Columns],
    ) -> list[tuple[Any, ...]]:
        """Evaluate all indicators and the evidence.

        Parameters
        ----------
        pairs
            Different (enterprise_id, cutoff).
        covered
            For every name of `sources`, one day or None for each pair.
        tables, relations
            Rows by contract table, and by relation with ``cutoff``; only those that have any.

        Returns
        -------
        list
            One row for each pair, in their order: a list of numbers or None, one for each of `indicators`, and the
            cells of `features.catalogue.evidence.EVIDENCE`.
        """
        numbers = list(range(len(pairs)))
        asked = {"pair": numbers, **dict(zip(_KEYS, zip(*pairs, strict=True), strict=True))}
        given = {"asked": literal(asked)}
        given |= {f"raw_{name}": literal(rows) for name, rows in tables.items()}
        given |= {f"rel_{name}": literal(rows) for name, rows in relations.items()}
        everything, left_out = not self._shortcuts, bool(set(MOMENT_TABLES) & tables.keys())
        if everything or left_out:
            for name, sql in self._unusable.items():
                given[name] = handed_on(_LEFT_OUT, self._statements.rows(name, partial(str, sql), given))
        several = {t for t, rows in tables.items() if max(rows["version"]) > 1}

        def plain(table: str) -> bool:
            return not (everything or left_out or table in several)

        cells: dict[str, list[Any]] = {"pair": numbers}
        for source in self._plan.wanted:
            table = BASES[source][0] if source in DERIVED else source
            if everything or table in tables or table in relations:
                cells[source] = [None] * len(pairs)
                for pair, _, found in self._scanned(source, given, plain=plain(table)):
                    cells[source][pair] = found
        hits: list[tuple[Any, ...]] = []
        for table in _LOOKED_AT:
            if everything or table in tables:
                hits += self._hits(table, given, plain=plain(table))
        given["scanned"], given["rule_hits"] = literal(cells), handed_on(_HITS, hits)
        given["covers"] = literal({"pair": numbers} | {f"covers_{s}": covered[s] for s in self._sources})
        rows = self._statements.rows("result", self._result_sql, given, self._result_steps)
        return [row[1:] for row in sorted(rows, key=itemgetter(0))]

    def _scanned(self, source: str, given: Mapping[str, str], *, plain: bool) -> list[tuple[Any, ...]]:
        """Return the cells of the pairs that have a record: pair, source and list."""

        def sql() -> str:
            return scan_sql(source, self._plan.wanted[source], windows=self._plan.windows, plain=plain, packed=True)

        if plain:
            return self._statements.rows(f"plain_{source}", sql, given, self._plain_steps)
        return self._statements.rows(f"full_{source}", sql, given)

    def _hits(self, table: str, given: Mapping[str, str], *, plain: bool) -> list[tuple[Any, ...]]:
        """Return the records of a table that hit a rule: pair, rule and hit."""
        name = f"hits_{'plain' if plain else 'full'}_{table}"
        return self._statements.rows(name, lambda: hits_sql(self._features, table=table, plain=plain), given)

    def _result_sql(self) -> str:
        """SQL of the last step; its ``part`` knows what is covered."""
        covers = {s: f"c.covers_{s}" for s in self._sources}
        result = packed_result_sql(self._plan, covers, cells="scanned")
        return f"SELECT pair, [{', '.join(self.indicators)}] AS indicators, {', '.join(EVIDENCE)} FROM ({result})"

    def close(self) -> None:
        """Close the database."""
        self._statements.close()


def _given(sources: Sequence[str], scanned: Iterable[str]) -> dict[str, Types]:
    """Columns of what a run is given, and of what it hands on from one statement to the next."""
    raw = {f"raw_{t}": {c.name: c.sql_type for c in TABLES[t].columns} for t in TABLES}
    rel = {f"rel_{r}": _KEYS | dict(c.split() for c in columns.split(", ")) for r, columns in POPULATION.items()}
    pair = {"pair": "INTEGER"}
    return {
        "asked": pair | _KEYS,
        "covers": pair | {f"covers_{s}": "DATE" for s in sources},
        "scanned": pair | dict.fromkeys(scanned, "BIGINT[]"),
        "released": _LEFT_OUT,
        "unusable": _LEFT_OUT,
        "rule_hits": _HITS,
        **raw,
        **rel,
    }


_idle: dict[str, list[Session]] = {}
_lock = threading.Lock()


def forget() -> None:
    """Close all idle sessions: the next call starts with a new one."""
    with _lock:
        gone = [s for waiting in _idle.values() for s in waiting]
        _idle.clear()
    for one in gone:
        one.close()


@contextmanager
def session(
    features: FeaturesPolicy, outcomes: OutcomesPolicy, sector: Own | Sector | None = None, *, peers: bool = False
) -> Iterator[Session]:
    """Lend a session of these policies to one thread: an idle one, or a new one where all are lent."""
    key = "".join(policy.model_dump_json() for policy in (features, outcomes, sector) if policy) + str(peers)
    with _lock:
        waiting = _idle.setdefault(key, [])
        lent = waiting.pop() if waiting else None
    lent = lent or Session(features, outcomes, sector, peers=peers)
    try:
        yield lent
    except BaseException:
        lent.close()  # whatever went wrong inside it, nobody gets it again
        raise
    with _lock:
        waiting = _idle.setdefault(key, [])
        if len(waiting) < KEPT:
            waiting.append(lent)
            return
    lent.close()
