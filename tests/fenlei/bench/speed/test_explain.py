"""The bench of contributions explains every row it is asked for, by the model that production would load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fenlei.bench.speed import explain


@pytest.mark.slow
def test_every_row_is_explained_and_none_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "FITTED", 3_000)
    monkeypatch.setattr(explain, "BLOCK", 1_000)
    explain.make_model(tmp_path, {"n_estimators": 6})
    found = explain.stream(tmp_path, 2_500)
    assert found["rows"] == 2_500
    assert found["seconds"] > 0
    assert explain.difference(tmp_path, 400) <= explain.APART
    assert explain.rate(tmp_path, 500) > 0
    assert explain.lightgbm_rate(tmp_path, 100) > 0


def test_rows_have_counts_decimals_and_unknown_values_and_are_the_same_again() -> None:
    made = explain.rows(500, 3)
    assert made.shape == (500, explain.COLUMNS)
    np.testing.assert_array_equal(made, explain.rows(500, 3))
    counts = made[:, 3][~np.isnan(made[:, 3])]
    assert (counts == np.round(counts)).all()
    assert np.isnan(made).any(axis=0).mean() > 0.2
    assert not np.isinf(made).any()
