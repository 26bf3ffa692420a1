"""Pictures show the figures they stand for, the same bytes each time, in letters the machine has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager

from models.arrays import Floats
from models.evaluation.metrics import Sample, Scored
from models.reporting.figures import plots


@pytest.fixture(scope="module")
def seen() -> tuple[Sample, np.ndarray]:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 6, 2000)
    y = (rng.uniform(size=2000) < p).astype(int)
    firm = rng.integers(0, 1500, 2000).astype(str).astype(object)
    return Sample.of(y, firm, np.ones(2000)), p


def bins_of(seen: tuple[Sample, Floats], probability: Floats | None = None) -> list[plots.Bin]:
    sample, p = seen
    return plots.reliability_bins(
        sample, p if probability is None else probability, bins=10, repetitions=200, level=0.95, seed=0
    )


def test_reliability_bins_hold_equal_shares_and_true_rates(seen: tuple[Sample, np.ndarray]) -> None:
    bins = bins_of(seen)
    assert [b.visits for b in bins] == [200] * 10
    assert sum(b.observed.value for b in bins) / 10 == pytest.approx(seen[0].y.mean())
    covered = sum(b.observed.low <= b.predicted <= b.observed.high for b in bins)
    assert covered >= 8
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)


def test_equal_predictions_stay_in_one_bin(seen: tuple[Sample, np.ndarray]) -> None:
    p = np.round(seen[1], 1)
    bins = bins_of(seen, p)
    assert sum(b.visits for b in bins) == 2000
    assert all(b.visits >= (p == 0.0).sum() for b in bins[:1])


def test_every_picture_is_drawn_and_the_same_twice(seen: tuple[Sample, np.ndarray], tmp_path: Path) -> None:
    sample, p = seen
    scorers = {"model": Scored(p, p), "past_rate": Scored(np.round(p, 1)), "noise": Scored(np.zeros(2000))}
    X = np.column_stack([p, np.where(p > 0.3, np.nan, p), np.full(2000, np.nan)])

    def draw(name: str) -> list[bytes]:
        figures = [
            plots.reliability(bins_of(seen), "random arm"),
            plots.precision_recall(sample, scorers),
            plots.gain(sample, scorers),
            plots.contributions(X - np.nanmean(X[:, :1]), X, ["a", "b", "c"]),
        ]
        return [plots.save(f, tmp_path / f"{name}{i}.png").read_bytes() for i, f in enumerate(figures)]

    first = draw("a")
    assert all(f.startswith(b"\x89PNG") for f in first)
    assert first == draw("b")


def test_the_font_chosen_is_one_the_machine_has() -> None:
    font = plots.chinese_font()
    assert font is None or font in {f.name for f in font_manager.fontManager.ttflist}
