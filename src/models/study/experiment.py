"""The experiment file: everything a study decides, written down before anything is fitted.

Dates are half-open, ``[from, to)``, on the day of the visit, and stand in the file: a cut-off can't be
moved after the test was looked at without the change being seen.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from features.given import PathLike, as_path
from features.policy import Policy, load_toml
from features.scope import Scope
from models.study.parameters import check_parameters, check_space
from models.study.source import Source

Arm = Literal["random", "targeted", "unknown"]
Family = Literal["basic", "dynamic", "regulatory", "association", "societal"]
FAMILIES: tuple[Family, ...] = ("basic", "dynamic", "regulatory", "association", "societal")
SEGMENTS = ("fit", "stop", "calibrate", "test")
"""Order of the segments in time."""
LEARNING = ("fit", "stop")
"""Segments whose rows teach; in the others they calibrate or measure."""


class Label(Policy):
    """Which visits carry a label.

    "without_6_and_B" leaves out the visits that are violations only by result codes 6 or B: those nearly
    restate the abnormal list and the annual report.
    """

    codes: Literal["all", "without_6_and_B"] = "all"


class Cohort(Policy):
    """Whom the study is about; ``members_only``: visits of the province's cohort (existing, visitable) alone."""

    members_only: bool = True


class Indicators(Policy):
    """Which indicators the learner sees: families, then ``only`` these names when given, less ``without``.

    ``constant`` "drop" leaves out those that never vary in the fit, or that are known to the source for less
    than the share ``covered`` of the fit's rows: elsewhere 'unknown' would only tell the learner the date.
    """

    families: tuple[Family, ...] = FAMILIES
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    constant: Literal["drop", "keep"] = "drop"
    covered: float = Field(default=0.9, ge=0, le=1)


class Split(Policy):
    """Four segments of time, each later than the last, each boundary the first of a month.

    ``gap_days`` is the least distance between two segments: the reporting lag, so that slow results (the
    violations, mostly) are not missing from the end of a segment. Without ``test_to`` the test runs to the end
    of what the source holds.
    """

    fit_from: date
    fit_to: date
    stop_from: date
    stop_to: date
    calibrate_from: date
    calibrate_to: date
    test_from: date
    test_to: date = date(9999, 1, 1)
    gap_days: int = Field(default=0, ge=0)

    def bounds(self, segment: str) -> tuple[date, date]:
        """Return ``(from, to)`` of a segment."""
        return getattr(self, f"{segment}_from"), getattr(self, f"{segment}_to")

    @model_validator(mode="after")
    def _in_order(self) -> Split:
        for name in SEGMENTS:
            start, end = self.bounds(name)
            if start >= end:
                raise ValueError(f"{name}_from {start} must be before {name}_to {end}")
            if start.day != 1 or end.day != 1:
                # a month is one cut-off: a boundary inside it would put one moment of a firm on both sides
                raise ValueError(f"{name}_from {start} and {name}_to {end} must be the first of a month")
        for before, after in pairwise(SEGMENTS):
            end, start = self.bounds(before)[1], self.bounds(after)[0]
            if start < end + timedelta(days=self.gap_days):
                raise ValueError(f"{after}_from {start} must be at least {self.gap_days} days after {before}_to {end}")
        return self


class Arms(Policy):
    """Which arms' outcomes are used for what.

    Only the random arm, weighted by 1/draw probability, measures the true rate; "design" weights
    therefore need calibrate and measure to be the random arm alone.

    ``arm`` "known": what targeted visits find more at equal records is learned apart and left out when scoring.
    ``fit_weights``: "equal", "design" (1/draw probability; the random arm alone) or "inverse_probability" (visited
    enterprises weighted to resemble the cohort). See `models.learning.arms`.
    """

    learn: tuple[Arm, ...] = ("random", "targeted", "unknown")
    stop: tuple[Arm, ...] = ()
    calibrate: tuple[Arm, ...] = ("random",)
    measure: tuple[Arm, ...] = ("random",)
    weights: Literal["design", "equal"] = "design"
    arm: Literal["ignored", "known"] = "ignored"
    fit_weights: Literal["equal", "design", "inverse_probability"] = "equal"

    @model_validator(mode="after")
    def _strategy(self) -> Arms:
        learning = {*self.learn, *self.of("stop")}
        if self.arm == "known" and not ({"random"} < set(self.learn) and {"random"} < set(self.of("stop"))):
            raise ValueError('arm = "known" needs learn (and stop) to name "random" and another arm')
        if self.fit_weights == "design" and learning != {"random"}:
            raise ValueError('fit_weights = "design" needs learn and stop to be ["random"]: only they are drawn')
        return self

    @model_validator(mode="after")
    def _design(self) -> Arms:
        if not (self.learn and self.calibrate and self.measure):
            raise ValueError("learn, calibrate and measure each name at least one arm")
        if self.weights == "design" and not self.measures_random:
            raise ValueError('weights = "design" needs calibrate = ["random"] and measure = ["random"]')
        return self

    @property
    def measures_random(self) -> bool:
        """Whether calibration and test use the random arm and nothing else."""
        return self.calibrate == ("random",) and self.measure == ("random",)

    def of(self, segment: str) -> tuple[Arm, ...]:
        """Return the arms used in a segment."""
        return {
            "fit": self.learn,
            "stop": self.stop or self.learn,
            "calibrate": self.calibrate,
            "validate": self.measure,
            "test": self.measure,
        }[segment]


class Range(Policy):
    """Range of one searched learner parameter."""

    low: float
    high: float
    kind: Literal["int", "float"] = "float"
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError(f"needs low < high, and low > 0 when log; got {self.low}, {self.high}")
        return self


class Rolling(Policy):
    """Rolling origins for a search: each fits, stops and validates in turn, all before the calibration begins.

    The latest validation ends with the split's early-stopping segment; each further origin lies ``step_months``
    earlier. ``least_months``: of the shortest fit. 0 ``folds``: nothing is validated, and nothing can be searched.
    """

    folds: int = Field(default=3, ge=0, le=12)
    step_months: int = Field(default=3, ge=1)
    stop_months: int = Field(default=2, ge=1)
    validate_months: int = Field(default=3, ge=1)
    least_months: int = Field(default=6, ge=1)


class Tuning(Policy):
    """How the learner's parameters are searched; 0 trials: those of ``learner`` as they stand.

    ``objective``, on the validation rows of each rolling origin: "log_loss" of the probability, its level fitted by
    one logistic map on the early-stopping rows; or "visits_needed": share of the visits, the riskiest first, that
    find ``found_share`` of what all visits would find (so 1 less it, over ``found_share``, is what is saved against
    visiting at random). ``prune``: give a trial up when its mean so far is worse than the median at that origin.
    """

    trials: int = Field(default=0, ge=0)
    objective: Literal["log_loss", "visits_needed"] = "log_loss"
    found_share: float = Field(default=0.5, gt=0, lt=1)
    rolling: Rolling = Rolling()
    prune: bool = True
    space: dict[str, Range] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something_to_search(self) -> Tuning:
        if self.trials and not self.space:
            raise ValueError("trials > 0 needs a search space")
        if self.trials and not self.rolling.folds:
            raise ValueError("trials > 0 needs tuning.rolling.folds >= 1 to be judged on")
        return self


class Calibration(Policy):
    """How the margin becomes a probability; "auto" chooses by out-of-time log loss (`models.learning.calibration`)."""

    kind: Literal["auto", "spline", "platt", "beta", "isotonic"] = "auto"


class Bands(Policy):
    """What risk sits at the policy's score cuts; every value left out is the province's ``bands.toml``'s.

    ``anchor`` "rate": the violation rates at the three cuts; "share": the population shares of A, B, C, D.
    """

    anchor: Literal["rate", "share"] | None = None
    rates: tuple[float, float, float] | None = None
    shares: tuple[float, float, float, float] | None = None


class Evaluation(Policy):
    """How the test is measured."""

    repetitions: int = Field(default=2000, ge=0)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    past_rate_strength: float = Field(default=4.0, gt=0)


class Experiment(Policy):
    """One study; see ``experiments/README.md`` for the commented fields.

    ``learner``: parameters of `models.learning.classifier.RiskClassifier` by name. ``additive_families``: no tree mixes
    two families, so that in log-odds the families add up exactly, each decided by its own indicators alone; points of
    the score are scaled (`models.scoring.reasons.points.scaled_points`). ``sector``: learn its indicators too, from
    visits to
    its enterprises alone; see `features.catalogue.sectors`.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    province: str
    sector: str | None = None
    seed: int = Field(ge=0, le=2**31 - 1)  # what LightGBM and Optuna keep of one
    source: Source = Source()
    label: Label = Label()
    cohort: Cohort = Cohort()
    indicators: Indicators = Indicators()
    split: Split
    arms: Arms = Arms()
    learner: dict[str, int | float | str | bool] = Field(default_factory=dict)
    additive_families: bool = False
    tuning: Tuning = Tuning()
    calibration: Calibration = Calibration()
    bands: Bands = Bands()
    evaluation: Evaluation = Evaluation()

    @field_validator("learner")
    @classmethod
    def _of_the_learner(cls, given: dict[str, int | float | str | bool]) -> dict[str, int | float | str | bool]:
        check_parameters(given)
        return given

    @field_validator("tuning")
    @classmethod
    def _searches_what_there_is(cls, given: Tuning) -> Tuning:
        check_space({name: (r.low, r.high, r.kind) for name, r in given.space.items()})
        return given

    @property
    def scope(self) -> Scope:
        """Whose policies hold and which sector's enterprises and indicators are taken."""
        return Scope(self.province, sector=self.sector)

    @model_validator(mode="after")
    def _sector_has_members(self) -> Experiment:
        if self.sector and not self.cohort.members_only:
            raise ValueError("a sector needs cohort.members_only = true: it is about its own enterprises alone")
        return self

    @model_serializer(mode="wrap")
    def _as_without_sector(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``sector`` out where there is none: no hash of a general study depends on there being sectors."""
        found: dict[str, Any] = dump(self)
        return {k: v for k, v in found.items() if k != "sector" or v is not None}


def load_experiment(path: PathLike) -> Experiment:
    """Read and validate an experiment file.

    Raises
    ------
    ConfigError
        If the file is missing or breaks the schema; the message names the file and the key.

    Examples
    --------
    With ``study`` an experiment file:

    >>> load_experiment(study).province
    'hebei'
    """
    experiment = load_toml(path, Experiment)
    return experiment.model_copy(update={"source": experiment.source.at(as_path(path, "experiment file").parent)})


def experiment_hash(experiment: Experiment) -> str:
    """SHA-256 over the experiment as validated: comments and layout don't count, every value does."""
    return hashlib.sha256(experiment.model_dump_json().encode()).hexdigest()
