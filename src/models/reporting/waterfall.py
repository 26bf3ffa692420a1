"""Waterfall of a score: from the base over the strongest reasons and the rest to the score, adding up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.scoring.classification import LIMIT, Classification, Reason

SHOWN = 8
"""Reasons that have a step of their own: as many as a page holds."""


@dataclass(frozen=True)
class Step:
    """One step: what it says, where it begins and ends on the scale, its points as text.

    ``total`` marks the base and the score, which begin at nothing; ``indicator`` is empty but for a reason.
    """

    said: str
    begin: float
    end: float
    number: str
    total: bool = False
    indicator: str = ""


def steps(found: Classification, words: Mapping[str, str], *, most: int = SHOWN) -> list[Step]:
    """Return the steps from base to score.

    Parameters
    ----------
    found
        The answer; its reasons are the strongest first.
    words
        ``language`` (zh or en) and the texts of ``base``, ``rest``, ``limit`` and ``score``.
    most
        Reasons with a step of their own; the others are summed as the rest.

    Returns
    -------
    list of Step
        The base, what raises (the strongest first), what lowers, the rest, what the ends of the scale cut off, the
        score; each begins where the one before ends.
    """
    strongest = found.reasons[:most]
    ordered = [*(r for r in strongest if r.points > 0), *(r for r in strongest if r.points <= 0)]
    limit = found.family_points.get(LIMIT, 0.0)
    rest = found.score - found.base_score - limit - sum(r.points for r in strongest)
    walk = [Step(words["base"], found.base_score, found.base_score, f"{found.base_score:g}", total=True)]
    parts: list[tuple[str, float, str]] = [(_said(r, words["language"]), r.points, r.indicator) for r in ordered]
    parts += [(words[key], points, "") for key, points in (("rest", rest), ("limit", limit)) if abs(points) >= 0.05]
    for said, points, indicator in parts:
        at = walk[-1].end
        walk.append(Step(said, at, at + points, signed(points), indicator=indicator))
    walk.append(Step(words["score"], found.score, found.score, f"{found.score:g}", total=True))
    return walk


def _said(reason: Reason, language: str) -> str:
    """Return a reason's text without its points, which stand in a column of their own."""
    whole, comma = (reason.text_zh, "，") if language == "zh" else (reason.text_en, ", ")
    return whole.rpartition(comma)[0] or whole


def signed(points: float) -> str:
    """Return points with their sign: whole from 10 on, one decimal below."""
    size = f"{abs(points):.1f}" if abs(points) < 9.95 else f"{abs(points):.0f}"
    return size if float(size) == 0 else f"{'+' if points > 0 else '−'}{size}"
