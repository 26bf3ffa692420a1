"""The experiment file: everything a study decides, written down before anything is fitted.

Dates are half-open, ``[from, to)``, on the day of the visit, and stand in the file: a cut-off can't be
moved after the test was looked at without the change being seen.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
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
SEGMENTS = ("fit", "calibrate", "test")
"""What visits are for. Those that calibrate also teach: their margins are of models that had not seen them."""


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
    ``peers``: recent peer rates, too (`features.catalogue.families.recent`), by name or all.
    """

    families: tuple[Family, ...] = FAMILIES
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    constant: Literal["drop", "keep"] = "drop"
    covered: float = Field(default=0.9, ge=0, le=1)
    peers: bool = False

    @model_serializer(mode="wrap")
    def _as_without_peers(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``peers`` out where they are off: no hash of a study without them depends on there being such."""
        found: dict[str, Any] = dump(self)
        return {k: v for k, v in found.items() if k != "peers" or v}


class Split(Policy):
    """The moment that a model is for: everything known before ``test_from`` teaches, what came after measures.

    ``learn_from``: the first visit that teaches; without it, a year after the records of inspections begin, so that
    windows of a year are covered for every visit. ``gap_days``: visits so shortly before a moment do not teach for it:
    only the quickest of their results are known, and those are no fair sample (violations, mostly, are slow). Without
    ``test_to`` the test runs to the end of what the source holds.
    """

    learn_from: date | None = None
    test_from: date
    test_to: date = date(9999, 1, 1)
    gap_days: int = Field(default=0, ge=0, le=366)

    @model_validator(mode="after")
    def _in_order(self) -> Split:
        if self.learn_from is not None and self.learn_from >= self.test_from - timedelta(days=self.gap_days):
            raise ValueError(
                f"learn_from {self.learn_from} must be before test_from {self.test_from} less {self.gap_days} days"
            )
        if self.test_from >= self.test_to:
            raise ValueError(f"test_from {self.test_from} must be before test_to {self.test_to}")
        if self.test_from.day != 1 or self.test_to.day != 1:
            # a month is one cut-off: a boundary inside it would put one moment of a firm on both sides
            raise ValueError(f"test_from {self.test_from} and test_to {self.test_to} must be the first of a month")
        return self


class Origins(Policy):
    """Rolling origins: earlier moments, at each of which the learner is fitted on what was known then.

    What it says of the ``months`` that follow an origin is out of time. Parameters, the number of trees and their share
    are chosen by these margins, and the calibration is fitted to them. The last origin lies ``months`` before the test,
    each other one as much earlier; at most ``count`` of them, as far back as a fit of ``least_months`` allows.
    """

    count: int = Field(default=6, ge=1, le=36)
    months: int = Field(default=2, ge=1, le=12)
    least_months: int = Field(default=6, ge=1)


Known = Literal["ignored", "known"]


class Arms(Policy):
    """Which arms' outcomes are used for what, and which circumstances of a visit are known apart.

    Only the random arm, weighted by 1/draw probability, measures the true rate; "design" weights therefore need measure
    to be the random arm alone. The arms that measure calibrate, too.

    ``arm``, ``trigger``, ``field``, ``inspector`` "known": what visits find more for this reason at equal records is
    learned apart and left out when scoring (`models.study.circumstances`).
    ``fit_weights``: "equal", "design" (1/draw probability; the random arm alone) or "inverse_probability": visits are
    weighted so that their indicators spread as the whole cohort's do. That mends who is visited at equal indicators,
    not what the records don't show. Which way holds against the truth is measured by ``fenlei bench learn``.
    """

    learn: tuple[Arm, ...] = ("random", "targeted", "unknown")
    measure: tuple[Arm, ...] = ("random",)
    weights: Literal["design", "equal"] = "design"
    arm: Known = "ignored"
    trigger: Known = "ignored"
    field: Known = "ignored"
    inspector: Known = "ignored"
    fit_weights: Literal["equal", "design", "inverse_probability"] = "equal"

    @model_validator(mode="after")
    def _strategy(self) -> Arms:
        if self.arm == "known" and not {"random"} < set(self.learn):
            raise ValueError('arm = "known" needs learn to name "random" and another arm')
        if self.fit_weights == "design" and set(self.learn) != {"random"}:
            raise ValueError('fit_weights = "design" needs learn to be ["random"]: only its visits are drawn')
        return self

    @model_validator(mode="after")
    def _design(self) -> Arms:
        if not (self.learn and self.measure):
            raise ValueError("learn and measure each name at least one arm")
        if self.weights == "design" and not self.measures_random:
            raise ValueError('weights = "design" needs measure = ["random"]')
        return self

    @property
    def measures_random(self) -> bool:
        """Whether calibration and test use the random arm and nothing else."""
        return self.measure == ("random",)

    def of(self, segment: str) -> tuple[Arm, ...]:
        """Return the arms used in a segment."""
        return self.learn if segment == "fit" else self.measure


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


class Backtest(Policy):
    """Moments at which ``fenlei backtest`` retrains: ``origins`` of them, ``every`` so many months, from ``first`` on.

    Without ``first`` the last window ends with the last whole month of the records.
    """

    first: date | None = None
    origins: int = Field(default=6, ge=1, le=60)
    every: int = Field(default=2, ge=1, le=12)


class Tuning(Policy):
    """How the learner's parameters are chosen by the rolling origins.

    ``trials`` of the search in ``space``; 0: those of ``learner`` as they stand. ``objective``, on the visits after
    each origin: "log_loss" of the probability, its level and slope fitted on the visits themselves, so that what counts
    is the order and the shape; or "visits_needed": share of the visits, the riskiest first, that find ``found_share``
    of what all visits would find (so 1 less it, over ``found_share``, is what is saved against visiting at random).
    ``prune``: give a trial up when its mean so far is worse than the median at that origin. ``blend`` "chosen": how
    many trees, up to ``n_estimators``, and their share in the margin are chosen by the origins, too; "fixed": those of
    ``learner``.
    """

    trials: int = Field(default=0, ge=0)
    objective: Literal["log_loss", "visits_needed"] = "log_loss"
    found_share: float = Field(default=0.5, gt=0, lt=1)
    prune: bool = True
    blend: Literal["chosen", "fixed"] = "chosen"
    space: dict[str, Range] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something_to_search(self) -> Tuning:
        if self.trials and not self.space:
            raise ValueError("trials > 0 needs a search space")
        return self


class Calibration(Policy):
    """How the margin becomes a probability; "auto" chooses by out-of-time log loss (`models.learning.calibration`).

    ``half_life_days``: a visit so many days older than the latest counts half. Where the level of what visits find
    moves from season to season the last months tell it best; without it all visits of the origins count alike, as a
    year of the random arm should.
    """

    kind: Literal["auto", "spline", "platt", "beta", "isotonic"] = "auto"
    half_life_days: float | None = Field(default=None, gt=0)


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

    ``cutoff``: indicators are as known at the first of the visit's month, or on the Monday of its week.
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
    origins: Origins = Origins()
    cutoff: Literal["month", "week"] = "month"
    arms: Arms = Arms()
    learner: dict[str, int | float | str | bool] = Field(default_factory=dict)
    additive_families: bool = False
    tuning: Tuning = Tuning()
    calibration: Calibration = Calibration()
    bands: Bands = Bands()
    evaluation: Evaluation = Evaluation()
    backtest: Backtest = Backtest()

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
        """Whose policies hold, which sector's enterprises and indicators are taken, and whether recent peer rates."""
        return Scope(self.province, sector=self.sector, peers=self.indicators.peers)

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
