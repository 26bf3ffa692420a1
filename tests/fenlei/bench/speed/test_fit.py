"""The fit's bench runs the product's own fit and calibration, and says what each took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from fenlei.bench.speed.fit import CALIBRATE, STOP, fit_once
from helpers.root import ROOT

PROVINCE = ROOT / "experiments" / "province.toml"


@pytest.mark.slow
def test_a_fit_on_rows_from_a_file_says_what_each_step_took(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n = 4_000 + STOP + CALIBRATE
    X = rng.normal(size=(n, 3))
    apart = rng.random(n) < 0.3
    y = (rng.random(n) < expit(X[:, 0] - 1 + apart)).astype(np.int8)
    names = np.array(["penalties_3y", "complaints_1y", "debt_ratio"])
    np.savez(tmp_path / "rows.npz", X=X, y=y, apart=apart, names=names)
    took = fit_once(tmp_path / "rows.npz", PROVINCE, 2)
    assert took["rounds"] > 5
    assert took["fit"] > 0
    assert took["calibrate"] > 0
