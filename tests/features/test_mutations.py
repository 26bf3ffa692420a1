"""Getting an indicator a little wrong is noticed by the records of the oracle test.

Each indicator is written wrong in every place where it can be: another edge or length of its window, a condition
dropped, turned or widened, another date, another value for 'none'. On the examples of `EXAMPLES` every wrong version
gives another value than the right one, and there the right one is the oracle's (`test_oracles`): so the oracle test
fails for each wrong version, except for the survivors listed here, which no records can tell from the right one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatch
from typing import Any

import pandas as pd
import pytest

from features.catalogue import CATALOGUE, RECENT, catalogue_of
from features.catalogue.declaration import Indicator
from features.catalogue.sectors import load_sector
from features.contract import TABLES
from features.engine.duckdb_engine import evaluate
from features.policies import features_policy
from features.records.store import open_frames
from features.scope import Scope
from helpers.mutations import mutants
from helpers.records import CUTOFF, ENTERPRISES, EXAMPLES, province

EVERY = catalogue_of(features_policy("hebei"), load_sector("hebei", "food"), peers=True)
"""The general indicators, recent peer rates and those of the worked example of a sector, with Hebei's numbers."""
CUTOFFS = (CUTOFF, date(2023, 7, 1), date(2023, 6, 30), date(2023, 6, 1))

_ONE_ENTRY = "an enterprise has one entry in the register, so the latest is the only one"
SURVIVORS = {
    "*rate_ratio_*, part 0: Max as Min": "an enterprise's peers have one rate ratio of a kind",
    "recent_*, part 0: Max as Min": "an enterprise has one row of recent peer rates",
    "nearby_*, part 0: Max as Min": "an enterprise has one row of what happened near it",
    "items_failed_change, part [024]: empty is 1": "with fewer than two visits it is 0",
    **{
        f"{name}, part *: {change}": _ONE_ENTRY
        for name in (
            "registered_capital", "corporate_owned", "state_held", "listed", "years_operating", "high_tech",
            "is_company", "is_branch", "has_credit_code", "in_liquidation", "large_capital_no_staff",
            "annual_reports_missed_3y",
        )
        for change in ("ArgMax as ArgMin", "known_at for occurred_at*")
    },
    "annual_reports_missed_3y, part 0: *": "this part is read for its coverage only, which test_oracles checks",
    "annual_reports_missed_3y, part [147]: empty is 0": "the other two years are missing too",
    "annual_reports_missed_3y, part [369]: not 1": "given twice is no less missed than given once",
    "revenue_change, part 0: empty is 0": "divided by zero or by nothing it is missing",
    "debt_ratio, part *: empty is 0": "without the one figure the other is not read either",
    "paid_in_ratio, part 2: empty is 1": "without such shares the denominator decides",
    "complaints_malicious_share_1y, part 1: empty is 1": "without complaints the numerator is 0",
    "clean_visits_2y, part 1: empty is 1": "without visits the first condition is false already",
    "food_law_share_*, part 0: only the left of and (2)": "code 3 is a violation, so a visit with it has an outcome",
    "food_samples_failed_share_2y, part 0: only the left of and (3)": "a sample that failed has a result",
}  # fmt: skip
"""Wrong versions that give the right values whatever the records, with the reason."""


def unnoticed(wrong: dict[str, Indicator]) -> dict[str, Indicator]:
    """The wrong versions that no example tells from the right ones."""
    for seed, records, edges in EXAMPLES:
        if not wrong:
            break
        names = {f"wrong_{k}": label for k, label in enumerate(wrong)}
        right = sorted({i.name for i in wrong.values()})
        with pytest.MonkeyPatch.context() as patch:
            for name, label in names.items():
                patch.setitem(CATALOGUE, name, replace(wrong[label], name=name))
            found = values(province(seed, records=records, edges=edges), [*right, *names])
        wrong = {label: wrong[label] for name, label in names.items() if found[name].equals(found[wrong[label].name])}
    return wrong


def values(
    tables: dict[str, pd.DataFrame],
    names: Sequence[str],
    *,
    known: date | None = None,
    mistake: tuple[str, str, str] | None = None,
) -> pd.DataFrame:
    """Indicators and evidence; with a mistake made in every statement that holds its first text."""
    store = open_frames(tables, {t: date(2000, 1, 1) for t in TABLES})
    con = Wrong(store.con, *mistake) if mistake else store.con
    store.con = con  # type: ignore[assignment]
    try:
        pairs = pd.DataFrame([(e, c) for e in ENTERPRISES for c in CUTOFFS], columns=["enterprise_id", "cutoff"])
        found = evaluate(store, pairs, Scope("hebei", known_as_of=known, names=names, sector="food"))
    finally:
        store.close()
    assert not isinstance(con, Wrong) or con.times, "the SQL has changed: write this mistake anew"
    return found


@pytest.mark.long
def test_every_wrong_version_of_an_indicator_is_noticed() -> None:
    wrong = {label: m for i in EVERY.values() for label, m in mutants(i).items()}
    assert len(wrong) > 8 * len(EVERY)
    assert {label.partition(",")[0].partition(":")[0] for label in wrong} == set(EVERY)
    left = unnoticed(wrong)
    unexpected = [label for label in left if not any(fnmatch(label, pattern) for pattern in SURVIVORS)]
    assert not unexpected, "\n".join(unexpected)
    idle = [pattern for pattern in SURVIVORS if not any(fnmatch(label, pattern) for label in left)]
    assert idle == [], "listed as a survivor, but noticed or gone"


class Wrong:
    """A connection that gets one piece of SQL wrong and counts how often."""

    def __init__(self, con: Any, statement: str, right: str, wrong: str) -> None:
        self._con, self._statement, self._right, self._wrong = con, statement, right, wrong
        self.times = 0

    def _mistaken(self, sql: str) -> str:
        if self._statement in sql:
            sql, times = re.subn(self._right, self._wrong, sql)
            self.times += times
        return sql

    def execute(self, sql: str, *arguments: Any) -> Any:
        return self._con.execute(self._mistaken(sql), *arguments)

    def sql(self, sql: str) -> Any:
        return self._con.sql(self._mistaken(sql))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


SEEN = [
    ("known on the day", "", r"r\.known_at < ", "r.known_at <= "),
    ("replaced on the day", "", r"r\.known_until >= ", "r.known_until > "),
    ("replaced versions too", "", r"r\.known_until IS NULL OR", "TRUE OR"),
    ("unusable states too (H11.1, .3, .5)", "", r"r\.record_state = 'active'", "TRUE"),
    ("objections are no matter (H11.4)", "TABLE unusable", r"r\.state = 'open'", "FALSE"),
    ("settled objections matter", "TABLE unusable", r"r\.state = 'open'", "TRUE"),
    ("repairs are no matter", "TABLE unusable", r"r\.state = 'granted'", "FALSE"),
    ("repairs that are only applied for", "TABLE unusable", r"r\.state = 'granted'", "TRUE"),
    ("repairs don't end direct effects", "TABLE released", r"r\.state = 'granted'", "FALSE"),
    ("an exclusion of another table", "", r"u\.ref_table = '\w+' AND ", ""),
    ("an exclusion of another moment", "", r" AND u\.cutoff = c\.cutoff", ""),
]
NEIGHBOURS = [
    ("posts of any kind", "links AS", "role = 'legal_representative'", "TRUE"),
    ("own posts of any kind", "TABLE via_people", "role = 'legal_representative'", "TRUE"),
    ("own posts that ended", "TABLE via_people", "WHERE now", "WHERE TRUE"),
    ("own shares that ended", "TABLE via_holders", "WHERE now", "WHERE TRUE"),
    ("holders of any kind", "TABLE via_holders", r"AND holder_kind IN \([^)]*\)", ""),
    ("investors of any kind", "links AS", "holder_kind = 'enterprise'", "TRUE"),
    ("links that ended", "links AS", r"(?<!AS )\bnow\b", "TRUE"),
    ("its own neighbour", "links AS", "WHERE other_id <> enterprise_id", ""),
    ("an end on the day", "links AS", r"r\.ended_on >= c\.cutoff", "r.ended_on > c.cutoff"),
    ("a list's end on the day", "TABLE states", r"r\.ended_on >= c\.cutoff", "r.ended_on > c.cutoff"),
    ("lists that ended", "TABLE states", r"\(r\.ended_on IS NULL OR r\.ended_on >= c\.cutoff\)", "TRUE"),
    ("any status", "TABLE states", r"r\.status = 'revoked'", "TRUE"),
    ("debtors are blacklisted", "TABLE states", r"r\.list_kind <> 'judgment_debtor'", "TRUE"),
    ("blacklisted are debtors", "TABLE states", r"r\.list_kind = 'judgment_debtor'", "TRUE"),
    ("another month of penalties", "TABLE states", "INTERVAL 36 MONTH", "INTERVAL 37 MONTH"),
    ("penalties after the edge", "TABLE states", r"r\.occurred_at >= ", "r.occurred_at > "),
    ("neighbours outside the cohort lead nowhere", "TABLE outside AS", "WHERE NOT", "WHERE FALSE AND NOT"),
    ("paths back to itself", "TABLE rel_two_hop", r"d\.n - CAST\(back.other_id IS NOT NULL", "d.n - CAST(FALSE"),
    ("bad paths back to itself", "TABLE rel_two_hop", r"own\.enterprise_id IS NOT NULL", "FALSE"),
    ("good paths back to itself", "TABLE rel_two_hop", r"own\.enterprise_id IS NOT NULL", "TRUE"),
    ("itself at its address", "TABLE rel_cluster", r"\.n - 1", ".n"),
    ("founded on any day", "TABLE rel_cluster", r"AND same_day\.occurred_at = p\.occurred_at", ""),
    ("every visit weighs the same", "TABLE rated", r"1000000000 // d\.probability_ppm", "1000"),
    ("targeted visits too", "TABLE rated", r"v\.arm = 'random'", "TRUE"),
    ("another month of visits", "TABLE rated", "INTERVAL 12 MONTH", "INTERVAL 13 MONTH"),
    ("visits after the edge", "TABLE rated", r"v\.occurred_at >= ", "v.occurred_at > "),
    ("a visit more to shrink by", "TABLE ratios", r"\b20 \* m", "21 * m"),
    ("not shrunk", "TABLE ratios", r"\b20 \* m", "0 * m"),
    ("a visit less before the rest's", "TABLE ratios", r"\b9 \* m", "8 * m"),
    ("the rest's rate as it is", "TABLE ratios", r"\(y_r \+ m\)", "y_r"),
    ("the group among the rest", "TABLE ratios", r"p\.w - g\.w AS w_r", "p.w AS w_r"),
    ("the group's finds among the rest's", "TABLE ratios", r"p\.y - g\.y", "p.y"),
    ("no rest is nothing found", "TABLE ratios", "THEN 1000000", "THEN 0"),
    ("unseen peers are nothing found", "TABLE ratios", "NULL, 1000000", "NULL, 0"),
    ("a visit halves evenly, not by steps", "TABLE recent_own", r"age % 30", "0"),
    ("no visit ever weighs half", "TABLE recent_own", r"1 << CAST\(age // 30 AS INTEGER\)", "1"),
    ("a shorter half-life", "TABLE recent_own", r"age // 600", "age // 500"),
    ("its own visits are among the rest's", "TABLE recent_sums", r" - CAST\(coalesce\(o\.", " - CAST(0 * coalesce(o."),
    ("recent rates not shrunk", "TABLE rel_recent", r"\b20000000\b", "1"),
    ("a visit less to shrink its own by", "TABLE rel_recent", r" 9000000 \* address", " 8000000 * address"),
    ("a visit less before the level of all", "TABLE rel_recent", r"\+ 9000000 AS level", "+ 8000000 AS level"),
    ("nothing found before the level of all", "TABLE rel_recent", r"\+ 1000000 AS level", "+ 1 AS level"),
    ("another month of events", "TABLE happened", "INTERVAL 3 MONTH", "INTERVAL 4 MONTH"),
    ("events after the edge", "TABLE happened", r"occurred_at >= ", "occurred_at > "),
    ("a distance on the edge", "TABLE around", r"squared <= ", "squared < "),
    ("nothing from the squares in the east", "TABLE around", r"SELECT 1 AS dx, 0 AS dy", "SELECT 7 AS dx, 0 AS dy"),
    ("nothing from the squares in the south-west", "TABLE around", r"SELECT -1 AS dx, -1 AS", "SELECT 7 AS dx, 7 AS"),
    ("crimes of any kind", "TABLE around", r" AND kind = 'crime'", ""),
    ("where it was first", "TABLE located", "ORDER BY occurred_at DESC", "ORDER BY occurred_at"),
    ("items in order too", "TABLE rel_item_visits", r"result = 'failed'", "TRUE"),
    ("critical is any severity", "TABLE rel_item_visits", r" AND severity = 'critical'", ""),
    ("code E is no violation", "TABLE rel_visits", "'E', ", ""),
    ("code 6 is no violation", "TABLE rel_visits", "'6', ", ""),
    ("no code is none found", "TABLE rel_visits", "THEN NULL WHEN", "THEN 0 WHEN"),
]
RULES = [
    ("another month", "TABLE agg_evidence", "INTERVAL 36 MONTH", "INTERVAL 37 MONTH"),
    ("another month of news", "TABLE agg_evidence", "INTERVAL 3 MONTH", "INTERVAL 4 MONTH"),
    ("after the edge", "TABLE agg_evidence", r"r\.occurred_at >= ", "r.occurred_at > "),
    ("ended after the edge", "TABLE agg_evidence", r"r\.ended_on >= CAST", "r.ended_on > CAST"),
    ("an end on the day", "TABLE agg_evidence", r"r\.ended_on >= c\.cutoff", "r.ended_on > c.cutoff"),
    ("revoked from later on", "TABLE agg_evidence", r"AND r\.ended_on < c\.cutoff", ""),
    ("any authority", "TABLE agg_evidence", r"r\.authority_kind = 'market_regulation'", "TRUE"),
    ("any penalty", "TABLE agg_evidence", "'suspension'", "'fine'"),
    ("any end of a licence", "TABLE agg_evidence", r"r\.licence_status = 'revoked'", "TRUE"),
    ("any tone", "TABLE agg_evidence", r"r\.tone = 'negative'", "TRUE"),
    ("any attention", "TABLE agg_evidence", r"r\.attention = 'high'", "TRUE"),
    ("not confirmed", "TABLE agg_evidence", r"AND r\.confirmed", ""),
    ("debtors are blacklisted", "TABLE agg_evidence", r"r\.list_kind <> 'judgment_debtor'", "TRUE"),
    ("blacklisted are debtors", "TABLE agg_evidence", r"r\.list_kind = 'judgment_debtor'", "TRUE"),
]
OF_RELATIONS = [n for n, i in {**CATALOGUE, **RECENT}.items() if not set(i.tables) <= set(TABLES)]
"""Indicators that read a relation: what they say depends on more SQL than their own."""


@pytest.fixture(scope="module")
def right_answers() -> list[tuple[dict[str, pd.DataFrame], pd.DataFrame]]:
    found = []
    chosen = [EXAMPLES[k] for k in (2, 4, 6, 0, 1, 5, -1, -2, 14, 19, 24, 28, 30, 33, 36, 39)]
    chosen += [(k, 40, (date(2022, 12, 15),)) for k in (70, 71)]  # the month before the last twelve
    for seed, records, edges in chosen:
        tables = province(seed, records=records, edges=edges)
        found.append((tables, values(tables, OF_RELATIONS)))
    return found


@pytest.mark.long
@pytest.mark.parametrize(
    ("statement", "right", "wrong"), [pytest.param(*c[1:], id=c[0]) for c in SEEN + NEIGHBOURS + RULES]
)
def test_what_is_seen_and_who_is_near_and_which_rule_is_hit_wrong_is_noticed(
    statement: str, right: str, wrong: str, right_answers: list[tuple[dict[str, pd.DataFrame], pd.DataFrame]]
) -> None:
    for tables, expected in right_answers:
        if not values(tables, OF_RELATIONS, mistake=(statement, right, wrong)).equals(expected):
            return
    pytest.fail("no example notices it")


@pytest.mark.long
def test_a_record_of_the_day_itself_is_noticed_with_later_knowledge() -> None:
    """Known before the cut-off it can't be: only re-computing with later knowledge shows it."""
    tables, later = province(EXAMPLES[0][0], records=60, edges=(CUTOFF,)), date(2026, 1, 1)
    right = values(tables, OF_RELATIONS, known=later)
    wrong = values(tables, OF_RELATIONS, known=later, mistake=("", r"r\.occurred_at < ", "r.occurred_at <= "))
    assert not right.equals(wrong)
