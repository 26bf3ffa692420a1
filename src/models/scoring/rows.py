"""Rows as arrays: the answers of `classify_frame`, cell for cell, without a DataFrame on the way.

A service asks about one enterprise at a time, where a DataFrame costs fifty times what model and reasons do. What
does not change between calls (where the columns stand, names, families, rules) is made ready once, in a `Scorer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.arrays import Bools, Floats
from models.errors import ModelError, ModelInputError
from models.scoring.classification import GRADES, LIMIT, Classification, FallbackCode, Grade, worse
from models.scoring.classify import _catalogue, _Entry
from models.scoring.columns import catalogue_version
from models.scoring.reasons.points import family_points, pointed, strongest
from models.scoring.reasons.texts import Catalogue, reason
from models.scoring.risk_model import RiskModel
from models.scoring.rules.determinations import floor, row_hits
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import TENTHS

UNKNOWN_ROW = 1
"""Rows of unknown values put behind the columns, so that an absent column reads as unknown."""


@dataclass(frozen=True)
class Rows:
    """Rows of n enterprises.

    Parameters
    ----------
    enterprises, cutoffs
        Whom and when, n each.
    values
        Indicators, float64 [n, k] in the order of the scorer's columns; NaN is unknown.
    evidence
        Of each row, evidence column to its records joined by ``;``; one that is absent or None was not checked.
    """

    enterprises: Sequence[str]
    cutoffs: Sequence[date]
    values: Floats
    evidence: Sequence[Mapping[str, str | None]]

    def __len__(self) -> int:
        return len(self.enterprises)

    def part(self, start: int, end: int) -> Rows:
        """Return the rows from one place up to another."""
        cut = slice(start, end)
        return Rows(self.enterprises[cut], self.cutoffs[cut], self.values[cut], self.evidence[cut])

    def take(self, places: Sequence[int]) -> Rows:
        """Return the rows at these places."""
        return Rows(
            [self.enterprises[i] for i in places],
            [self.cutoffs[i] for i in places],
            self.values[list(places)],
            [self.evidence[i] for i in places],
        )


@dataclass(frozen=True)
class Cause:
    """Why the rules answer where a model was asked for: its kind, and in words."""

    code: FallbackCode
    why: str


@dataclass(frozen=True)
class _Found:
    """What either source found for n rows."""

    score: Floats
    points: Floats
    limit: Floats | None
    probability: Floats | None
    interval: tuple[Floats, Floats] | None


class Scorer:
    """A model, or the rules, made ready for rows whose indicators stand in given columns.

    Parameters
    ----------
    columns
        Names of the columns of `Rows.values`.
    model
        None lets the rules answer.
    rules
        Bands, points and direct rules of the province.
    catalogue
        Names and units for the reasons; the province's catalogue by default.
    registered
        Number of the model's version in the register.

    Raises
    ------
    ModelInputError
        If the model reads a column that is not among them.
    ModelError
        If the model was signed under other cuts than the province has now, or can't be read.

    Examples
    --------
    With ``frame`` indicators and ``model`` a signed model:

    >>> names = [c for c in frame.columns if not c.startswith("evidence_")]
    >>> scorer = Scorer(names, model, load_rules("hebei"))
    >>> one = Rows(["E1"], [date(2026, 1, 1)], frame[names].to_numpy()[:1], [{}])
    >>> scorer.classify(one)[0].source
    'model'
    """

    def __init__(
        self,
        columns: Sequence[str],
        model: RiskModel | None,
        rules: ProvinceRules,
        *,
        catalogue: Catalogue | None = None,
        registered: str | None = None,
    ) -> None:
        self.model, self.rules = model, rules
        where = {name: k for k, name in enumerate(columns)}
        labels: dict[str, str] = {}
        if model is not None:
            if absent := [name for name in model.indicator_names if name not in where]:
                raise ModelInputError(f"indicator columns missing from the rows: {', '.join(absent)}")
            if not model.bands.same_bands(rules.bands):
                raise ModelError(
                    f"model {model.version} was signed with cuts {model.bands.cuts} closed {model.bands.closed}; "
                    f"{rules.province} now has {rules.bands.cuts} closed {rules.bands.closed}: it must be signed again"
                )
            self._names, families = model.indicator_names, model.families
            self._versions = {
                "model": model.version,
                "catalogue": model.catalogue_hash[:12],
                "policy": rules.version,
                **({} if registered is None else {"registered": registered}),
            }
            self._base_score = round(model.base_score, 1)
        else:
            card = rules.scorecard
            self._names, families = card.indicators, tuple(entry.family for entry in card.entries)
            labels = {entry.indicator: entry.zh for entry in card.entries}
            self._versions = {"model": card.name, "catalogue": catalogue_version(), "policy": rules.version}
            self._base_score = card.base_tenths / TENTHS
        known = _catalogue(catalogue, rules.province)
        self._families = families
        self._entries = [
            known.get(name) or _Entry(name, labels.get(name, name), name.replace("_", " "), family)
            for name, family in zip(self._names, families, strict=True)
        ]
        self._groups = tuple(e.group or e.family for e in self._entries)
        self._at = np.asarray([where.get(name, len(columns)) for name in self._names], dtype=np.intp)
        self._all_there = len(columns) not in self._at
        self._direct = rules.determinations.active

    @property
    def version(self) -> str:
        """Version of the model, or name of the scorecard."""
        return self._versions["model"]

    @cached_property
    def _nullable(self) -> Bools:
        nullable = set() if self.model is None else set(self.model.nullable)
        return np.asarray([name in nullable for name in self._names], dtype=np.bool_)

    def read(self, values: Floats) -> Floats:
        """Return the columns that the model or the scorecard reads, C-contiguous float64 [n, its indicators]."""
        if not self._all_there:
            values = np.column_stack([values, np.full((len(values), UNKNOWN_ROW), np.nan)])
        return np.ascontiguousarray(values[:, self._at], dtype=np.float64)

    def unusable(self, inputs: Floats) -> NDArray[np.bool_]:
        """Tell which cells of `read` the model can't use: infinite, or NaN unlearned; as `RiskModel.unusable`."""
        return np.isinf(inputs) | (np.isnan(inputs) & ~self._nullable)

    def unusable_names(self, cells: Bools) -> list[str]:
        """Return the names of one row's flagged cells."""
        return [self._names[k] for k in np.flatnonzero(cells)]

    def classify(self, rows: Rows, *, top: int = 5, fallback: Sequence[Cause] | None = None) -> list[Classification]:
        """Classify every row; the rows must be usable where a model answers.

        Parameters
        ----------
        top
            Reasons to give.
        fallback
            Why the rules answer each row, when a model was wanted.

        Raises
        ------
        ModelInputError
            If the model can't use a row.
        """
        inputs = self.read(rows.values)
        if self.model is not None:
            bad = self.unusable(inputs)
            if bad.any():
                raise ModelInputError(
                    "the model learned from known values only, but these are unknown or infinite: "
                    + ", ".join(self.unusable_names(np.asarray(bad.any(axis=0))))
                )
        answers, finite = self.answers(rows, inputs, top=top, fallback=fallback)
        if not finite.all():
            raise ModelError("the model gave no finite margin")
        return [answer for answer in answers if answer is not None]

    def answers(
        self, rows: Rows, inputs: Floats, *, top: int = 5, fallback: Sequence[Cause] | None = None
    ) -> tuple[list[Classification | None], Bools]:
        """Classify rows whose ``inputs`` were read, and tell which of them got a finite margin; the others get None."""
        if not len(rows):
            return [], np.zeros(0, dtype=np.bool_)
        found, finite = self._by_rules(inputs) if self.model is None else self._by_model(self.model, inputs)
        return self._put_together(rows, inputs, found, finite, top, fallback), finite

    def _by_model(self, model: RiskModel, inputs: Floats) -> tuple[_Found, Bools]:
        explained = model.explain(inputs)
        finite = np.isfinite(explained.margin)
        if not finite.all():
            explained.margin[~finite] = model.base_margin  # not published: the caller lets the rules answer these
        found = pointed(model, explained)
        # Once for the probability and its interval: a spline's log-odds take as long as the trees do.
        odds = model.calibrator.log_odds(explained.margin)
        return _Found(
            score=found.score,
            points=found.points,
            limit=None,
            probability=np.asarray(expit(odds), dtype=np.float64),
            interval=None if model.uncertainty is None else model.uncertainty.interval(explained.margin, odds),
        ), finite

    def _by_rules(self, inputs: Floats) -> tuple[_Found, Bools]:
        found = self.rules.scorecard.evaluate_values(inputs)
        return _Found(
            score=found.score,
            points=found.tenths / TENTHS,
            limit=found.limit / TENTHS,
            probability=None,
            interval=None,
        ), np.ones(len(inputs), dtype=np.bool_)

    def _put_together(
        self,
        rows: Rows,
        inputs: Floats,
        found: _Found,
        finite: Bools,
        top: int,
        causes: Sequence[Cause] | None,
    ) -> list[Classification | None]:
        bands = self.rules.bands
        families, sums = family_points(found.points, self._families)
        groups, by_group = family_points(found.points, self._groups)
        best = strongest(found.points, top).tolist() if top else [[]] * len(rows)
        unknown = np.isnan(inputs)
        insufficient = (1.0 - unknown.mean(axis=1) < bands.minimum_known).tolist()
        scores, grades = found.score.tolist(), bands.grade_index(found.score).tolist()
        limits = None if found.limit is None else found.limit.tolist()
        chances = None if found.probability is None else found.probability.tolist()
        intervals = (
            None if found.interval is None else list(zip(*(end.tolist() for end in found.interval), strict=True))
        )
        gaps: dict[bytes, tuple[str, ...]] = {}
        out: list[Classification | None] = []
        for i, evidence in enumerate(rows.evidence):
            if not finite[i]:
                out.append(None)
                continue
            score_grade: Grade = GRADES[grades[i]]
            known_grade = worse(score_grade, "B") if insufficient[i] else score_grade
            direct, unchecked = row_hits(self._direct, evidence)
            by_family = dict(zip(families, sums[i].tolist(), strict=True))
            of_groups = dict(zip(groups, by_group[i].tolist(), strict=True))
            if limits is not None and limits[i]:
                by_family[LIMIT] = of_groups[LIMIT] = limits[i]
            # Rows with the same gaps share one tuple of names.
            key = unknown[i].tobytes()
            if key not in gaps:
                gaps[key] = tuple(self._names[k] for k in np.flatnonzero(unknown[i]))
            # Every part is a value of ours, of the declared type: checking it again is a third of the time.
            out.append(
                Classification.model_construct(
                    enterprise_id=rows.enterprises[i],
                    cutoff=rows.cutoffs[i],
                    score=scores[i],
                    grade=floor(known_grade, direct),
                    score_grade=score_grade,
                    source="rules" if chances is None else "model",
                    probability=None if chances is None else chances[i],
                    probability_interval=None if intervals is None else intervals[i],
                    reasons=tuple(
                        reason(self._entries[j], float(inputs[i, j]), float(found.points[i, j]))
                        for j in best[i]
                        if found.points[i, j] != 0
                    ),
                    determinations=direct,
                    base_score=self._base_score,
                    family_points=by_family,
                    group_points=of_groups,
                    missing=gaps[key] + unchecked,
                    fallback=None if causes is None else causes[i].why,
                    versions=dict(self._versions),
                    insufficient=insufficient[i],
                    fallback_code=None if causes is None else causes[i].code,
                )
            )
        return out
