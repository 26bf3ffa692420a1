"""Abnormal change 异常变更: several registered items or holders of an enterprise changed within days."""

from __future__ import annotations

from features.contract.codes import CHANGE_ITEM
from supervision.alerts.alert import Found
from supervision.alerts.events import newest, scanned
from supervision.alerts.moment import Moment
from supervision.alerts.policy import Bursts


def upheavals(moment: Moment, policy: Bursts) -> list[Found]:
    """Find enterprises with different items changed in days that seldom change."""
    begin = moment.begins("changes")
    if begin is None:
        return []
    seen = moment.seen("changes", "r.record_id, r.enterprise_id, r.occurred_at, r.item")
    # An item counts once: two entries of one change are no two changes.
    sql = f"""SELECT enterprise_id AS key, min(record_id) AS record_id, enterprise_id, occurred_at,
        min(first_known) AS known, item FROM ({seen}) JOIN ({moment.first("changes")}) USING (record_id)
        GROUP BY enterprise_id, occurred_at, item"""
    keys = f"SELECT DISTINCT enterprise_id AS key FROM ({moment.seen('registration', 'r.enterprise_id')})"
    rows = scanned(moment, sql, policy, begin, keys)
    places = moment.places(set(rows["enterprise_id"]))
    found = []
    for _, burst in rows.groupby("burst"):
        items = sorted(set(burst["item"]))
        if len(items) < policy.least:
            continue
        who = str(burst["enterprise_id"].iloc[0])
        first, last = burst["occurred_at"].min().date(), burst["occurred_at"].max().date()
        named = [CHANGE_ITEM.codes[item] for item in items]
        en = f"{len(items)} registered items changed from {first} to {last}: {', '.join(text for text, _ in named)}"
        zh = f"{first}至{last}变更{len(items)}项登记事项：{'、'.join(text for _, text in named)}"
        region, industry = places.get(who, ("", ""))
        records = tuple(sorted(f"changes:{record}" for record in burst["record_id"]))
        each = Found(
            "changes",
            (who,),
            region,
            industry,
            en,
            zh,
            records,
            records,
            float(burst["chance"].iloc[0]),
            policy.alpha,
            newest(burst),
        )  # fmt: skip
        found.append(each)
    return found
