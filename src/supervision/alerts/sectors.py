"""Sudden rise of violations in a sector 行业地区违法突增: penalties newly known of an industry in a district."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from supervision.alerts.alert import Found
from supervision.alerts.growth import grown, windows_of
from supervision.alerts.moment import Moment
from supervision.alerts.policy import Sectors


def sectors(moment: Moment, policy: Sectors) -> list[Found]:
    """Find industries of a district with more penalties than their firms, their past and the season let expect."""
    begin = moment.begins("penalties")
    base, quiet = windows_of((moment.cutoff - begin).days if begin else 0, policy)
    if base < 2:
        return []
    firms = moment.seen(
        "registration",
        f"r.enterprise_id, coalesce(r.region, '') || '/' || left(coalesce(r.industry, ''), {policy.industry_digits})"
        " AS cell",
    )
    reach = (base + quiet + 1) * policy.window_days
    seen = moment.seen("penalties", "r.record_id, r.enterprise_id")
    con = moment.store.con
    con.execute(f"CREATE OR REPLACE TEMP TABLE sector_firms AS SELECT DISTINCT enterprise_id, cell FROM ({firms})")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE punished AS SELECT record_id, enterprise_id, cell, first_known AS known,
        (DATE '{moment.cutoff}' - 1 - first_known) // {policy.window_days} AS back
        FROM ({seen}) JOIN ({moment.first("penalties")}) USING (record_id) JOIN sector_firms USING (enterprise_id)
        WHERE first_known >= DATE '{moment.days_before(reach)}'"""
    )
    cells = moment.frame(
        f"""SELECT cell, count(*) AS firms FROM sector_firms WHERE cell NOT LIKE '/%' AND cell NOT LIKE '%/'
        GROUP BY 1 HAVING count(*) >= {policy.least_firms} ORDER BY 1"""
    )
    if cells.empty:
        return []
    # One firm punished many times is no rise of a sector.
    counts = moment.frame(
        """SELECT cell, back AS "window", count(DISTINCT enterprise_id) AS n FROM punished
        GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    known = pd.DataFrame(
        {"stratum": np.zeros(len(cells), dtype=np.int64), "exposure": cells["firms"].to_numpy(np.float64)},
        index=pd.Index(cells["cell"], name="cell"),
    )
    found = grown(counts, known, policy, base=base, quiet=quiet)
    rows = moment.frame(
        "SELECT cell, record_id, enterprise_id, known FROM punished WHERE back = 0 ORDER BY cell, record_id"
    )
    return [
        _found(each, rows[rows["cell"] == each["cell"]], found.threshold, policy)
        for each in found.cells.to_dict("records")
        if rows.loc[rows["cell"] == each["cell"], "known"].max().date() >= moment.since
    ]


def _found(cell: Mapping[Any, Any], rows: pd.DataFrame, threshold: float, policy: Sectors) -> Found:
    name, wanted, number = str(cell["cell"]), f"{cell['expected']:.1f}", int(cell["n"])
    region, _, industry = name.partition("/")
    records = tuple(f"penalties:{record}" for record in rows["record_id"])
    firms = tuple(sorted(set(rows["enterprise_id"])))
    days = policy.window_days
    en = f"{number} enterprises of {industry} in {region} punished in {days} days where {wanted} were to be expected"
    zh = f"{region}的{industry}行业{days}天内有{number}户受行政处罚，预期{wanted}户"
    return Found(
        "sectors", firms, region, industry, en, zh, records, records,
        float(cell["chance"]), threshold, str(rows["known"].max().date()), f"sectors/{name}",
    )  # fmt: skip
