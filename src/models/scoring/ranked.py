"""Ranked lists: a cohort's enterprises in the order of what a model says of them, the riskiest first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.scoring.risk_model import RiskModel

UNRANKED = "unranked"
"""Column that says why an enterprise has no rank."""


def ranked(model: RiskModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row an enterprise: rank, margin, probability with its interval, score and class by score alone.

    Parameters
    ----------
    model
        The model.
    frame
        Indicators, index (enterprise_id, cutoff). Of equal margins the enterprise whose id sorts first comes first.

    Returns
    -------
    pandas.DataFrame
        Columns enterprise_id, cutoff, rank (Int64, 1 is the riskiest), margin, probability, low, high, score, class and
        unranked, which names the indicators that the model can't read in a row; such rows come last. Direct
        determinations are not looked at.

    Raises
    ------
    ModelInputError
        If indicator columns are absent or are no numbers.
    """
    values = model.read(frame)
    bad = model.unusable(values)
    good = ~bad.any(axis=1)
    index = frame.index
    out = pd.DataFrame(
        {
            "enterprise_id": index.get_level_values("enterprise_id").astype(str),
            "cutoff": pd.to_datetime(index.get_level_values("cutoff")).date,
            "margin": np.nan,
            "probability": np.nan,
            "low": np.nan,
            "high": np.nan,
            "score": np.nan,
        }
    )
    margin = model.margin(values[good])
    score = np.round(model.score(margin), 1)
    out.loc[good, "margin"], out.loc[good, "probability"] = margin, model.probability(margin)
    if (ends := model.interval(margin)) is not None:
        out.loc[good, "low"], out.loc[good, "high"] = ends
    out.loc[good, "score"] = score
    out["class"] = pd.Series(pd.NA, index=out.index, dtype="string")
    out.loc[good, "class"] = model.grades(score)
    names = np.asarray(model.indicator_names, dtype=object)
    why = [", ".join(names[row]) for row in bad[~good]]
    out[UNRANKED] = pd.Series("", index=out.index, dtype="string")
    out.loc[~good, UNRANKED] = [f"unknown or infinite: {text}" for text in why]
    out = out.sort_values(["margin", "enterprise_id"], ascending=[False, True], na_position="last", kind="stable")
    out = out.reset_index(drop=True)
    place = pd.Series(np.arange(1, len(out) + 1), dtype="Int64")
    out.insert(2, "rank", place.where(place <= int(good.sum())))
    return out
