"""A backtest says at each moment what production would have said then, and measures it beside the rivals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from features.catalogue import CATALOGUE
from features.errors import ConfigError
from helpers import small_study
from models.arrays import Floats
from models.backtest.figures import differences, figures, pooled_auc, scores_by_visit
from models.backtest.scorers import MODEL, Told, rival_margins, tell
from models.backtest.windows import Window, Windows, known_by, origins_of
from models.learning.calibration import fit_calibrator
from models.learning.rolling import choose_blend, look_back
from models.study.dataset import Fold
from models.study.experiment import Backtest, Experiment


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return small_study.experiment().model_copy(
        update={
            "evaluation": small_study.DEMO.evaluation.model_copy(update={"repetitions": 60}),
            "calibration": small_study.DEMO.calibration.model_copy(update={"kind": "platt"}),
        }
    )


def made(names: tuple[str, ...] = small_study.dataset().names) -> Windows:
    """Four moments of made-up visits, the later two of them measured; every result known after ten days."""
    folds = [small_study.fold(k) for k in reversed(range(4))]
    windows = tuple(Window(_with_scores(fold), names, counts=k >= 2) for k, fold in enumerate(folds))
    every = pd.concat([w.fold.validate.outcomes for w in windows], ignore_index=True)
    known = {w.fold.day: every[(every["known_at"] < w.fold.day).to_numpy()] for w in windows}
    return Windows(windows, every, known)


def _with_scores(fold: Fold) -> Fold:
    outcomes = fold.validate.outcomes.assign(severity=fold.validate.y.astype(int))
    return replace(fold, validate=replace(fold.validate, outcomes=outcomes))


@pytest.fixture(scope="module")
def told(experiment: Experiment) -> tuple[Told, ...]:
    return tell(experiment, _without_rules(made()), lambda _: None)


def _without_rules(found: Windows) -> Windows:
    """Give the visits' frames what the rules read: every indicator, unknown where the study has none."""

    def wide(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.reindex(columns=list(dict.fromkeys([*CATALOGUE, *frame.columns])))

    windows = tuple(
        replace(w, fold=replace(w.fold, validate=replace(w.fold.validate, frame=wide(w.fold.validate.frame))))
        for w in found.windows
    )
    return replace(found, windows=windows)


def test_origins_stand_at_equal_distances_and_those_before_only_calibrate() -> None:
    plan = Backtest(first=date(2023, 9, 1), origins=3, every=2)
    before, measured = origins_of(plan, date(2022, 9, 1), 6, date(2024, 8, 30))
    assert measured == [date(2023, 9, 1), date(2023, 11, 1), date(2024, 1, 1)]
    assert before == [date(2023, 3, 1), date(2023, 5, 1), date(2023, 7, 1)]


def test_without_a_first_day_the_last_window_ends_with_the_last_whole_month() -> None:
    _, measured = origins_of(Backtest(origins=2, every=3), date(2020, 1, 1), 6, date(2024, 8, 31))
    assert measured == [date(2024, 3, 1), date(2024, 6, 1)]
    _, measured = origins_of(Backtest(origins=2, every=3), date(2020, 1, 1), 6, date(2024, 8, 30))
    assert measured == [date(2024, 2, 1), date(2024, 5, 1)]


def test_too_many_origins_are_refused_with_the_first_day_there_could_be_one() -> None:
    with pytest.raises(ConfigError, match="the first can be 2023-07-01"):
        origins_of(Backtest(origins=8, every=2), date(2023, 1, 1), 6, date(2024, 8, 31))


def test_an_earlier_window_is_seen_as_a_later_day_saw_it() -> None:
    found = made()
    window, day = found.windows[2], found.windows[3].fold.day
    part = window.fold.validate
    corrected = found.known[day].copy()
    at = int(np.flatnonzero(corrected["inspection_id"].isin(part.outcomes["inspection_id"]).to_numpy())[0])
    label = 1 - int(corrected["violation"].iloc[at])
    corrected["violation"] = np.where(np.arange(len(corrected)) == at, label, corrected["violation"])
    then = known_by(window, day, 0, corrected).fold.validate
    assert (then.outcomes["known_at"] < day).all()
    assert 0 < len(then) < len(part)
    turned = then.outcomes["inspection_id"].to_numpy() == corrected["inspection_id"].iloc[at]
    assert then.y[turned].tolist() == [label]
    gap = known_by(window, day, 30, found.known[day]).fold.validate
    assert (gap.outcomes["visited_on"] < day - timedelta(days=30)).all()


def test_blend_and_calibration_are_of_what_was_known_at_the_moment(
    experiment: Experiment, told: tuple[Told, ...]
) -> None:
    found, params = made(), dict(experiment.learner)
    day = found.windows[2].fold.day
    seen = []
    for window in found.windows[:2]:
        then = known_by(window, day, experiment.split.gap_days, found.known[day])
        back = look_back(experiment, window.names, then.fold, params)
        seen.append(back)
    chosen = choose_blend(experiment, seen, params)
    assert (told[0].blend.rounds, told[0].blend.tree_share) == (chosen.rounds, chosen.tree_share)
    margin = np.concatenate([b.margin(chosen.rounds, chosen.tree_share) for b in seen])
    y = np.concatenate([b.fold.validate.y for b in seen])
    weight = np.concatenate([b.fold.validate.weight for b in seen])
    expected = fit_calibrator("platt", margin, y, weight).probability(told[0].margins[MODEL])
    assert told[0].probabilities[MODEL] == pytest.approx(expected, abs=1e-9)


def test_what_happens_later_moves_nothing_that_was_said_before(experiment: Experiment, told: tuple[Told, ...]) -> None:
    found = _without_rules(made())
    last = found.windows[-1]
    part = last.fold.validate
    other = replace(last, fold=replace(last.fold, validate=replace(part, y=1 - part.y, X=part.X + 1)))
    moved = tell(experiment, replace(found, windows=(*found.windows[:-1], other)), lambda _: None)
    for name, margin in told[0].margins.items():
        assert np.array_equal(moved[0].margins[name], margin)
    for name, probability in told[0].probabilities.items():
        assert np.array_equal(moved[0].probabilities[name], probability)
    assert moved[1].blend == told[1].blend


def test_the_pooled_auc_is_the_mean_within_moments_by_violations(
    told: tuple[Told, ...], experiment: Experiment
) -> None:
    def auc(one: Told, margin: Floats) -> float:
        part = one.window.fold.validate
        return float(roc_auc_score(part.y, margin, sample_weight=part.weight))

    bad = [float(one.window.fold.validate.weight @ one.window.fold.validate.y) for one in told]
    expected = np.average([auc(one, one.margins[MODEL]) for one in told], weights=bad)
    margins = [one.margins[MODEL] for one in told]
    assert pooled_auc(told, margins) == pytest.approx(expected, abs=1e-12)
    shifted = [margin + 10 * k for k, margin in enumerate(margins)]  # another level at another moment ranks nobody anew
    assert pooled_auc(told, shifted) == pytest.approx(expected, abs=1e-12)
    shown = figures(experiment, told)
    assert shown.pooled.values[MODEL]["auc"].value == pytest.approx(expected, abs=1e-12)  # noqa: PD011
    best = pooled_auc(told, [one.back.margin(*shown.best_blend) for one in told])
    assert shown.regret == pytest.approx(best - expected, abs=1e-12)


def test_a_learner_less_itself_is_nought_and_less_noise_is_ahead(
    told: tuple[Told, ...], experiment: Experiment
) -> None:
    full = [one.margins[MODEL] for one in told]
    noise = [np.random.default_rng(k).normal(size=len(m)) for k, m in enumerate(full)]
    found = differences(experiment, told, full, {"itself": full, "noise": noise})
    assert (found["itself"].value, found["itself"].low, found["itself"].high) == (0.0, 0.0, 0.0)
    assert found["noise"].low > 0


def test_every_visit_is_told_once_with_every_scorer(told: tuple[Told, ...]) -> None:
    scores = scores_by_visit(told)
    assert scores["inspection_id"].is_unique
    assert len(scores) == sum(len(one.window.fold.validate) for one in told)
    assert {f"margin:{n}" for n in ("model", "scorecard", "past_rate", "logistic", "lightgbm_default")} <= set(scores)
    assert "probability:scorecard" not in scores  # the rules state none


def test_the_past_rate_is_what_was_known_of_the_enterprise_at_each_visits_cutoff(experiment: Experiment) -> None:
    found = _without_rules(made())
    last = found.windows[-1]
    rates = rival_margins(experiment, last, found.every)["past_rate"]
    prior, strength = float(last.fold.fit.y.mean()), experiment.evaluation.past_rate_strength
    for row, visit in enumerate(last.fold.validate.outcomes.head(60).itertuples()):
        own = found.every[(found.every["enterprise_id"] == visit.enterprise_id).to_numpy()]
        own = own[((own["visited_on"] < visit.cutoff) & (own["known_at"] < visit.cutoff)).to_numpy()]
        expected = (own["violation"].sum() + prior * strength) / (len(own) + strength)
        assert expit(rates[row]) == pytest.approx(expected, abs=1e-9)


def test_a_blend_that_is_given_is_kept_at_every_moment_and_no_part_is_told_that_there_is_not(
    experiment: Experiment,
) -> None:
    given = experiment.model_copy(
        update={
            "tuning": experiment.tuning.model_copy(update={"blend": "fixed"}),
            "learner": {**experiment.learner, "tree_share": 1.0},
        }
    )
    found = _without_rules(made())
    alone = replace(found, windows=(replace(found.windows[0], counts=True),))  # nothing before it to choose by
    (one,) = tell(given, alone, lambda _: None)
    assert (one.blend.rounds, one.blend.tree_share) == (given.learner["n_estimators"], 1.0)
    assert "linear part alone" not in one.margins
    assert figures(given, [one]).best_blend == (given.learner["n_estimators"], 1.0)
