"""The fit's bench runs the product's own fit and calibration, and says what each took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from fenlei.bench.speed.fit import fit_once
from helpers.root import ROOT

PROVINCE = ROOT / "experiments" / "province.toml"


@pytest.mark.slow
def test_a_fit_on_rows_from_a_file_says_what_each_step_took(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n = 6_000
    X = rng.normal(size=(n, 3))
    apart = rng.random(n) < 0.3
    y = (rng.random(n) < expit(X[:, 0] - 1 + apart)).astype(np.int8)
    names = np.array(["penalties_3y", "complaints_1y", "debt_ratio"])
    np.savez(tmp_path / "rows.npz", X=X, y=y, apart=apart, names=names)
    text = PROVINCE.read_text(encoding="utf-8")
    assert "n_estimators = 2000" in text
    assert "count = 6" in text
    text = text.replace("n_estimators = 2000", "n_estimators = 40").replace("count = 6", "count = 3")
    (tmp_path / "province.toml").write_text(text, encoding="utf-8")
    took = fit_once(tmp_path / "rows.npz", tmp_path / "province.toml", 2)
    assert took["origins"] == 3
    assert 10 <= took["rounds"] <= 40
    assert 0 <= took["tree_share"] <= 1
    assert min(took[step] for step in ("look back", "fit", "calibrate")) > 0
