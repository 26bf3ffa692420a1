"""Training pairs: one row per labelled visit, with the indicators as known at the first of its month."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import cohort, compute_indicators, members_of
from features.catalogue import CATALOGUE
from features.errors import ConfigError, SourceError
from features.outcomes import read_outcomes
from models.experiment import SEGMENTS, Experiment, Indicators
from models.splits import Assignment, assign, design_weights, segments

Floats = NDArray[np.float64]
KEYS = ["enterprise_id", "cutoff"]
MOST_POPULATION = 20_000
"""Enterprises that stand for the population when the score map is frozen."""
MANY = 20
"""Rows a cut-off must have before 'unknown for everyone' is more than chance."""


@dataclass(frozen=True)
class Part:
    """Rows of one segment.

    Parameters
    ----------
    outcomes
        One row per visit, as `read_outcomes` gives them.
    frame
        All indicators and evidence columns of those rows, in the same order.
    X
        The learner's indicators, float64 [n, k]; NaN is unknown.
    y
        0/1 [n].
    weight
        For calibrating and measuring: 1/draw probability, mean 1; all 1 for learning.
    """

    outcomes: pd.DataFrame
    frame: pd.DataFrame
    X: Floats
    y: NDArray[np.int8]
    weight: Floats

    def __len__(self) -> int:
        return len(self.y)

    @property
    def enterprise(self) -> NDArray[np.object_]:
        """Enterprise of each row."""
        return self.outcomes["enterprise_id"].to_numpy(dtype=object)


@dataclass(frozen=True)
class Dataset:
    """What a study learns from, split in time.

    Parameters
    ----------
    parts
        Segment to its rows.
    names
        The learner's indicators, in catalogue order.
    constant
        Indicators left out because in the fit they never vary or are hardly covered.
    population
        The learner's indicators of the cohort (a sample of it) on the day the test begins, float64 [m, k].
    every
        Every labelled outcome there is, all arms, for the past-rate rival.
    counts
        Per segment and arm: visits, violations, enterprises.
    dropped
        Outcomes left out, by reason.
    source_hash
        SHA-256 over the clean tables.
    """

    parts: dict[str, Part]
    names: tuple[str, ...]
    constant: tuple[str, ...]
    population: Floats
    every: pd.DataFrame
    counts: pd.DataFrame
    dropped: dict[str, int]
    source_hash: str
    as_of: date


def source_hash(clean: Path) -> str:
    """SHA-256 over names and bytes of the clean tables and their manifest."""
    digest = hashlib.sha256()
    for path in sorted(p for p in clean.iterdir() if p.suffix == ".parquet" or p.name == "manifest.json"):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def choose(indicators: Indicators) -> tuple[str, ...]:
    """Return the catalogue's indicators an experiment asks for, in catalogue order.

    Raises
    ------
    ConfigError
        If it names one that the catalogue doesn't have, or none is left.
    """
    unknown = [n for n in (*indicators.only, *indicators.without) if n not in CATALOGUE]
    if unknown:
        raise ConfigError(f"indicators not in the catalogue: {unknown}; see `fenlei indicators`")
    names = tuple(
        name
        for name, i in CATALOGUE.items()
        if i.family in indicators.families
        and (not indicators.only or name in indicators.only)
        and name not in indicators.without
    )
    if not names:
        raise ConfigError("the experiment leaves no indicator to learn from")
    return names


def outcomes_as_known(clean: Path, experiment: Experiment, as_of: date) -> pd.DataFrame:
    """Every labelled visit, its result as known when the stage that would use it could have run.

    A result corrected later teaches in its uncorrected form; one that had no label then gets the day its stage
    was over as ``known_at``, so that it counts as not known.
    """
    read = {"province": experiment.province}
    now = read_outcomes(clean, as_of + timedelta(days=1), **read)
    parts, inside = [], np.zeros(len(now), dtype=bool)
    for segment in segments(experiment.split, as_of):
        span = ((now["visited_on"] >= segment.start) & (now["visited_on"] < segment.end)).to_numpy()
        inside |= span
        then = read_outcomes(clean, min(segment.known_before, as_of + timedelta(days=1)), **read)
        then = then[(then["visited_on"] >= segment.start) & (then["visited_on"] < segment.end)]
        late = now[span & ~now["inspection_id"].isin(then["inspection_id"]).to_numpy()]
        known = late["known_at"].map(lambda day, over=segment.known_before: max(day, over))
        parts += [then, late.assign(known_at=known)]
    parts.append(now[~inside])
    kept = [p for p in parts if len(p)]
    return pd.concat(kept, ignore_index=True) if kept else now


def labelled(outcomes: pd.DataFrame, codes: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the outcomes that carry a label under the experiment's choice, sorted, and what was left out."""
    dropped: dict[str, int] = {}
    if codes == "without_6_and_B":
        restates = outcomes["restates"].to_numpy() == 1
        dropped["a violation by codes 6 or B alone"] = int(restates.sum())
        outcomes = outcomes[~restates]
    return (
        outcomes.sort_values(["visited_on", "enterprise_id", "inspection_id"]).reset_index(drop=True),
        dropped,
    )


def only_members(clean: Path, outcomes: pd.DataFrame, province: str) -> pd.DataFrame:
    """Return the outcomes whose enterprise belonged to the province's cohort at the cut-off."""
    members = members_of(clean, outcomes[KEYS].drop_duplicates(), province=province)
    inside = pd.MultiIndex.from_frame(outcomes[KEYS]).isin(pd.MultiIndex.from_frame(members[KEYS]))
    return outcomes[inside].reset_index(drop=True)


def indicator_rows(clean: Path, outcomes: pd.DataFrame, province: str) -> pd.DataFrame:
    """Indicators of each outcome's (enterprise, cut-off), row by row in the outcomes' order."""
    pairs = outcomes[KEYS].drop_duplicates().sort_values(["cutoff", "enterprise_id"]).reset_index(drop=True)
    frame = compute_indicators(clean, pairs, province=province)
    at = [frame.index.get_level_values("enterprise_id"), pd.to_datetime(frame.index.get_level_values("cutoff"))]
    frame.index = pd.MultiIndex.from_arrays(at, names=KEYS)
    wanted = [outcomes["enterprise_id"], pd.to_datetime(outcomes["cutoff"])]
    return frame.loc[pd.MultiIndex.from_arrays(wanted, names=KEYS)]


def count_arms(outcomes: pd.DataFrame, assignment: Assignment) -> pd.DataFrame:
    """Visits, violations and enterprises per segment and arm."""
    used = outcomes.assign(segment=assignment.segment)[assignment.segment != ""]
    table = (
        used.groupby(["segment", "arm"], observed=True)
        .agg(
            visits=("violation", "size"),
            violations=("violation", "sum"),
            enterprises=("enterprise_id", "nunique"),
            first=("visited_on", "min"),
            last=("visited_on", "max"),
        )
        .reset_index()
    )
    table["segment"] = pd.Categorical(table["segment"], categories=list(SEGMENTS), ordered=True)
    return table.sort_values(["segment", "arm"]).reset_index(drop=True)


def build(clean: Path, experiment: Experiment, as_of: date) -> Dataset:
    """Read outcomes and indicators of the checked folder ``clean`` and split them in time.

    Raises
    ------
    SourceError
        If a segment is left without visits, or the fit, early stopping or test without both answers.
    """
    every, dropped = labelled(outcomes_as_known(clean, experiment, as_of), experiment.label.codes)
    outcomes = every
    if experiment.cohort.members_only:
        before = len(outcomes)
        outcomes = only_members(clean, outcomes, experiment.province) if before else outcomes
        dropped["enterprise not in the cohort at the cut-off"] = before - len(outcomes)
    if outcomes.empty:
        raise SourceError(f"{clean}: no inspection with a usable result known by {as_of}")
    assignment = assign(outcomes, experiment.split, experiment.arms, as_of)
    used = np.flatnonzero((assignment.segment != "").to_numpy())
    rows = outcomes.iloc[used].reset_index(drop=True)
    frame = indicator_rows(clean, rows, experiment.province)
    asked = choose(experiment.indicators)
    fit = (assignment.segment.iloc[used] == "fit").to_numpy()
    names = (
        usable(frame[fit], asked, experiment.indicators.covered) if experiment.indicators.constant == "drop" else asked
    )
    parts = {}
    for segment in SEGMENTS:
        at = np.flatnonzero((assignment.segment.iloc[used] == segment).to_numpy())
        own = rows.iloc[at].reset_index(drop=True)
        design = experiment.arms.weights if segment in ("calibrate", "test") else "equal"
        parts[segment] = Part(
            own,
            frame.iloc[at],
            np.ascontiguousarray(frame.iloc[at][list(names)].to_numpy(dtype=np.float64)),
            own["violation"].to_numpy(dtype=np.int8),
            design_weights(own, design),
        )
    _enough(parts, experiment)
    return Dataset(
        parts,
        names,
        tuple(n for n in asked if n not in names),
        population(clean, experiment, names),
        every,
        count_arms(outcomes, assignment),
        {k: n for k, n in (dropped | assignment.dropped).items() if n},
        source_hash(clean),
        as_of,
    )


def population(clean: Path, experiment: Experiment, names: tuple[str, ...], most: int = MOST_POPULATION) -> Floats:
    """Indicators of the enterprises that the frozen model would first score: the cohort as the test begins.

    Nothing known later is read. Of a larger cohort, the ``most`` whose ids hash lowest are taken: the same each
    time, and no kind of enterprise more likely than another.
    """
    members = cohort(clean, [experiment.split.test_from], province=experiment.province)
    if len(members) > most:
        place = members["enterprise_id"].map(lambda i: hashlib.sha256(i.encode()).digest())
        members = members.loc[place.sort_values(kind="stable").index[:most]].sort_values("enterprise_id")
    frame = compute_indicators(clean, members.reset_index(drop=True), province=experiment.province)
    return np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64))


def usable(frame: pd.DataFrame, names: tuple[str, ...], covered: float) -> tuple[str, ...]:
    """Names of the indicators that can teach something true.

    Left out are those whose known values never vary, and those the source covers for too small a part of the
    fit: unknown for everyone at one cut-off and known at another, they would tell the learner the date of a visit.

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
        unknown = np.isnan(values)
        if unknown.all() or np.nanmin(values) == np.nanmax(values):
            continue
        share = np.bincount(month, weights=unknown, minlength=len(cutoffs)) / np.maximum(rows, 1)
        if rows[(share == 1) & (rows >= MANY)].sum() <= (1 - covered) * len(frame):
            kept.append(name)
    return tuple(kept)


def _enough(parts: dict[str, Part], experiment: Experiment) -> None:
    for name, part in parts.items():
        start, end = experiment.split.bounds(name)
        if len(np.unique(part.y)) < 2:
            raise SourceError(
                f"experiment {experiment.name}: segment {name} ({start} to {end}, arms "
                f"{', '.join(experiment.arms.of(name))}) has {len(part)} visits, "
                f"{int(part.y.sum())} of them with a violation: it needs both kinds"
            )
