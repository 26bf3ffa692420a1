"""``fenlei bench explain``: contributions by tables beside LightGBM's ``pred_contrib`` and shap's ``TreeExplainer``."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei.bench.common.grid import Grid
from fenlei.bench.common.measure import measure

COLUMNS, FITTED, BLOCK = 142, 40_000, 65_536
TIMES, SECONDS, MEMORY, APART = 40.0, 15.0, 4_096, 1e-9
"""Targets: times as fast as ``pred_contrib`` on both models; seconds for 3 million rows of the first, MiB, log-odds."""


@dataclass(frozen=True)
class Kind:
    """A kind of model to explain.

    Parameters
    ----------
    name, learner
        What it is, and the learner's parameters.
    peers
        Rows that the others explain: enough to time them, few enough to wait for.
    part
        One in so many of the rows asked for is streamed and compared.
    """

    name: str
    learner: dict[str, Any]
    peers: int
    part: int


KINDS = (
    Kind("266 × depth 4", {"n_estimators": 266, "max_depth": 4}, 10_000, 1),
    Kind(
        "1,250 × 31 leaves",
        {"n_estimators": 1250, "num_leaves": 31, "max_depth": -1, "tree_share": 1.0, "learning_rate": 0.03},
        500,
        30,
    ),
)


def rows(n: int, seed: int) -> NDArray[np.float32]:
    """Return n rows: a third of the columns counts, the others decimals, two in five with unknown values."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, COLUMNS), dtype=np.float32)
    X[:, ::3] = np.floor(np.exp(X[:, ::3]))
    for column in range(0, COLUMNS, 5):
        X[rng.random(n) < 0.2, column] = np.nan
        X[rng.random(n) < 0.05, (column + 2) % COLUMNS] = np.nan
    return X


def make_model(folder: Path, learner: dict[str, Any]) -> None:
    """Fit a learner on simulated rows and save it as the model that production would load."""
    from scipy.special import expit

    from models.learning.calibration import fit_calibrator
    from models.learning.classifier import RiskClassifier
    from models.scoring.bands import load_bands
    from models.scoring.risk_model import assemble

    X = rows(FITTED, 7).astype(np.float64)
    rng = np.random.default_rng(8)
    known = np.nan_to_num(X)
    log_odds = -2 + known @ rng.normal(0, 0.25, COLUMNS) + 0.4 * known[:, 1] * known[:, 2] + np.sin(known[:, 4])
    y = (rng.random(FITTED) < expit(log_odds)).astype(np.int8)
    made = RiskClassifier(**learner).fit(X, y)
    margin = made.decision_function(X)
    names = [f"column_{k}" for k in range(COLUMNS)]
    assemble(
        booster_text=made.booster_text(),
        linear=made.linear_,
        tree_share=made.tree_share,
        calibrator=fit_calibrator("platt", margin, y),
        bands=load_bands("hebei"),
        reference=margin,
        indicator_names=names,
        families=dict.fromkeys(names, "basic"),
        directions=dict.fromkeys(names, 0),
        nullable=names,
        province="hebei",
        catalogue_hash="c" * 64,
        policy_hash="p" * 64,
        arm="simulated rows",
        about={},
    ).save(folder)


def stream(folder: Path, n: int) -> dict[str, float]:
    """Explain n rows, made block by block; return their number, and seconds until ready and of all rows."""
    from models.scoring.risk_model import RiskModel

    model = RiskModel.load(folder)
    begin = time.perf_counter()
    model.contributions(rows(1, 0).astype(np.float64))
    ready = time.perf_counter() - begin
    model.contributions(rows(1000, 1).astype(np.float64))  # compiles, the first time on a machine
    making = 0.0

    def blocks() -> Iterator[NDArray[np.float32]]:
        nonlocal making
        for at in range(0, n, BLOCK):
            start = time.perf_counter()
            block = rows(min(BLOCK, n - at), at)
            making += time.perf_counter() - start
            yield block

    begin = time.perf_counter()
    explained = sum(len(parts) for parts in model.contribution_blocks(blocks()))
    took = time.perf_counter() - begin - making
    return {"ready": ready, "rows": explained, "seconds": took}


def rate(folder: Path, n: int) -> float:
    """Return rows/s of the trees alone by tables."""
    from models.scoring.risk_model import RiskModel
    from models.scoring.shap.explain import TreeShap

    X, trees = rows(n, 1).astype(np.float64), TreeShap(RiskModel.load(folder).booster_text)
    trees.contributions(X[:1000])
    return n / _seconds(lambda: trees.contributions(X))


def lightgbm_rate(folder: Path, n: int) -> float:
    """Return rows/s of ``pred_contrib`` with its own number of threads."""
    from models.scoring.risk_model import RiskModel

    X, booster = rows(n, 1).astype(np.float64), RiskModel.load(folder).booster
    booster.predict(X[:10], pred_contrib=True)
    return n / _seconds(lambda: booster.predict(X, pred_contrib=True))


def shap_rate(folder: Path, n: int) -> float:
    """Return rows/s of ``shap.TreeExplainer`` as one calls it: it hands LightGBM's boosters over to LightGBM."""
    import shap

    from models.scoring.risk_model import RiskModel

    explainer = shap.TreeExplainer(RiskModel.load(folder).booster)
    X = rows(n, 1).astype(np.float64)
    warnings.simplefilter("ignore", UserWarning)  # on the shape of what it returns
    return n / _seconds(lambda: explainer.shap_values(X))


def difference(folder: Path, n: int) -> float:
    """Return the largest difference from ``pred_contrib`` in any cell of n rows, log-odds; of the trees alone."""
    from models.scoring.risk_model import RiskModel
    from models.scoring.shap.explain import TreeShap

    model = RiskModel.load(folder)
    X = rows(n, 2).astype(np.float64)
    return float(
        np.abs(TreeShap(model.booster_text).contributions(X) - model.booster.predict(X, pred_contrib=True)).max()
    )


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measured(many: int, compared: int, say: Callable[[str], None]) -> list[Grid]:
    """Measure both kinds of model: speed beside the others, many rows streamed, and the largest difference."""
    speed = Grid(
        "explain speed",
        f"Contributions of rows of {COLUMNS} columns, {_threads()} (target on both: {TIMES:.0f} × `pred_contrib`)",
        ("model", "tables s", "rows/s", "pred_contrib rows/s", "shap rows/s", "× pred_contrib", "× shap"),
    )
    whole = Grid(
        "explain many",
        f"{many:,} rows streamed in blocks of {BLOCK:,}, the first with its linear part (target: "
        f"{SECONDS:.0f} s for 3,000,000 rows of the product's model, {MEMORY:,} MiB, difference {APART:g})",
        ("model", "rows", "seconds", "rows/s", "peak MiB", "largest difference", "of rows"),
    )
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        for at, kind in enumerate(KINDS):
            folder = Path(scratch) / str(at)
            say(f"fitting {kind.name}")
            measure(make_model, folder, kind.learner)
            say(f"explaining by {kind.name}")
            ours = measure(stream, folder, many // kind.part)
            say("beside the others")
            alone = measure(rate, folder, 10 * kind.peers).value
            theirs = measure(lightgbm_rate, folder, kind.peers).value
            shaps = measure(shap_rate, folder, max(100, kind.peers // 10)).value
            say("comparing")
            sample = compared // kind.part
            apart = measure(difference, folder, sample).value
            found = ours.value
            cells = (f"{alone:,.0f}", f"{theirs:,.0f}", f"{shaps:,.0f}")
            ratios = (f"{alone / theirs:.0f}", f"{alone / shaps:.0f}")
            speed.rows.append((kind.name, f"{found['ready']:.1f}", *cells, *ratios))
            streamed = (f"{found['rows']:,}", f"{found['seconds']:.1f}", f"{found['rows'] / found['seconds']:,.0f}")
            whole.rows.append((kind.name, *streamed, f"{ours.peak_mb:,.0f}", f"{apart:.1e}", f"{sample:,}"))
    speed.note = "Trees alone, in one run; × is how many times as fast. The tables are built once a model."
    return [speed, whole]


def _threads() -> str:
    number = os.environ.get("OMP_NUM_THREADS", "") or str(os.cpu_count())
    return f"{number} thread" + ("s" if number != "1" else "")
