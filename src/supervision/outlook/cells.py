"""Sums of a published month by region and industry: integers, divided once."""

from __future__ import annotations

import pandas as pd

from features.records.store import connect
from serving.ledger.read import Month

PPM = 1_000_000


def sums_of(month: Month, characters: int) -> pd.DataFrame:
    """Return a month's sums.

    Parameters
    ----------
    month
        Published.
    characters
        Of the industry's code.

    Returns
    -------
    pandas.DataFrame
        Index (region, industry), sorted; columns firms, cd and d (enterprises in C or D, in D), known (with a
        probability), total and squares (of the probabilities, in millionths). Without region or industry: none.
    """
    chance = f"CAST(round(probability * {PPM}) AS HUGEINT)"
    con = connect()
    try:
        frame = con.execute(
            f"""SELECT region, left(industry, {characters}) AS industry, count(*) AS firms,
            count(*) FILTER (grade IN ('C', 'D')) AS cd, count(*) FILTER (grade = 'D') AS d,
            count(probability) AS known, CAST(coalesce(sum({chance}), 0) AS BIGINT) AS total,
            CAST(coalesce(sum({chance} * {chance}), 0) // {PPM} AS BIGINT) AS squares
            FROM {month.latest_sql()} WHERE region IS NOT NULL AND industry IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
        ).df()
    finally:
        con.close()
    return frame.set_index(["region", "industry"])
