"""Abnormal growth of complaints 投诉举报异常增长: against the firm's past, its size and the season.

Malicious campaigns are discounted by what became of complaints: those rejected don't count, and open ones count as far
as the firm's settled ones of the window, and the province's swarms, were not rejected. Who complains is not in the
contract.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from supervision.alerts.alert import Found
from supervision.alerts.growth import grown, windows_of
from supervision.alerts.moment import Moment
from supervision.alerts.policy import Complaints


def complaints(moment: Moment, policy: Complaints) -> list[Found]:
    """Find enterprises with more complaints than chance brings."""
    begin = moment.begins("complaints")
    base, quiet = windows_of((moment.cutoff - begin).days if begin else 0, policy)
    if base < 2:
        return []
    rejected = ", ".join(f"'{code}'" for code in policy.rejected) or "''"
    reach = (base + quiet + 1) * policy.window_days
    seen = moment.seen("complaints", "r.record_id, r.enterprise_id, r.outcome")
    moment.store.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE complained AS SELECT record_id, enterprise_id, first_known AS known,
        outcome IN ({rejected}) AS rejected, outcome = 'pending' AS pending,
        (DATE '{moment.cutoff}' - 1 - first_known) // {policy.window_days} AS back
        FROM ({seen}) JOIN ({moment.first("complaints")}) USING (record_id)
        WHERE first_known >= DATE '{moment.days_before(reach)}'"""
    )
    counts = moment.frame(
        """SELECT enterprise_id AS cell, back AS "window", count(*) FILTER (NOT rejected AND NOT pending) AS held,
        count(*) FILTER (rejected) AS rejected, count(*) FILTER (pending) AS pending FROM complained
        GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    counts["n"] = _weighed(counts, policy)
    found = grown(counts, _cells(moment, policy), policy, base=base, quiet=quiet)
    return _found(moment, found.cells, counts, found.threshold, policy)


def _weighed(counts: pd.DataFrame, policy: Complaints) -> NDArray[np.int64]:
    """Return complaints that count: all that were not rejected, and of the open ones the share that will not be.

    The share is the firm's in the window, drawn towards the province's: that of other swarms for a swarm, since most
    of those are campaigns, and that of single complaints for the rest.
    """
    settled = counts["held"] + counts["rejected"]
    swarm = settled + counts["pending"] >= policy.least
    usual = pd.Series(1.0, index=counts.index)
    for each in (swarm, ~swarm):
        # One complaint rejected and one not, before any is known.
        usual[each] = (int(counts.loc[each, "held"].sum()) + 1) / (int(settled[each].sum()) + 2)
    share = (counts["held"] + policy.prior * usual) / (settled + policy.prior)
    return np.asarray(counts["held"] + np.floor(counts["pending"] * share + 1e-9), dtype=np.int64)


def _cells(moment: Moment, policy: Complaints) -> pd.DataFrame:
    """Return every enterprise with its size class, by the insured staff last known."""
    staff = moment.seen("social_insurance", "r.enterprise_id, r.insured_staff, r.occurred_at, r.record_id")
    firms = moment.seen("registration", "r.enterprise_id")
    frame = moment.frame(
        f"""SELECT enterprise_id, coalesce(max(staff), -1) AS staff FROM ({firms})
        LEFT JOIN (SELECT enterprise_id, arg_max(insured_staff, (occurred_at, record_id)) AS staff FROM ({staff})
            GROUP BY 1) USING (enterprise_id) GROUP BY 1 ORDER BY 1"""
    )
    stratum = np.searchsorted(policy.size_cuts, frame["staff"].to_numpy(), side="right")
    return pd.DataFrame({"stratum": stratum, "exposure": 1.0}, index=pd.Index(frame["enterprise_id"], name="cell"))


def _found(
    moment: Moment, cells: pd.DataFrame, counts: pd.DataFrame, threshold: float, policy: Complaints
) -> list[Found]:
    if cells.empty:
        return []
    moment.store.con.register("asked_cells", cells[["cell"]])
    rows = moment.frame(
        """SELECT enterprise_id AS cell, record_id, known FROM complained
        SEMI JOIN asked_cells ON cell = enterprise_id WHERE back = 0 AND NOT rejected ORDER BY 1, 2"""
    )
    moment.store.con.unregister("asked_cells")
    newest = rows.groupby("cell")["known"].max()
    named = rows.groupby("cell")["record_id"].agg(list)
    now = counts[counts["window"] == 0].set_index("cell")
    places = moment.places(set(cells["cell"]))
    found = []
    for cell in cells.to_dict("records"):
        who, left = str(cell["cell"]), int(now.loc[cell["cell"], "rejected"])
        if newest[who].date() < moment.since:
            continue
        records = tuple(f"complaints:{record}" for record in named[who])
        days, wanted = policy.window_days, f"{cell['expected']:.1f}"
        en = f"{len(records)} complaints or reports in {days} days where {wanted} were to be expected"
        zh = f"{days}天内投诉举报{len(records)}件，预期{wanted}件"
        if left:
            en, zh = en + f"; {left} rejected ones are left out", zh + f"；另有{left}件不属实或恶意，不计"
        region, industry = places.get(who, ("", ""))
        each = Found(
            "complaints",
            (who,),
            region,
            industry,
            en,
            zh,
            records,
            records,
            float(cell["chance"]),
            threshold,
            str(newest[who].date()),
            f"complaints/{who}",
        )  # fmt: skip
        found.append(each)
    return found
