"""Texts of the reasons: an indicator's points, in English and Chinese sentences.

A model's contributions sum to its margin; points are contributions times
``(score - base score) / (margin - base margin)``, so they add up whatever the score map. The names and units
in the sentences come from the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from models.scoring.classification import Reason

_UNITS_ZH: dict[str, str] = {
    "branches": "家",
    "certificates": "张",
    "changes": "次",
    "commitments": "项",
    "complaints": "件",
    "count": "",
    "days": "天",
    "draws": "次",
    "enterprises": "家",
    "entries": "次",
    "events": "件",
    "filings": "项",
    "freezes": "项",
    "holders": "个",
    "honours": "项",
    "kinds": "种",
    "lawsuits": "件",
    "licences": "项",
    "mortgages": "项",
    "objections": "项",
    "penalties": "次",
    "items": "项",
    "items a visit": "项/次",
    "percent of the scale": "%",
    "per person": "件/人",
    "pledges": "项",
    "persons": "人",
    "pieces": "台",
    "points": "分",
    "recalls": "次",
    "repairs": "次",
    "reports": "件",
    "rights": "项",
    "samples": "批次",
    "talks": "次",
    "times the rest's rate": "倍",
    "visits": "次",
    "years": "年",
}


class IndicatorLike(Protocol):
    """What an explanation needs of a catalogue entry."""

    @property
    def name(self) -> str:
        """Column name."""

    @property
    def zh(self) -> str:
        """Chinese name."""

    @property
    def en(self) -> str:
        """English display name."""

    @property
    def family(self) -> str:
        """One of the five families."""

    @property
    def unit(self) -> str:
        """Unit of the value."""


Catalogue = Mapping[str, IndicatorLike]


def reason(entry: IndicatorLike, value: float, points: float) -> Reason:
    """Put one indicator's points into words.

    Parameters
    ----------
    entry : catalogue entry
    value : float
        As computed, in the entry's unit; NaN is unknown.
    points : float
        What it adds to the base score.
    """
    shown_en, shown_zh = value_texts(value, entry.unit)
    size = f"{abs(points):.1f}"
    if float(size) == 0.0:
        effect_en, effect_zh = "leaves the score as it is", "对风险分无影响"
    elif points > 0:
        effect_en, effect_zh = f"raises the score by {size} points", f"使风险分上升{size}分"
    else:
        effect_en, effect_zh = f"lowers the score by {size} points", f"使风险分下降{size}分"
    return Reason(
        indicator=entry.name,
        zh=entry.zh,
        family=entry.family,
        value=value,
        points=points,
        text_en=f"{entry.en}: {shown_en}, {effect_en}",
        text_zh=f"{entry.zh}：{shown_zh}，{effect_zh}",
    )


def value_texts(value: float, unit: str) -> tuple[str, str]:
    """Return a value in English and Chinese: fen as yuan, shares in percent, flags as yes or no."""
    if math.isnan(value):
        return "unknown", "未知"
    if unit == "0/1":
        return ("yes", "是") if value > 0 else ("no", "否")
    if unit == "fen":
        return f"{value / 100:,.2f} yuan", f"{value / 100:,.2f}元"
    if unit == "share":
        return f"{value:.1%}", f"{value:.1%}"
    number = f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
    named = _singular(unit) if value == 1 else unit
    return f"{number} {named}".rstrip(), f"{number}{_UNITS_ZH.get(unit, unit)}"


def _singular(unit: str) -> str:
    """Return the unit of one thing: penalties, branches, days -> penalty, branch, day."""
    for plural, one in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if unit.endswith(plural):
            return unit.removesuffix(plural) + one
    return unit
