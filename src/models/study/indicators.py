"""Indicators of a study: which there are in its sector, and which policies decide them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import CATALOGUE, RECENT, with_sector
from features.catalogue.declaration import Indicator
from features.catalogue.sectors import own_of, sector_policy_name
from features.errors import ConfigError
from features.near import did_you_mean
from features.policy import policy_hash
from models.arrays import Floats
from models.scoring.rules.province import POLICIES
from models.study.experiment import Experiment, Indicators


def catalogue(experiment: Experiment) -> dict[str, Indicator]:
    """Return the indicators a study may use: the general ones and, behind them, recent peer rates where it asks for
    them, its place's and its sector's."""
    return with_sector(own_of(experiment.province, experiment.sector), peers=experiment.indicators.peers)


def policies_hash(experiment: Experiment) -> str:
    """SHA-256 over the policies a study rests on; a sector's declaration counts where there is one."""
    own = (sector_policy_name(experiment.sector),) if experiment.sector else ()
    return policy_hash(experiment.province, *POLICIES, *own)


MANY = 20
"""Rows a cut-off must have before 'unknown for everyone' is more than chance."""


def choose(indicators: Indicators, among: Mapping[str, Indicator] = CATALOGUE) -> tuple[str, ...]:
    """Return the catalogue's indicators an experiment asks for, in catalogue order.

    Raises
    ------
    ConfigError
        If it names one that the catalogue doesn't have, or none is left.
    """
    unknown = [n for n in (*indicators.only, *indicators.without) if n not in among]
    if unknown:
        off = unknown[0] in RECENT
        meant = "; say peers = true for recent peer rates" if off else did_you_mean(unknown[0], among)
        raise ConfigError(f"indicators not in the catalogue: {unknown}; see `fenlei indicators`{meant}")
    names = tuple(
        name
        for name, i in among.items()
        if i.family in indicators.families
        and (not indicators.only or name in indicators.only)
        and name not in indicators.without
    )
    if not names:
        raise ConfigError("the experiment leaves no indicator to learn from")
    return names


def usable(frame: pd.DataFrame, names: tuple[str, ...], covered: float) -> tuple[str, ...]:
    """Names of the indicators that can teach something true.

    Left out are those whose known values never vary, and those the source covers for too small a part of the
    fit: unknown for everyone at one cut-off and known at another, they would tell the learner the date of a visit.
    `models.study.left_out` says why.

    Parameters
    ----------
    frame
        Indicators of the fit rows, index (enterprise_id, cutoff).
    names
        The indicators in question.
    covered
        Least share of the rows whose cut-off the source covers.
    """
    cutoffs, month = np.unique(frame.index.get_level_values("cutoff"), return_inverse=True)
    rows = np.bincount(month, minlength=len(cutoffs))
    kept = []
    for name in names:
        values = frame[name].to_numpy(dtype=np.float64)
        if not varies(values):
            continue
        if enough(int(rows[unknown_months(values, month, rows)].sum()), len(frame), covered):
            kept.append(name)
    return tuple(kept)


def enough(unknown: int, rows: int, covered: float) -> bool:
    """Tell whether at least the asked share of rows is covered; said so that a tenth of ten is a tenth."""
    return rows - unknown >= covered * rows


def varies(values: Floats) -> bool:
    """Whether known values differ."""
    known = values[~np.isnan(values)]
    return len(known) > 0 and known.min() != known.max()


def unknown_months(values: Floats, month: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell of each cut-off whether the indicator is unknown there for everyone, and there are enough to say so."""
    unknown = np.bincount(month, weights=np.isnan(values), minlength=len(rows))
    return np.asarray((unknown == rows) & (rows >= MANY))
