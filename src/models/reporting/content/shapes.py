"""Shapes: how the strongest indicators move the margin, seen on the followed enterprises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from features.catalogue.declaration import Indicator
from models.reporting.figures import plots
from models.reporting.figures.pictures import shape_picture
from models.reporting.page import Shape
from models.scoring.risk_model import RiskModel
from models.study.panel import Panel

SHOWN = 8
MOST_ROWS = 2_000
"""Rows whose contributions are drawn: evenly spaced through the last followed month."""
_NAMES = {1: "raises", -1: "lowers", 0: "either"}


def shapes(
    model: RiskModel, panel: Panel, known: Mapping[str, Indicator], folder: Path, shown: int = SHOWN
) -> tuple[Shape, ...]:
    """Draw the strongest indicators' contributions against their values.

    Parameters
    ----------
    model, panel
        The model, and the enterprises followed; those of the last month are drawn.
    known
        Catalogue: names, units, policy items.
    folder
        Where the PNGs go.
    shown
        So many indicators, by mean absolute contribution.
    """
    X = model.read(panel.at(panel.months[-1]))
    X = X[~model.unusable(X).any(axis=1)]
    if not len(X):
        return ()
    X = X[np.unique(np.linspace(0, len(X) - 1, min(MOST_ROWS, len(X))).astype(int))]
    parts = model.explain(X).contributions
    strength = np.abs(parts).mean(axis=0)
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for place, i in enumerate(np.argsort(-strength, kind="stable")[:shown]):
        if strength[i] == 0:
            break
        name, entry = model.indicator_names[i], known[model.indicator_names[i]]
        value, part = X[:, i], parts[:, i]
        gone = np.isnan(value)
        figure = shape_picture(value, part, entry.unit)
        out.append(
            Shape(
                name,
                entry.zh,
                entry.unit,
                entry.policy,
                _NAMES[model.directions[i]],
                float(strength[i]),
                float(gone.mean()),
                float(part[gone].mean()) if gone.any() else float("nan"),
                float(part.min()),
                float(part.max()),
                plots.save(figure, folder / f"shape_{place + 1}_{name}.png"),
            )
        )
    return tuple(out)
