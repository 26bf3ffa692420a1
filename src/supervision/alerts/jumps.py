"""Sudden jumps of score 风险分突增 between published months: what new records and corrections did, not a new model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.records.visibility import seen_sql
from serving.ledger.place import check_month
from serving.ledger.read import Ledger, Month
from supervision.alerts.alert import Found
from supervision.alerts.moment import Moment
from supervision.alerts.policy import Jumps, Level

TABLES = (
    "abnormal_list", "serious_list", "blacklists", "penalties", "inspections", "lawsuits", "product_samples",
    "complaints", "public_opinion", "changes", "encumbrances", "recalls",
)  # fmt: skip
"""Records that may stand behind a jump."""
RISE = "score - previous_score - coalesce(moved_model, 0) - coalesce(moved_policy, 0)"


def jumps(moment: Moment, ledger: Ledger, month: str, policy: Jumps) -> list[Found]:
    """Find enterprises whose score jumped in a published month.

    The null is empirical: falls of the month, mirrored, and rises of the months published before it.

    Raises
    ------
    LedgerError
        If the month is not published.
    """
    now, before = ledger.month(month), ledger.before(month)
    if before is None:
        return []
    rises = _rises(moment, now)
    quiet = [-rises["rise"].to_numpy(), *(_rises(moment, ledger.months[m])["rise"].to_numpy()
             for m in ledger.months if m < month)]  # fmt: skip
    null = np.sort(np.concatenate(quiet))[::-1]
    allowed = int(policy.alpha * len(null))
    threshold = max(policy.least_points, float(null[min(allowed, len(null) - 1)]) if len(null) else 0.0)
    hit = rises[rises["rise"] > threshold]
    # How many of the null rise so far: never said to be less than one.
    above = np.searchsorted(-null, -hit["rise"].to_numpy(), side="right") + 1
    hit = hit.assign(chance=np.minimum(above / (len(null) + 1), policy.alpha))
    since = max(moment.since, check_month(before.month)) if before else moment.since
    return _found(moment, hit, now, since, policy)


def _rises(moment: Moment, month: Month) -> pd.DataFrame:
    return moment.frame(
        f"""SELECT enterprise_id, {RISE} AS rise, score, previous_score, grade, previous_grade,
        coalesce(region, '') AS region, coalesce(industry, '') AS industry FROM {month.latest_sql()}
        WHERE previous_score IS NOT NULL AND score IS NOT NULL ORDER BY enterprise_id"""
    )


def _level(before: str, now: str) -> Level:
    """Return how grave a jump is: an empirical null of a few months can't tell one chance in a million."""
    if now == "D" and before != "D":
        return "serious"
    return "warning" if now > before and now >= "C" else "attention"


def _found(moment: Moment, hit: pd.DataFrame, month: Month, since: object, policy: Jumps) -> list[Found]:
    if hit.empty:
        return []
    moment.store.con.register("asked_jumps", hit[["enterprise_id"]])
    each = [
        f"""SELECT s.enterprise_id, '{table}:' || s.record_id AS record, s.known_at AS known
        FROM ({seen_sql(table, keys="moments", on=None, columns="r.enterprise_id, r.record_id, r.known_at")}) s
        SEMI JOIN asked_jumps USING (enterprise_id) WHERE s.known_at >= DATE '{since}'"""
        for table in TABLES
    ]
    records = moment.frame(f"{' UNION ALL '.join(each)} ORDER BY 1, 2")
    moment.store.con.unregister("asked_jumps")
    named, newest = (
        records.groupby("enterprise_id")["record"].agg(list),
        records.groupby("enterprise_id")["known"].max(),
    )
    found = []
    for row in hit.to_dict("records"):
        who = str(row["enterprise_id"])
        if who not in newest.index or newest[who].date() < moment.since:
            continue  # nothing new is known of it: it aged out of a window, which is no warning
        core = f"ledger:{month.month}/{who}"
        en = (
            f"score {row['previous_score']:.0f} → {row['score']:.0f} ({row['previous_grade']} → {row['grade']})"
            f" in {month.month}; new records add {row['rise']:.0f} points"
        )
        classes = f"（{row['previous_grade']}→{row['grade']}）"
        zh = f"{month.month}风险分由{row['previous_score']:.0f}升至{row['score']:.0f}{classes}"
        jump = Found(
            "jumps",
            (who,),
            str(row["region"]),
            str(row["industry"]),
            en,
            zh,
            (core, *named[who]),
            (core,),
            float(row["chance"]),
            policy.alpha,
            str(newest[who].date()),
            level=_level(str(row["previous_grade"]), str(row["grade"])),
        )  # fmt: skip
        found.append(jump)
    return found
