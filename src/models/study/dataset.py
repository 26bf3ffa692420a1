"""Training pairs: one row per labelled visit, with the indicators as known at its cut-off."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import cohort, compute_indicators
from features.errors import SourceError
from features.policies import features_policy
from features.records.store import RecordStore, opened
from models.arrays import Floats
from models.study.circumstances import Circumstances, Coding
from models.study.experiment import SEGMENTS, Experiment
from models.study.indicators import catalogue, choose, usable
from models.study.labels import KEYS, Assigned, assigned, indicator_table, look_up, read_known
from models.study.left_out import LeftOut, left_out, short_windows
from models.study.splits import FOLD, folds, segments
from models.study.weights import Rows, design_weights, inverse_probability

MOST_POPULATION = 20_000
"""Enterprises that stand for the population when the score map is frozen."""


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
        For calibrating and measuring: 1/draw probability, mean 1; of the fit, its weights.
    circumstances
        Of the visits, as the fit codes them.
    """

    outcomes: pd.DataFrame
    frame: pd.DataFrame
    X: Floats
    y: NDArray[np.int8]
    weight: Floats
    circumstances: Circumstances

    def __len__(self) -> int:
        return len(self.y)

    @property
    def enterprise(self) -> NDArray[np.object_]:
        """Enterprise of each row."""
        return self.outcomes["enterprise_id"].to_numpy(dtype=object)

    @property
    def targeted(self) -> NDArray[np.bool_]:
        """Whether each visit was not of the random arm."""
        return np.asarray(self.outcomes["arm"].to_numpy(dtype=object) != "random")

    @property
    def kinds(self) -> int:
        """How many different outcomes there are: 2 where some visits found a violation and some did not."""
        return len(np.unique(self.y))

    def take(self, rows: NDArray[np.bool_]) -> Part:
        """Return the visits of a mask; weights stay as they are."""
        return Part(
            self.outcomes[rows].reset_index(drop=True),
            self.frame[rows],
            self.X[rows],
            self.y[rows],
            self.weight[rows],
            self.circumstances.take(rows),
        )

    def rows(self) -> Rows:
        """The part as the classifier learns from it."""
        return Rows(self.X, self.y, self.circumstances, self.weight)


@dataclass(frozen=True)
class Fold:
    """A rolling origin.

    Parameters
    ----------
    day
        The origin: the fit knows what was known before it.
    fit, validate
        Visits that teach, and those of the months that follow.
    """

    day: date
    fit: Part
    validate: Part


@dataclass(frozen=True)
class Dataset:
    """What a study learns from, split in time.

    Parameters
    ----------
    parts
        "fit", "calibrate" (the validation visits of all origins, the oldest first) and "test" to their rows.
    names
        The learner's indicators, in catalogue order.
    left_out
        Indicators left out because in the fit they never vary or are hardly covered.
    folds
        Rolling origins before the test, the latest first.
    coding
        How the circumstances of visits became numbers in the fit.
    population
        The learner's indicators of the cohort (a sample of it) on the day the test begins, float64 [m, k].
    every
        Every labelled outcome there is, all arms, for the past-rate baseline.
    counts
        Per segment and arm: visits, violations, enterprises.
    dropped
        Outcomes left out, by reason.
    source_hash
        SHA-256 over the clean tables.
    as_of
        Day the records were taken.
    short
        The learner's indicators with a window of the fit that is not covered whole, yet tolerated by the province's
        ``features.toml``; and the most days that lack.
    """

    parts: dict[str, Part]
    folds: tuple[Fold, ...]
    coding: Coding
    names: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    population: Floats
    every: pd.DataFrame
    counts: pd.DataFrame
    dropped: dict[str, int]
    source_hash: str
    as_of: date
    short: Mapping[str, int] = field(default_factory=dict)


def spans(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Return the first and the last day of the visits of each segment."""
    days = {segment: part.outcomes["visited_on"] for segment, part in dataset.parts.items()}
    return {segment: (str(day.min()), str(day.max())) for segment, day in days.items()}


def source_hash(clean: Path) -> str:
    """SHA-256 over names and bytes of the clean tables and their manifest."""
    digest = hashlib.sha256()
    for path in sorted(p for p in clean.iterdir() if p.suffix == ".parquet" or p.name == "manifest.json"):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def count_arms(rows: pd.DataFrame) -> pd.DataFrame:
    """Visits, violations and enterprises per segment and arm."""
    table = (
        rows.groupby(["segment", "arm"], observed=True)
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


def build_dataset(source: Path | RecordStore, experiment: Experiment, as_of: date) -> Dataset:
    """Read outcomes and indicators once and split them in time.

    Parameters
    ----------
    source
        Clean folder, or the store of one.
    experiment, as_of
        The study, and the day the records were taken.

    Raises
    ------
    SourceError
        If a segment is left without visits, or without both answers where it needs both.
    """
    with opened(source) as records:
        return _built(records, experiment, as_of)


def _built(records: RecordStore, experiment: Experiment, as_of: date) -> Dataset:
    if records.folder is None:
        raise SourceError("a study is made from a clean folder, whose bytes it names; rows in memory have none")
    begin = learning_begins(records, experiment)
    stages = segments(experiment.split, begin, as_of)
    origins_of = folds(experiment.split, experiment.origins, begin)
    known = read_known(records, [stages, *origins_of], experiment, as_of)
    main = assigned(records, stages, experiment, as_of, known)
    earlier = [assigned(records, s, experiment, as_of, known) for s in origins_of]
    if not len(main.rows):
        why = "; ".join(f"{reason}: {n:,}" for reason, n in sorted(main.dropped.items()) if n)
        raise SourceError(
            f"{records.folder}: no inspection with a usable result known by {as_of} in the segments of experiment "
            f"{experiment.name}, {begin} to {experiment.split.test_to}; "
            + (f"left out: {why}" if why else "the records hold none")
        )
    table = indicator_table(records, [a.rows for a in (main, *earlier)], experiment)
    asked = choose(experiment.indicators, catalogue(experiment))
    names, gone, short = _learned_from(records, table, main.rows[main.rows["segment"] == "fit"], asked, experiment)
    compare = None
    if experiment.arms.fit_weights == "inverse_probability":
        compare = cohort_of_the_fit(records, experiment, names, begin)
    parts, coding = _parts(main, ("fit", "test"), table, names, experiment, compare)
    _enough(parts, experiment, "")
    origins = []
    for number, (fold, segments_of) in enumerate(zip(earlier, origins_of, strict=True)):
        origins.append(make_fold(fold, segments_of[1].start, table, names, experiment, compare))
        both = {"fit": origins[-1].fit, "validate": origins[-1].validate}
        _enough(both, experiment, f", rolling origin {number + 1}")
    parts = {"fit": parts["fit"], "calibrate": out_of_time(origins, experiment), "test": parts["test"]}
    counted = [main.rows, parts["calibrate"].outcomes.assign(segment="calibrate")]
    return Dataset(
        parts,
        tuple(origins),
        coding,
        names,
        gone,
        population(records, experiment, names),
        main.every,
        count_arms(pd.concat(counted, ignore_index=True)),
        main.dropped,
        source_hash(records.folder),
        as_of,
        short,
    )


def learning_begins(records: RecordStore, experiment: Experiment) -> date:
    """Return the first day whose visits teach: the study's, or a year after the records of inspections begin."""
    if experiment.split.learn_from is not None:
        return experiment.split.learn_from
    first = records.covers_from.get("inspections")
    if first is None:
        raise SourceError(
            f"experiment {experiment.name}: the manifest does not say from when inspections are covered; say "
            "split.learn_from"
        )
    later = date(first.year + 1, first.month, 1)
    return later if first.day == 1 else date(later.year + later.month // 12, later.month % 12 + 1, 1)


def make_fold(
    found: Assigned,
    day: date,
    table: pd.DataFrame,
    names: tuple[str, ...],
    experiment: Experiment,
    compare: pd.DataFrame | None = None,
) -> Fold:
    """Return the rolling origin of a day from its assigned visits.

    Parameters
    ----------
    table
        Of `models.study.labels.indicator_table`.
    names
        The indicators it learns from.
    compare
        Indicators of the cohort, where the fit is weighted to resemble it.
    """
    parts, _ = _parts(found, FOLD, table, names, experiment, compare)
    return Fold(day, parts["fit"], parts["validate"])


def out_of_time(origins: Sequence[Fold], experiment: Experiment) -> Part:
    """Return the validation visits of all rolling origins as one part, the oldest first."""
    told = [fold.validate for fold in reversed(origins)]
    outcomes = pd.concat([p.outcomes for p in told], ignore_index=True)
    return Part(
        outcomes,
        pd.concat([p.frame for p in told]),
        np.vstack([p.X for p in told]),
        np.concatenate([p.y for p in told]),
        design_weights(outcomes, experiment.arms.weights),
        Circumstances.none(len(outcomes)),
    )


def _learned_from(
    records: RecordStore, table: pd.DataFrame, fit: pd.DataFrame, asked: tuple[str, ...], experiment: Experiment
) -> tuple[tuple[str, ...], tuple[LeftOut, ...], dict[str, int]]:
    """Return the indicators that teach, those left out with the reasons, and those with windows that are cut short."""
    known, frame, names = catalogue(experiment), look_up(table, fit), asked
    gone: tuple[LeftOut, ...] = ()
    days_a_year, covers_from = features_policy(experiment.province).uncovered_days_a_year, records.covers_from
    if experiment.indicators.constant == "drop":
        share = experiment.indicators.covered
        names = usable(frame, asked, share)
        others = [known[n] for n in asked if n not in names]
        gone = left_out(frame, others, share, covers_from=covers_from, days_a_year=days_a_year)
    if not names:
        reasons = "; ".join(f"{one.name}: {one.why}; kept by {one.remedy or 'no date'}" for one in gone[:3])
        raise SourceError(
            f"experiment {experiment.name}: none of {len(asked)} indicators is left to learn from: {reasons}"
        )
    cutoffs = [pd.Timestamp(day).date() for day in fit["cutoff"].unique()]
    return names, gone, short_windows([known[n] for n in names], cutoffs, covers_from, days_a_year)


def _parts(
    found: Assigned,
    stages: Sequence[str],
    table: pd.DataFrame,
    names: tuple[str, ...],
    experiment: Experiment,
    compare: pd.DataFrame | None,
) -> tuple[dict[str, Part], Coding]:
    """Rows, indicators, weights and circumstances of each stage, and how the fit codes the latter."""
    parts = {}
    coding = Coding.of(found.rows[found.rows["segment"] == "fit"], experiment.arms)
    for stage in stages:
        own = found.rows[found.rows["segment"] == stage].drop(columns="segment").reset_index(drop=True)
        frame = look_up(table, own)
        X = np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64))
        if stage != "fit":
            weight = design_weights(own, experiment.arms.weights)
        elif compare is not None:
            past = compare[compare.index.get_level_values("cutoff") < pd.Timestamp(own["visited_on"].max())]
            weight = inverse_probability(X, past.to_numpy(dtype=np.float64), seed=experiment.seed)
        else:
            weight = design_weights(own, "design" if experiment.arms.fit_weights == "design" else "equal")
        parts[stage] = Part(own, frame, X, own["violation"].to_numpy(dtype=np.int8), weight, coding.code(own))
    return parts, coding


def cohort_of_the_fit(
    records: Path | RecordStore, experiment: Experiment, names: tuple[str, ...], begin: date
) -> pd.DataFrame:
    """Indicators of a sample of the cohort over the months of the fit, index (enterprise_id, cutoff)."""
    months = pd.date_range(begin, experiment.split.test_from, freq="MS", inclusive="left")
    firsts = [m.date() for m in months]
    members = _sample(cohort(records, firsts, experiment.scope), MOST_POPULATION)
    frame = compute_indicators(records, members, experiment.scope)[list(names)]
    days = pd.to_datetime(frame.index.get_level_values("cutoff"))
    frame.index = pd.MultiIndex.from_arrays([frame.index.get_level_values("enterprise_id"), days], names=KEYS)
    return frame


def _sample(members: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most so many rows: those whose key hashes lowest, always the same and of no kind more than another."""
    if len(members) > most:
        keys = members["enterprise_id"] + "\0" + members["cutoff"].astype(str)
        place = keys.map(lambda key: hashlib.sha256(key.encode()).digest())
        members = members.loc[place.sort_values(kind="stable").index[:most]].sort_values(KEYS)
    return members.reset_index(drop=True)


def population(
    records: Path | RecordStore, experiment: Experiment, names: tuple[str, ...], most: int = MOST_POPULATION
) -> Floats:
    """Indicators of the enterprises that the frozen model would first score: the cohort as the test begins.

    Nothing known later is read. Of a larger cohort, the ``most`` whose ids hash lowest are taken: the same each
    time, and no kind of enterprise more likely than another.
    """
    members = _sample(cohort(records, [experiment.split.test_from], experiment.scope), most)
    frame = compute_indicators(records, members, experiment.scope)
    return np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64))


def _enough(parts: dict[str, Part], experiment: Experiment, where: str) -> None:
    for name, part in parts.items():
        if len(np.unique(part.y)) < 2:
            raise SourceError(
                f"experiment {experiment.name}: segment {name}{where} (arms "
                f"{', '.join(experiment.arms.of(name))}) has {len(part)} visits, "
                f"{int(part.y.sum())} of them with a violation: it needs both kinds"
            )
