"""Abnormal registration 异常注册: batches at one address, by one person or agent, within days."""

from __future__ import annotations

import pandas as pd

from supervision.alerts.alert import Found
from supervision.alerts.events import newest, scanned
from supervision.alerts.moment import Moment
from supervision.alerts.policy import Bursts

LINKS = {"address": ("address", "地址"), "person": ("person", "人员"), "agent": ("agent", "代理机构")}


def batches(moment: Moment, policy: Bursts) -> list[Found]:
    """Find batches of registrations; one that shares address, person and agent is one finding.

    The address and agent are those of the first version: a firm that moved was registered where it was registered.
    """
    cut = moment.cutoff
    entered = f"""SELECT s.record_id, s.enterprise_id, s.occurred_at, f.known, f.address_id, f.agent_id
        FROM ({moment.seen("registration", "r.record_id, r.enterprise_id, r.occurred_at")}) s
        JOIN (SELECT record_id, min(known_at) AS known, arg_min(address_id, version) AS address_id,
            arg_min(agent_id, version) AS agent_id FROM raw_registration WHERE known_at < DATE '{cut}'
            GROUP BY record_id) f USING (record_id)"""
    moment.store.con.execute(f"CREATE OR REPLACE TEMP TABLE entered AS {entered}")
    plain = "record_id, enterprise_id, occurred_at, known, '' AS item FROM entered"
    posts = moment.seen("persons_roles", "r.enterprise_id, r.person_id, r.occurred_at AS since, r.record_id AS post")
    people = f"""SELECT DISTINCT p.person_id AS key, e.record_id, e.enterprise_id, e.occurred_at, e.known, '' AS item
        FROM entered e JOIN ({posts}) p ON p.enterprise_id = e.enterprise_id
        AND p.since <= e.occurred_at + {policy.window_days}"""
    found = {
        "address": f"SELECT address_id AS key, {plain}",
        "person": people,
        "agent": f"SELECT agent_id AS key, {plain}",
    }
    parts = [rows.assign(link=link) for link, sql in found.items() if len(rows := scanned(moment, sql, policy, None))]
    return _merged(moment, pd.concat(parts, ignore_index=True), policy) if parts else []


def _merged(moment: Moment, rows: pd.DataFrame, policy: Bursts) -> list[Found]:
    """Join bursts that share half of the smaller one's registrations: two links of one batch."""
    groups: list[tuple[set[str], pd.DataFrame]] = []
    ordered = sorted(rows.groupby(["link", "burst"]), key=lambda each: (-len(each[1]), each[0]))
    for _, burst in ordered:
        ids = set(burst["record_id"])
        for number, (held, joined) in enumerate(groups):
            if 2 * len(held & ids) >= min(len(held), len(ids)):
                groups[number] = (held | ids, pd.concat([joined, burst]))
                break
        else:
            groups.append((ids, burst))
    places = moment.places(set(rows["enterprise_id"]))
    return [_found(joined, places, policy) for _, joined in groups]


def _found(rows: pd.DataFrame, places: dict[str, tuple[str, str]], policy: Bursts) -> Found:
    links = [name for name in LINKS if name in set(rows["link"])]
    firms = tuple(sorted(set(rows["enterprise_id"])))
    first, last = rows["occurred_at"].min().date(), rows["occurred_at"].max().date()
    spots = sorted({places.get(firm, ("", "")) for firm in firms})
    regions, trades = sorted({r for r, _ in spots}), sorted({i for _, i in spots})
    records = tuple(sorted({f"registration:{record}" for record in rows["record_id"]}))
    en = f"{len(firms)} enterprises registered from {first} to {last} by the same {' and '.join(links)}" + (
        "" if len(regions) < 2 else f", in {len(regions)} districts"
    )
    zh = f"{first}至{last}有{len(firms)}户企业以同一{'、'.join(LINKS[link][1] for link in links)}登记"
    return Found(
        "registration", firms, regions[0], trades[0] if len(trades) == 1 else "", en, zh, records, records,
        float(rows["chance"].min()), policy.alpha, newest(rows),
    )  # fmt: skip
