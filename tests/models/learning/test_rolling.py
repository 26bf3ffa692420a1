"""Each rolling origin says what its own past alone lets it say, and by all of them together a blend is chosen.

The visits needed to find a share of the violations are those a person would count.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from helpers import small_study
from helpers.thorough import examples
from models.arrays import Floats
from models.errors import ModelError
from models.learning.calibration import fit_calibrator, log_loss
from models.learning.fit import fitted
from models.learning.linear import Effects
from models.learning.rolling import (
    Blend,
    LookBack,
    choose_blend,
    look_back,
    origin_loss,
    origins,
    out_of_time_margins,
    visits_needed,
)
from models.study.dataset import Dataset, Fold


def needed(margin: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, share: float = 0.5) -> float:
    margin, y = np.asarray(margin, dtype=float), np.asarray(y)
    return visits_needed(margin, y, np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float), share)


def test_the_visits_are_counted_from_the_riskiest_on() -> None:
    # Violations at the 1st, 3rd, 4th and 8th place of eight: two are found after three visits, three after four.
    y = [1, 0, 1, 1, 0, 0, 0, 1]
    assert needed(-np.arange(8), y) == 3 / 8
    assert needed(-np.arange(8), y, share=0.75) == 4 / 8
    assert needed(np.arange(8), y) == 5 / 8  # the other way round: 8th, 7th, 6th, 5th


def test_visits_that_find_nothing_more_are_not_counted() -> None:
    # Half is found by the first visit; the six clean ones before the next violation are not needed for it.
    assert needed(-np.arange(8), [1, 0, 0, 0, 0, 0, 0, 1]) == 1 / 8


def test_what_lies_between_two_violations_is_shared_out() -> None:
    assert needed([3, 2, 1, 0], [1, 0, 0, 0], share=0.5) == 0.5 / 4  # half a visit finds half of the one violation
    assert needed([3, 2, 1, 0], [0, 1, 1, 0], share=0.75) == 2.5 / 4


def test_a_visit_counts_as_many_as_it_stands_for() -> None:
    # Weights 1/draw probability: the riskiest stands for one enterprise, the next for three, two clean ones for six.
    y, weight = [1, 1, 0, 0], [1, 3, 2, 4]
    assert needed([3, 2, 1, 0], y, weight, share=0.25) == pytest.approx(1 / 10)
    assert needed([3, 2, 1, 0], y, weight, share=0.625) == pytest.approx(2.5 / 10)
    assert needed([3, 2, 1, 0], y, weight, share=0.25) != needed([3, 2, 1, 0], y, share=0.25)


def test_visits_of_equal_margin_come_in_no_order() -> None:
    # Of the two firms tied at the top one violates: half of the violations asks for both, whichever is listed first.
    for y in ([1, 0, 1, 0], [0, 1, 1, 0]):
        assert needed([5, 5, 1, 0], y) == 2 / 4
        assert needed([5, 5, 1, 0], y, share=0.25) == 1 / 4
    assert needed([7, 7, 7, 7], [0, 0, 1, 1], share=0.3) == pytest.approx(0.3)  # who can't rank saves nothing


def test_where_there_is_nothing_to_find_it_is_said() -> None:
    with pytest.raises(ModelError, match="no violation"):
        needed([3, 2, 1], [0, 0, 0])


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), st.integers(1, 5)), min_size=1, max_size=12),
    st.floats(0.05, 0.95),
)
def test_it_is_what_going_down_the_list_by_hand_gives(rows: list[tuple[int, int, int]], share: float) -> None:
    margin, y, weight = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    if not (y * weight).sum():
        return
    # By hand: go down the margins, take whole groups until one reaches what is wanted, of that one a part.
    wanted, found, visited = share * (y @ weight), 0.0, 0.0
    for level in sorted(set(margin), reverse=True):
        of = margin == level
        here = float((y * weight)[of].sum())
        if here and found + here >= wanted:
            visited += (wanted - found) / here * float(weight[of].sum())
            break
        found, visited = found + here, visited + float(weight[of].sum())
    assert visits_needed(margin, y, weight, share) == pytest.approx(visited / weight.sum(), abs=1e-9)


ROUNDS = (10, 20, 30, 40)
NOTHING = Effects(np.zeros(0), np.zeros(0))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return small_study.dataset(origins=4)


def said(fold: Fold, linear: Floats, trees: Floats) -> LookBack:
    """What was said at an origin; trees: the same with every number of them, or one column for each."""
    columns = trees if trees.ndim == 2 else np.tile(trees[:, None], (1, len(ROUNDS)))
    return LookBack(fold, linear, columns, ROUNDS, NOTHING)


def knowing(fold: Fold, much: float, seed: int) -> Floats:
    """Margins that know a part of the outcomes, and noise of spread 1."""
    rng = np.random.default_rng([seed, len(fold.validate), fold.day.toordinal()])
    return np.asarray(much * fold.validate.y + rng.normal(size=len(fold.validate)), dtype=np.float64)


def test_every_number_of_trees_at_every_share_is_what_a_fit_of_that_shape_says(dataset: Dataset) -> None:
    experiment, fold = small_study.experiment(), dataset.folds[0]
    params = {**experiment.learner, "feature_fraction": 0.6}
    back = look_back(experiment, dataset.names, fold, params)
    assert back.rounds == ROUNDS
    for rounds, share in ((10, 1.0), (20, 0.25), (40, 0.5), (30, 0.0)):
        shape = {**params, "n_estimators": rounds, "tree_share": share}
        alone = fitted(experiment, dataset.names, fold.fit, shape).decision_function(fold.validate.X)
        assert back.margin(rounds, share) == pytest.approx(alone, abs=1e-9)


def test_an_origin_says_the_same_whatever_its_visits_found(dataset: Dataset) -> None:
    experiment, fold = small_study.experiment(), dataset.folds[0]
    later = fold.validate
    turned = replace(fold, validate=replace(later, y=1 - later.y, weight=later.weight[::-1].copy()))
    plain, other = (look_back(experiment, dataset.names, f, experiment.learner) for f in (fold, turned))
    assert np.array_equal(plain.linear, other.linear)
    assert np.array_equal(plain.trees, other.trees)
    learnt = replace(fold, fit=replace(fold.fit, y=np.r_[1 - fold.fit.y[:50], fold.fit.y[50:]]))
    assert not np.array_equal(look_back(experiment, dataset.names, learnt, experiment.learner).linear, plain.linear)


def test_the_usual_blend_stays_where_another_is_better_by_chance_alone(dataset: Dataset) -> None:
    experiment = small_study.experiment()
    usual = (20, 0.5)
    kept = 0
    for seed in range(10):
        # Both parts say the same but for a little noise, so that no blend is better than another.
        seen = []
        for fold in dataset.folds:
            shared, rng = knowing(fold, 1.0, seed), np.random.default_rng([seed, fold.day.toordinal()])
            linear, *trees = (shared + 0.1 * rng.normal(size=len(shared)) for _ in range(1 + len(ROUNDS)))
            seen.append(said(fold, linear, np.column_stack(trees)))
        found = choose_blend(experiment, seen, {})
        best = min(found.losses, key=lambda one: found.losses[one])
        assert len(found.losses) == 1 + 4 * len(ROUNDS)
        kept += (found.rounds, found.tree_share) == usual != best  # where a choice of the least loss would take another
    assert kept >= 3


def test_another_blend_is_taken_where_it_is_clearly_better(dataset: Dataset) -> None:
    experiment = small_study.experiment()

    def chosen(linear: float, *trees: float) -> tuple[int, float]:
        seen = [
            said(f, knowing(f, linear, 1), np.column_stack([knowing(f, much, 2 + k) for k, much in enumerate(trees)]))
            for f in dataset.folds
        ]
        found = choose_blend(experiment, seen, {})
        assert found.losses[found.rounds, found.tree_share] == min(found.losses.values())
        return found.rounds, found.tree_share

    assert chosen(0.0, 2.0, 2.0, 2.0, 3.0) == (40, 1.0)
    assert chosen(3.0, 0.0, 0.0, 0.0, 0.0)[1] == 0.0
    assert chosen(2.0, 0.0, 0.0, 0.0, 2.0) == (40, 0.5)


def test_one_origin_alone_cannot_tell_chance_from_a_better_blend(dataset: Dataset) -> None:
    fold = dataset.folds[0]
    found = choose_blend(small_study.experiment(), [said(fold, knowing(fold, 0.0, 1), knowing(fold, 3.0, 2))], {})
    assert (found.rounds, found.tree_share) == (20, 0.5)
    assert found.losses[40, 1.0] < found.losses[20, 0.5]


def test_a_blend_that_the_study_fixes_is_not_chosen(dataset: Dataset) -> None:
    experiment = small_study.experiment(blend="fixed")
    params = {**experiment.learner, "tree_share": 0.75}
    back = look_back(experiment, dataset.names, dataset.folds[0], params)
    assert back.rounds == (40,)
    assert choose_blend(experiment, [back], params) == Blend(40, 0.75, {})


def test_out_of_time_margins_stand_in_the_order_of_the_calibration_visits(dataset: Dataset) -> None:
    part = dataset.parts["calibrate"]
    number = {v: k for k, v in enumerate(part.outcomes["inspection_id"])}
    seen = []
    for fold in dataset.folds:
        own = fold.validate.outcomes["inspection_id"].map(number).to_numpy(dtype=np.float64)
        seen.append(said(fold, own, np.zeros(len(own))))
    assert out_of_time_margins(seen, Blend(10, 0.0, {})).tolist() == list(range(len(part)))
    days = part.outcomes["visited_on"]
    assert days.is_monotonic_increasing
    assert len(part) == sum(len(fold.validate) for fold in dataset.folds)


def test_level_and_slope_of_the_margins_decide_no_loss(dataset: Dataset) -> None:
    experiment, fold = small_study.experiment(), dataset.folds[0]
    margin = knowing(fold, 1.0, 1)
    plain = origin_loss(experiment, fold, margin)
    assert origin_loss(experiment, fold, 3.0 * margin - 7.0) == pytest.approx(plain, abs=1e-6)
    assert origin_loss(experiment, fold, knowing(fold, 0.0, 1)) > plain + 0.01


def test_an_origins_probabilities_are_calibrated_on_what_was_known_before_it(dataset: Dataset) -> None:
    experiment, chosen = small_study.experiment(), Blend(10, 0.0, {})
    latest, before = dataset.folds[:2]

    def back(fold: Fold) -> LookBack:
        return said(fold, 2 * knowing(fold, 1.0, 1), np.zeros(len(fold.validate)))

    def shown(earlier: Fold) -> tuple[float, ...]:
        return tuple(o.log_loss.value for o in origins(experiment, [back(latest), back(earlier)], chosen))

    rows = before.validate
    known = np.asarray([day < latest.day for day in rows.outcomes["known_at"]])
    assert 0 < (~known).sum() < known.sum()  # results take ten days
    level = fit_calibrator("platt", back(before).linear[known], rows.y[known], rows.weight[known])
    of_latest, of_before = latest.validate, back(before).linear
    by_hand = log_loss(level.probability(back(latest).linear), of_latest.y, of_latest.weight)
    found = shown(before)
    assert found[0] == pytest.approx(by_hand, abs=1e-9)
    # None came before it: its margins are taken for log-odds.
    assert found[1] == pytest.approx(log_loss(1 / (1 + np.exp(-of_before)), rows.y, rows.weight), abs=1e-9)
    # What was found but not known yet moves nothing; what was known does. (`knowing` sees outcomes: keep the margins.)
    kept = back(before)
    for of, moves in ((~known, False), (known, True)):
        other = replace(before, validate=replace(rows, y=np.where(of, 1 - rows.y, rows.y)))
        later = origins(experiment, [back(latest), replace(kept, fold=other)], chosen)[0].log_loss.value
        assert (abs(later - found[0]) > 1e-6) == moves
