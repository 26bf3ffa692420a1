"""Standing of a value among the enterprises it is compared with, in a word for programs and in both languages."""

from __future__ import annotations

import math
import re

from features.table.peers import Peers
from models.scoring.reasons.values import UNITS_ZH, IndicatorLike, state

_WHO = {
    "trade and size": ("firms of its trade and size", "同行业同规模"),
    "trade": ("firms of its trade", "同行业"),
    "everyone": ("firms", ""),
}

_STEPS = ((90, "nine of ten", "90%的企业"), (75, "three of four", "75%的企业"), (50, "half of the", "半数企业"))
_FEW = 20
"""Percent of the peers below which 仅 is said."""


def standing(entry: IndicatorLike, value: float, peers: Peers | None) -> tuple[str, str, str]:
    """Say where a value stands among its peers.

    Parameters
    ----------
    entry, value
        The indicator and its value; NaN compares with nothing.
    peers
        How the indicator is spread among them; None: not compared.

    Returns
    -------
    standing, english, chinese
        ``standing`` is one of: ``as_most``, ``most_none`` (most have nothing, this one has), ``above_90``,
        ``above_75``, ``above_50``, ``median``, ``below_50``, ``below_75``, ``below_90`` (lower than in so many
        percent); of flags ``as_most`` or ``unlike_most``; all empty where nothing can be compared. What is the same for
        a whole trade or district isn't compared within it.
    """
    if peers is None or math.isnan(value) or entry.shared or peers.known == 0:
        return "", "", ""
    en, zh = _WHO[peers.among]
    kind = state(entry, value)
    absent = peers.none / peers.known
    if entry.unit == "0/1":
        return _flag(kind, absent, en, zh)
    if 2 * peers.none > peers.known:
        nearly = 10 * peers.none >= 9 * peers.known
        how_en, how_zh = ("at least nine of ten", "九成以上") if nearly else ("most", "多数")
        if kind in ("none", "never"):
            return "as_most", f"as in {how_en} {en}", f"与{zh}{how_zh}企业相同"
        zero_en, zero_zh = _nothing(entry)
        return "most_none", f"{how_en} {en}: {zero_en}", f"{zh}{how_zh}企业{zero_zh}"
    return _placed(entry, value, peers, en, zh)


def _flag(kind: str, absent: float, en: str, zh: str) -> tuple[str, str, str]:
    alike = absent if kind == "no" else 1 - absent
    zh = zh or "全部"
    word = "as_most" if alike > 0.5 else "unlike_most"
    if alike == 1:
        return word, f"like all {en}", f"{zh}企业均如此"
    if alike == 0:
        return word, f"unlike all {en}", f"{zh}企业均非如此"
    # Not rounded up to all: that would say that no other is otherwise.
    percent = math.floor(100 * alike)
    shown_en, shown_zh = (f"{percent} %", f"{percent}%") if percent else ("fewer than 1 %", "不足1%")
    return word, f"like {shown_en} of {_of(en)}", f"{zh}企业中{'仅' if 0 < percent < _FEW else ''}{shown_zh}如此"


def _nothing(entry: IndicatorLike) -> tuple[str, str]:
    if entry.never is not None:
        return "never", "从未发生"
    if entry.say.less_en:
        return "no change", "无变化"
    if entry.unit in ("days", "fen"):
        return "none", "无此情形"
    own = re.search(r"\{n\}(\w)", entry.say.zh)
    counted = own[1] if own else UNITS_ZH.get(entry.unit, "")
    return "none", f"为0{counted}" if counted and entry.unit not in _RATES else "为零"


def _placed(entry: IndicatorLike, value: float, peers: Peers, en: str, zh: str) -> tuple[str, str, str]:
    up_en, down_en, up_zh, down_zh = _comparatives(entry)
    low_10, low_25, middle, high_75, high_90 = peers.quantiles
    for above, (percent, much_en, much_zh) in zip((high_90, high_75, middle), _STEPS, strict=True):
        if value > above:
            return f"above_{percent}", f"{up_en} than in {much_en} {en}", f"{up_zh}{zh}{much_zh}"
    for below, (percent, much_en, much_zh) in zip((low_10, low_25, middle), _STEPS, strict=True):
        if value < below:
            return f"below_{percent}", f"{down_en} than in {much_en} {en}", f"{down_zh}{zh}{much_zh}"
    return "median", f"equal to the median of {_of(en)}", f"与{zh or '全部'}企业中位数持平"


def _of(en: str) -> str:
    return "all firms" if en == "firms" else f"the {en}"


_RATES = ("share", "percent of the scale", "items a visit", "per person")


def _comparatives(entry: IndicatorLike) -> tuple[str, str, str, str]:
    if entry.unit == "days" or entry.name == "years_operating":
        return "longer", "shorter", "长于", "短于"
    if entry.unit in ("fen", *_RATES):
        return "higher", "lower", "高于", "低于"
    return "more", "fewer", "多于", "少于"
