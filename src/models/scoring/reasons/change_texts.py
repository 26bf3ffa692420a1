"""Texts of a change: why one enterprise's score and class moved between two months, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from models.errors import ModelInputError
from models.scoring.classification import GRADES, Answer, Grade
from models.scoring.reasons.changes import CAUSES, Cause, Scored, Worlds, same_enterprises, split, standing
from models.scoring.reasons.values import IndicatorLike, value_texts
from models.scoring.rules.scorecard import TENTHS

SHOWN = 3
"""Indicators named with a cause: those whose points moved most."""
_LEAST = 0.05
"""Points below which a moved indicator would be shown with 0.0."""
_TEXTS = {
    "aged": ("time passed: records aged out, years were counted", "时间推移（记录超出统计期限、年限增加）"),
    "corrections": ("corrections of records known before", "既有记录更正"),
    "new_records": ("new records", "新增记录"),
    "model": ("the new model", "模型更换"),
    "policy": ("the new policy", "政策调整"),
}


class Part(Answer):
    """One cause's part of a change.

    Parameters
    ----------
    cause
        One of `CAUSES`, for programs.
    points
        What it moved the score, one decimal.
    grade_before, grade_after
        The class in the chain before and after it.
    indicators
        Those whose values it changed, the one whose points moved most first; at most `SHOWN`.
    text_en, text_zh
        The same in words.
    """

    cause: Cause
    points: float
    grade_before: Grade
    grade_after: Grade
    indicators: tuple[str, ...] = ()
    text_en: str
    text_zh: str


class Change(Answer):
    """Why one enterprise moved between two cut-offs; the points of its parts sum to the change, to the decimal.

    Parameters
    ----------
    enterprise_id, before, after
        Whom, and the two cut-offs.
    score_before, score_after, grade_before, grade_after
        As published then and now.
    parts
        All five, in the order of exchange.
    text_en, text_zh
        The whole in words.
    """

    enterprise_id: str
    before: date
    after: date
    score_before: float
    score_after: float
    grade_before: Grade
    grade_after: Grade
    parts: tuple[Part, ...]
    text_en: str
    text_zh: str


def why_moved(worlds: Worlds, catalogue: Mapping[str, IndicatorLike]) -> Change:
    """Explain one enterprise's change.

    Parameters
    ----------
    worlds
        Of one enterprise.
    catalogue
        Names and units of the indicators, such as `features.catalogue.of_province` gives them; an indicator that is
        no longer there is named by its column.

    Raises
    ------
    ModelInputError
        If it is not one enterprise, or as `models.scoring.reasons.changes.changes`.
    """
    if len(worlds.last) != 1:
        raise ModelInputError(f"expected the worlds of one enterprise, got {len(worlds.last)}")
    same_enterprises(worlds)
    chain = [standing(*one) for one in worlds.chain()]
    found = split([one.score for one in chain], [one.grade for one in chain])
    grades = [GRADES[at] for at in found.grades[0]]
    parts = tuple(
        _part(at, int(found.tenths[0, at]), (grades[at], grades[at + 1]), both, catalogue)
        for at, both in enumerate(pairwise(chain))
    )
    score = found.scores[0, [0, -1]] / TENTHS
    days = [_day(frame) for frame in (worlds.last, worlds.now)]
    change = int(found.scores[0, -1] - found.scores[0, 0])
    told = [part for part in parts if part.points or part.grade_before != part.grade_after]
    class_en, class_zh = _class(grades[0], grades[-1])
    head_en = f"Score {score[0]:.1f} on {days[0]}, {score[1]:.1f} on {days[1]}: {_signed(change)} points{class_en}."
    head_zh = f"{days[0]}风险分{score[0]:.1f}，{days[1]}风险分{score[1]:.1f}：{_signed(change)}分{class_zh}。"
    return Change(
        enterprise_id=str(worlds.last.index.get_level_values("enterprise_id")[0]),
        before=days[0],
        after=days[1],
        score_before=score[0],
        score_after=score[1],
        grade_before=grades[0],
        grade_after=grades[-1],
        parts=parts,
        text_en=" ".join([head_en, *(f"{part.text_en}." for part in told)]) if told else f"{head_en} Nothing moved it.",
        text_zh="".join([head_zh, *(f"{part.text_zh}。" for part in told)]) if told else f"{head_zh}无变动原因。",
    )


def _part(
    at: int,
    tenths: int,
    grades: tuple[Grade, Grade],
    worlds: tuple[Scored, Scored],
    catalogue: Mapping[str, IndicatorLike],
) -> Part:
    cause = CAUSES[at]
    names, texts_en, texts_zh = list[str](), list[str](), list[str]()
    for name, old, new in _moved(*worlds):
        entry = catalogue.get(name)
        names.append(name)
        if entry is None:  # no longer in the catalogue
            texts_en.append(f"{name}: {old:g}, now {new:g}")
            texts_zh.append(f"{name}由{old:g}变为{new:g}")
            continue
        (old_en, old_zh), (new_en, new_zh) = value_texts(entry, old), value_texts(entry, new)
        texts_en.append(f"{new_en}, before: {old_en}")
        texts_zh.append(f"{new_zh}（此前{old_zh}）")
    class_en, class_zh = _class(*grades)
    title_en, title_zh = _TEXTS[cause]
    by_en = f" ({'; '.join(texts_en)})" if names else ""
    by_zh = f"（{'；'.join(texts_zh)}）" if names else ""
    return Part(
        cause=cause,
        points=tenths / TENTHS,
        grade_before=grades[0],
        grade_after=grades[1],
        indicators=tuple(names),
        text_en=f"{title_en[:1].upper()}{title_en[1:]}: {_signed(tenths)} points{class_en}{by_en}",
        text_zh=f"{title_zh}：{_signed(tenths)}分{class_zh}{by_zh}",
    )


def _moved(one: Scored, other: Scored) -> list[tuple[str, float, float]]:
    """Return name, old and new value of the indicators that changed and moved points, those that moved most first."""
    if one.names != other.names:
        return []
    old, new = one.inputs[0], other.inputs[0]
    changed = np.flatnonzero(~((old == new) | (np.isnan(old) & np.isnan(new))))
    size = np.abs(other.points[0] - one.points[0])
    changed = changed[size[changed] >= _LEAST]
    by_points = changed[np.argsort(-size[changed], kind="stable")]
    return [(one.names[k], float(old[k]), float(new[k])) for k in by_points[:SHOWN]]


def _class(before: Grade, after: Grade) -> tuple[str, str]:
    return ("", "") if before == after else (f", class {before} to {after}", f"，类别由{before}变为{after}")


def _signed(tenths: int) -> str:
    return f"{'+' if tenths > 0 else '−' if tenths < 0 else '±'}{abs(tenths) / TENTHS:.1f}"


def _day(frame: pd.DataFrame) -> date:
    return pd.Timestamp(frame.index.get_level_values("cutoff")[0]).date()
