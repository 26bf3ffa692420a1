"""The outlook of a month: region by industry with shrunken risk, shares, trend, and what a check would take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from serving.ledger.place import LedgerError
from serving.ledger.read import Ledger, Month
from supervision.outlook.cells import PPM, sums_of
from supervision.outlook.policy import OutlookPolicy
from supervision.outlook.shrink import Shrunken, design, shares, shrunken
from supervision.outlook.trend import trends
from supervision.outlook.visits import to_know, to_tell


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Cell:
    """One industry of one region.

    Parameters
    ----------
    region, industry, firms
        Which, and how many.
    risk
        Mean risk, shrunken.
    observed
        The same as the month has it.
    cd, d
        Shares of C and D, and of D.
    trend
        Change of the risk a month; None: too few months.
    worth
        Whether a directed check is worth it.
    visits_to_know, visits_to_tell
        What it would take; see `supervision.outlook.visits`.
    history
        Observed risk by month, None where the cell had too few firms.
    """

    region: str
    industry: str
    firms: int
    risk: Estimate
    observed: float
    cd: Estimate
    d: Estimate
    trend: Estimate | None
    worth: bool
    visits_to_know: int
    visits_to_tell: int | None
    history: tuple[float | None, ...]


@dataclass(frozen=True)
class Outlook:
    """A month's outlook: cells by risk, the riskiest first.

    Parameters
    ----------
    province, month, months
        Whose, when, and the months of the trend.
    measure
        "probability": mean chance that a visit finds a violation. "share": of C and D, where the rules answer.
    mean, means
        Of all firms, and by month.
    cells, small
        Those that something is said of, and how many are too small.
    small_firms
        Firms in those.
    spread
        Standard deviation between cells beyond region and industry.
    cut
        Months left out of the trend since another model or policy made them.
    """

    province: str
    month: str
    months: tuple[str, ...]
    measure: str
    mean: float
    means: tuple[float, ...]
    cells: tuple[Cell, ...]
    small: int
    small_firms: int
    spread: float
    cut: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return asdict(self)


def outlook(ledger: Ledger, month: str | None, policy: OutlookPolicy) -> Outlook:
    """Look at a published month by region and industry.

    Raises
    ------
    LedgerError
        If the month is not published, nothing is, or no cell has enough firms.
    """
    if month is None:
        newest = ledger.latest
        if newest is None:
            raise LedgerError(f"{ledger.place.root} has no published month of {ledger.place.province}")
        month = newest.month
    now = ledger.month(month)
    earlier = [ledger.months[name] for name in ledger.months if name <= month][-policy.most_months :]
    same = _same_maker(earlier, now)
    sums = [sums_of(each, policy.industry_characters) for each in same]
    last = sums[-1]
    measure = "probability" if 2 * int(last["known"].sum()) >= int(last["firms"].sum()) else "share"
    large = last[last["firms"] >= policy.least_firms]
    if measure == "probability":
        large = large[large["known"] >= policy.least_firms]
    if large.empty:
        raise LedgerError(
            f"{month}: no industry of a region has {policy.least_firms} enterprises or more (outlook.toml,"
            " least_firms): nothing can be said"
        )
    means = [float(_risk(each.sum().to_frame().T, measure)[0]) for each in sums]
    return _made(ledger, now, same, sums, large, measure, means, policy, len(earlier) - len(same))


def _same_maker(months: list[Month], now: Month) -> list[Month]:
    """Return the newest months in a row made by the model and policy of the last one."""

    def maker(month: Month) -> tuple[object, object]:
        return month.manifest["model"]["content_hash"], month.manifest["policy"]

    kept: list[Month] = []
    for month in reversed(months):
        if maker(month) != maker(now):
            break
        kept.insert(0, month)
    return kept


def _risk(sums: pd.DataFrame, measure: str) -> np.ndarray:
    if measure == "share":
        return (sums["cd"] / sums["firms"]).to_numpy(np.float64)
    return (sums["total"] / (sums["known"].clip(lower=1) * PPM)).to_numpy(np.float64)


def _made(
    ledger: Ledger, now: Month, months: list[Month], sums: list[pd.DataFrame], large: pd.DataFrame, measure: str,
    means: list[float], policy: OutlookPolicy, cut: int,
) -> Outlook:  # fmt: skip
    observed = _risk(large, measure)
    counted = large["known" if measure == "probability" else "firms"].to_numpy(np.float64)
    effects = design([str(r) for r, _ in large.index], [str(i) for _, i in large.index])
    firms = large["firms"].to_numpy(np.int64)
    cd, d = (shares(large[name].to_numpy(np.int64), firms, effects, policy.confidence) for name in ("cd", "d"))
    risk = cd
    if measure == "probability":
        # Pooled: a cell of fifty firms says little of its own variance.
        each = large["squares"] - large["total"] ** 2 / (large["known"] * PPM)
        within = float(each.sum()) / PPM / max(1.0, float(counted.sum()) - len(large))
        risk = shrunken(observed, within / counted, effects, policy.confidence)
    history = np.column_stack([_history(each, large.index, measure, policy.least_firms) for each in sums])
    whole = np.flatnonzero(~np.isnan(history).any(axis=1)) if len(months) >= policy.least_months else np.array([], int)
    trend: dict[int, Estimate] = {}
    if len(whole):
        found = trends(history[whole], counted[whole], policy.confidence)
        trend = {int(k): _estimate(found, i) for i, k in enumerate(whole)}
    cells = []
    for k, (region, industry) in enumerate(large.index):
        own = _estimate(risk, k)
        value = min(max(own.value, 1e-6), 1 - 1e-6)
        cells.append(
            Cell(
                region=str(region), industry=str(industry), firms=int(large["firms"].iloc[k]), risk=own,
                observed=float(observed[k]), cd=_estimate(cd, k), d=_estimate(d, k), trend=trend.get(k),
                worth=own.low > policy.worth_above * means[-1],
                visits_to_know=to_know(value, int(large["firms"].iloc[k]), policy.check),
                visits_to_tell=to_tell(value, means[-1], policy.check),
                history=tuple(None if np.isnan(v) else float(v) for v in history[k]),
            )
        )  # fmt: skip
    cells.sort(key=lambda cell: (-cell.risk.value, cell.region, cell.industry))
    rest = int(sums[-1]["firms"].sum() - large["firms"].sum())
    return Outlook(
        ledger.place.province, now.month, tuple(m.month for m in months), measure, means[-1], tuple(means),
        tuple(cells), len(sums[-1]) - len(large), rest, risk.spread, cut,
    )  # fmt: skip


def _history(sums: pd.DataFrame, index: pd.Index, measure: str, least: int) -> np.ndarray:
    there = sums.reindex(index)
    values = _risk(there, measure)
    return np.where(there["firms"].fillna(0).to_numpy() >= least, values, np.nan)


def _estimate(found: Shrunken, k: int) -> Estimate:
    return Estimate(float(found.mean[k]), float(found.low[k]), float(found.high[k]))
