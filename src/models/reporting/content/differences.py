"""Differences for enterprises if this model replaces the approved one: who moves class, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from features.catalogue.declaration import Indicator
from features.errors import FenleiError
from models.arrays import Floats
from models.reporting.page import Differences, Move
from models.review.review import direct_grades
from models.scoring.classification import GRADES
from models.scoring.reasons.points import family_points, pointed
from models.scoring.risk_model import RiskModel
from models.signoff.approval import approved_model, history, in_force
from models.study.panel import Panel
from models.tracking.store import Store

MOVES = 10
WHY = 3
"""Indicators named for a move."""


def against_approved(
    store: Store, model: RiskModel, panel: Panel, known: Mapping[str, Indicator], on: str = ""
) -> Differences:
    """Compare with the province's approved model on the last followed month; a reason instead where that can't be done.

    Parameters
    ----------
    store
        Where the approved one is.
    model, panel, known
        As for `differences`.
    on
        Day of the comparison, ISO: another model may be approved the day after.
    """
    try:
        approved, entry = approved_model(store, model.province), in_force(history(store), model.province)
    except FenleiError as err:
        return Differences(version="", problem=f"The approved model can't be read: {err}", on=on)
    if approved is None or entry is None:
        return Differences(version="", on=on)
    before, version = approved
    found = differences(before, version, model, panel, known)
    return replace(found, on=on, approved_on=entry.on, entry=entry.number)


def differences(
    before: RiskModel, version: str, after: RiskModel, panel: Panel, known: Mapping[str, Indicator]
) -> Differences:
    """Compare two models on the enterprises of the last followed month.

    The moves told of are those of most consequence: the greatest step in the class that is answered, then in the class
    by score, then in the score.

    Parameters
    ----------
    before, version
        The approved model and its version.
    after
        The new one.
    panel
        The followed enterprises.
    known
        Catalogue, for the Chinese names.
    """
    month = panel.months[-1]
    rows: pd.DataFrame = panel.at(month)
    try:
        bad = [m.unusable(m.read(rows)).any(axis=1) for m in (before, after)]
        rows = rows.iloc[np.flatnonzero(~(bad[0] | bad[1]))]
        old, new = (pointed(m, m.explain(m.matrix(rows))) for m in (before, after))
    except FenleiError as err:
        return Differences(
            version=version,
            model_hash=before.content_hash,
            month=f"{month:%Y-%m}",
            problem=f"It can't score today's rows: {err}",
        )
    if not len(rows):
        return Differences(
            version=version,
            model_hash=before.content_hash,
            month=f"{month:%Y-%m}",
            problem="Neither model can score a row",
        )
    i, j = (np.array([GRADES.index(g) for g in p.grade], dtype=np.int64) for p in (old, new))
    counts = np.bincount(i * len(GRADES) + j, minlength=len(GRADES) ** 2).reshape(len(GRADES), -1)
    names, change = _changed_points(before, old.points, after, new.points)
    families = {**dict(zip(before.indicator_names, before.families, strict=True))}
    families |= dict(zip(after.indicator_names, after.families, strict=True))
    named, by_family = family_points(change, [families[n] for n in names])
    base = round(after.base_score, 1) - round(before.base_score, 1)
    ids = rows.index.get_level_values("enterprise_id").to_numpy(dtype=str)
    moved = new.score - old.score
    floor = np.array([GRADES.index(g) if g else 0 for g in direct_grades(rows, after.province)], dtype=np.int64)
    answers = np.maximum(i, floor), np.maximum(j, floor)
    order = np.lexsort((ids, -np.abs(moved), -np.abs(j - i), -np.abs(answers[1] - answers[0])))[:MOVES]
    moves = tuple(
        Move(
            ids[k],
            float(old.score[k]),
            float(new.score[k]),
            old.grade[k],
            new.grade[k],
            GRADES[answers[0][k]],
            GRADES[answers[1][k]],
            _largest(named, by_family[k], base),
            "; ".join(
                f"{known[names[c]].zh if names[c] in known else ''} {names[c]} {change[k, c]:+.0f}".strip()
                for c in np.argsort(-np.abs(change[k]), kind="stable")[:WHY]
                if abs(change[k, c]) >= 0.5
            ),
        )
        for k in order
        if moved[k] != 0
    )
    return Differences(
        version=version,
        model_hash=before.content_hash,
        month=f"{month:%Y-%m}",
        enterprises=len(rows),
        counts=tuple(tuple(int(n) for n in row) for row in counts),
        changed=int((i != j).sum()),
        riskier=int((j > i).sum()),
        answers_changed=int((answers[0] != answers[1]).sum()),
        same_rank=_rank_correlation(old.score, new.score),
        families=(
            ("base score", abs(base)),
            *((f, float(np.abs(by_family[:, c]).mean())) for c, f in enumerate(named)),
        ),
        moves=moves,
    )


def _changed_points(before: RiskModel, old: Floats, after: RiskModel, new: Floats) -> tuple[tuple[str, ...], Floats]:
    """Return the indicators of either model and how the points of each changed, [n, k]; one that is gone had some."""
    names = tuple(dict.fromkeys((*after.indicator_names, *before.indicator_names)))
    place = {n: c for c, n in enumerate(names)}
    change = np.zeros((len(new), len(names)))
    change[:, [place[n] for n in after.indicator_names]] += new
    change[:, [place[n] for n in before.indicator_names]] -= old
    return names, change


def _largest(names: tuple[str, ...], change: Floats, base: float) -> str:
    """Name the family that moved most, or the base where that moved more."""
    top = int(np.argmax(np.abs(change)))
    if abs(base) > abs(change[top]):
        return f"base score {base:+.0f}"
    return f"{names[top]} {change[top]:+.0f}"


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation; NaN where all scores are alike."""
    a, b = (pd.Series(v).rank().to_numpy() for v in (one, other))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
