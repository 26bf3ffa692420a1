"""Texts of the reasons: an indicator's value, what it is compared with and its points, in English and Chinese.

A model's contributions sum to its margin; points are contributions times
``(score - base score) / (margin - base margin)``, so they add up whatever the score map. Points are what a value
adds to the *base*: no penalties give points below 0 because the base has some. The sign therefore always is the points'
own, and no text says of a value that it is good or bad.
"""

from __future__ import annotations

from features.table.peers import Peers
from models.scoring.classification import Reason
from models.scoring.reasons.standing import standing
from models.scoring.reasons.values import Catalogue, IndicatorLike, state, value_texts

__all__ = ["Catalogue", "IndicatorLike", "points_texts", "reason"]


def reason(entry: IndicatorLike, value: float, points: float, peers: Peers | None = None) -> Reason:
    """Put one indicator's points into words.

    Parameters
    ----------
    entry : catalogue entry
    value : float
        As computed, in the entry's unit; NaN is unknown.
    points : float
        What it adds to the base score.
    peers : Peers, optional
        How the indicator is spread among the enterprises it is compared with.

    Returns
    -------
    Reason
        ``code`` is ``<indicator>.<state>``, with the state of `models.scoring.reasons.values.state`: it changes neither
        with words nor with the peers.

    Examples
    --------
    >>> from features.catalogue import CATALOGUE
    >>> reason(CATALOGUE["penalties_3y"], 3.0, 84.2).text_en
    '3 penalties in the last three years, +84 points'
    """
    value_en, value_zh = value_texts(entry, value)
    place, beside_en, beside_zh = standing(entry, value, peers)
    effect_en, effect_zh = points_texts(points)
    return Reason(
        indicator=entry.name,
        zh=entry.zh,
        family=entry.family,
        value=value,
        points=points,
        text_en=f"{value_en}{f' ({beside_en})' if beside_en else ''}, {effect_en}",
        text_zh=f"{value_zh}{f'（{beside_zh}）' if beside_zh else ''}，{effect_zh}",
        code=f"{entry.name}.{state(entry, value)}",
        standing=place,
        group=entry.group,
    )


def points_texts(points: float) -> tuple[str, str]:
    """Return points with their sign: whole from 10 on, one decimal below; nothing that rounds to 0 has a sign."""
    size = f"{abs(points):.1f}" if abs(points) < 9.95 else f"{abs(points):.0f}"
    if float(size) == 0.0:
        return "no effect on the score", "对风险分无影响"
    sign = "+" if points > 0 else "−"
    return f"{sign}{size} points", f"{sign}{size}分"
