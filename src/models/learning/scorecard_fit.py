"""Points card fitted from data: weight of evidence in monotone bins, few indicators, whole points on the scale.

The order of the indicators is a forward choice on the visits that teach; how many of them is chosen by what cards made
the same way at the rolling origins said of the months that followed. Their margins there, which no card has seen, are
calibrated as a model's are, and the scale is laid through the margins of the risks at the province's cuts. The test
takes no part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.catalogue import FAMILIES
from features.catalogue.declaration import Indicator
from models.arrays import Floats
from models.errors import ModelError
from models.evaluation.metrics import Sample, auc_kernel
from models.learning.learner import bands_of, calibrated
from models.learning.linear import minimise
from models.learning.woe import Bins, CardPolicy, card_policy, weigh
from models.scoring.bands import SCALE, BandPolicy
from models.scoring.calibrators import AnyCalibrator
from models.scoring.rules.scorecard import FamilyWeight, Scorecard, ScorecardItem, Step, Steps
from models.study.circumstances import Circumstances
from models.study.dataset import Dataset, Part
from models.study.experiment import Experiment
from models.study.indicators import catalogue
from models.study.weights import Rows


@dataclass(frozen=True)
class Evidence:
    """A logistic regression on weights of evidence, indicator by indicator in the order of choice.

    Parameters
    ----------
    names
        Indicators, in the order in which they were chosen.
    bins
        Of each.
    coefficients
        Of each, none below 0: a bin that is riskier never gets fewer points.
    intercept
        Log-odds where all evidence is neutral.
    """

    names: tuple[str, ...]
    bins: tuple[Bins, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def margin(self, X: Floats, columns: Mapping[str, int]) -> Floats:
        """Return the log-odds of rows [n, k] whose columns are named."""
        out = np.full(len(X), self.intercept)
        for name, bins, coefficient in zip(self.names, self.bins, self.coefficients, strict=True):
            out += coefficient * bins.of(X[:, columns[name]])
        return out


@dataclass(frozen=True)
class FittedCard:
    """A card and how it came to be.

    Parameters
    ----------
    card
        The scorecard, as a policy file holds it.
    evidence
        The regression behind its points.
    path
        AUC out of time with the first 1, 2, … indicators, over the rolling origins.
    calibrator, margin
        Of the out-of-time margins, which belong to the visits of the part "calibrate".
    rates_at_cuts
        Risk at each cut of the province as the card's straight scale has it; the policy's own are beside it in
        ``bands.toml``.
    scores
        What each origin's card said of the calibration visits, on the card's scale but not rounded, [n].
    """

    card: Scorecard
    evidence: Evidence
    path: tuple[float, ...]
    calibrator: AnyCalibrator
    margin: Floats
    scale: tuple[float, float]
    rates_at_cuts: tuple[float, float, float]

    @property
    def scores(self) -> Floats:
        """Out-of-time scores of the calibration visits, not rounded."""
        return np.asarray(self.scale[0] + self.scale[1] * self.margin, dtype=np.float64)


def fit_card(
    experiment: Experiment, dataset: Dataset, name: str, say: Callable[[str], None] = lambda _: None
) -> FittedCard:
    """Fit a points card on the visits that teach.

    Parameters
    ----------
    experiment, dataset
        The study and its rows.
    name
        Of the card.
    say
        Told of every step.

    Raises
    ------
    ModelError
        If no indicator tells anything in its direction, or the points would leave the scale.
    """
    policy, known = card_policy(experiment.province), catalogue(experiment)
    directions = [known[n].monotone for n in dataset.names]
    columns = {n: j for j, n in enumerate(dataset.names)}
    seen: list[list[Floats]] = []
    for number, fold in enumerate(dataset.folds, start=1):
        say(f"rolling origin {number} of {len(dataset.folds)}")
        cards = _forward(fold.fit.rows(), dataset.names, directions, policy)
        seen.append([one.margin(fold.validate.X, columns) for one in cards])
    path = tuple(_out_of_time([fold.validate for fold in dataset.folds], seen))
    if not path:
        raise ModelError("no indicator tells violations apart in its direction: there is nothing to give points for")
    many = int(np.nanargmax(path))
    say(f"fitting on everything known: {many + 1} indicators")
    chosen = _forward(dataset.parts["fit"].rows(), dataset.names, directions, policy, most=many + 1)[-1]
    # The part "calibrate" has the oldest origin first.
    margin = np.concatenate([each[min(many, len(each) - 1)] for each in reversed(seen)])
    calibrator, _ = calibrated(experiment, dataset.parts["calibrate"], margin)
    bands = bands_of(experiment)
    everyone = chosen.margin(dataset.population, columns)
    scale = _scale(bands, _margins_at_cuts(bands, calibrator, everyone), everyone)
    card = _points(chosen, scale, known, name, {n: dataset.population[:, j] for n, j in columns.items()})
    rates = tuple(float(calibrator.probability((cut - scale[0]) / scale[1])) for cut in bands.cuts)
    return FittedCard(card, chosen, path, calibrator, margin, scale, (rates[0], rates[1], rates[2]))


def _forward(
    rows: Rows, names: tuple[str, ...], directions: list[int], policy: CardPolicy, most: int | None = None
) -> list[Evidence]:
    """Return the cards with the first 1, 2, … indicators, each the one whose score statistic is the greatest."""
    y = np.asarray(rows.y, dtype=np.float64)
    weight = np.ones(len(y)) if rows.weight is None else rows.weight
    cut = [weigh(rows.X[:, j], y, weight, d, policy) for j, d in enumerate(directions)]
    open_ = [j for j, one in enumerate(cut) if one is not None]
    evidence = {j: one.of(rows.X[:, j]) for j, one in enumerate(cut) if one is not None}
    share = weight / weight.sum()
    taken: list[int] = []
    out: list[Evidence] = []
    p = np.full(len(y), float(share @ y))
    while open_ and len(taken) < (most or policy.most_indicators):
        held = share * p * (1 - p)
        gain = {}
        for j in open_:
            gradient = float(evidence[j] @ (share * (y - p)))
            centred = evidence[j] - float(held @ evidence[j] / held.sum())
            gain[j] = gradient**2 / max(float(held @ centred**2), 1e-300) if gradient > 0 else 0.0
        best = max(open_, key=lambda j: (gain[j], -j))
        if gain[best] <= 0:
            break
        taken.append(best)
        open_.remove(best)
        one, p = _regressed(rows, [evidence[j] for j in taken], y, share, policy)
        bins = tuple(b for j in taken if (b := cut[j]) is not None)
        out.append(Evidence(tuple(names[j] for j in taken), bins, one[:-1], one[-1]))
    return out


def _regressed(
    rows: Rows, evidence: list[Floats], y: Floats, share: Floats, policy: CardPolicy
) -> tuple[tuple[float, ...], Floats]:
    """Return coefficients (none below 0) with the intercept behind them, and the fitted risks of the rows."""
    design = np.column_stack(evidence)
    around = rows.circumstances or Circumstances.none(len(y))
    # What targeted visits find more, where the study asks for it, is learned apart; pairs of inspectors are not.
    alone = Circumstances(around.terms, np.full(len(y), -1))
    theta = minimise(design, y, share, alone, [1] * design.shape[1], policy.strength)
    width = design.shape[1]
    eta = design @ theta[:width] + theta[width] + alone.terms @ theta[width + 1 :]
    return tuple(theta[: width + 1].tolist()), expit(eta)


def _out_of_time(parts: list[Part], seen: list[list[Floats]]) -> list[float]:
    """Return the AUC after the origins by number of indicators, each origin's by the weight of its violations."""
    out = []
    for many in range(min((len(each) for each in seen), default=0)):
        total = found = 0.0
        for part, margins in zip(parts, seen, strict=True):
            if part.kinds < 2:
                continue
            sample = Sample.of(part.y, part.enterprise, part.weight)
            bad = float(sample.weight @ sample.y)
            found += bad * float(auc_kernel(sample, margins[many])(sample.weight[None, :])[0])
            total += bad
        out.append(found / total if total else float("nan"))
    return out if np.isfinite(out).any() else []


def _margins_at_cuts(bands: BandPolicy, calibrator: AnyCalibrator, population: Floats) -> Floats:
    """Return the margin of each cut: where the calibrated risk is its rate, or the population has its share."""
    if bands.anchor == "rate":
        return np.asarray([calibrator.margin_at(rate) for rate in bands.rates])
    return np.asarray(np.quantile(population, np.cumsum(bands.shares)[:-1]), dtype=np.float64)


def _scale(bands: BandPolicy, at: Floats, population: Floats) -> tuple[float, float]:
    """Return offset and points per unit of log-odds: the straight line nearest to the cuts at their margins.

    Points that add up can't bend: the rates at the cuts then differ somewhat from the policy's, and are told. The line
    leaves the average enterprise, and three of four, above 0 points, where it would not by itself.
    """
    centred = at - at.mean()
    spread = float(centred @ centred)
    if spread <= 0:
        raise ModelError("the risks at the cuts lie at one margin: the card tells nobody apart")
    cuts = np.asarray(bands.cuts, dtype=np.float64)
    slope = float(centred @ cuts) / spread
    offset = float(cuts.mean()) - slope * float(at.mean())
    low = min(float(population.mean()), float(np.quantile(population, 0.25)))
    if offset + slope * low < 0 and low < at[0]:
        above = at - low
        slope = float(above @ cuts) / float(above @ above)
        offset = -slope * low
    return offset, slope


def _points(
    found: Evidence,
    scale: tuple[float, float],
    known: Mapping[str, Indicator],
    name: str,
    population: Mapping[str, Floats],
) -> Scorecard:
    """Return the card in whole points.

    Points of an indicator are counted from those of the population's average, which go into the base: the base is then
    the score of an average enterprise, whatever the mix of the visits that taught.
    """
    base, entries = round(scale[0] + scale[1] * found.intercept), []
    for indicator, bins, coefficient in zip(found.names, found.bins, found.coefficients, strict=True):
        usual = round(scale[1] * coefficient * float(bins.of(population[indicator]).mean()))
        points = [float(round(scale[1] * coefficient * woe) - usual) for woe in bins.woe]
        base += usual
        if len(set(points)) == 1:
            continue  # rounded away: an entry that tells nobody apart only costs a reader's time
        about = known[indicator]
        steps = tuple(Step(at_least=float(e), points=p) for e, p in zip(bins.edges, points[1:], strict=True))
        rates = "/".join(f"{100 * rate:.1f}" for rate in bins.rates)
        entries.append(
            ScorecardItem(
                indicator=indicator,
                zh=about.zh,
                family=about.family,
                rule=Steps(kind="steps", below=points[0], steps=steps),
                missing=float(round(scale[1] * coefficient * bins.unknown) - usual),
                why=f"violations in {rates} % of {int(bins.visits.sum()):,} visits, bin by bin",
            )
        )
    base = max(base, 0) if base > -len(found.names) else base  # what rounding alone took
    if not 0 <= base <= SCALE:
        raise ModelError(f"an average enterprise would have {base} points, beyond 0 to {SCALE:g}")
    if not entries:
        raise ModelError("every indicator's points round to 0: there is no card")
    entries.sort(key=lambda e: [*known].index(e.indicator))
    families = {f: FamilyWeight(zh=zh, weight=1.0) for f, zh in FAMILIES.items()}
    return Scorecard(name=name, base=float(base), families=families, entries=tuple(entries))
