"""Values in words: how an indicator's value is said, in English and Chinese, by its unit or its own phrase."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Protocol

from features.catalogue.phrases.say import Say

UNITS_ZH: dict[str, str] = {
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
    "holders": "名",
    "honours": "项",
    "kinds": "种",
    "lawsuits": "件",
    "licences": "项",
    "mortgages": "项",
    "objections": "项",
    "penalties": "次",
    "items": "项",
    "items a visit": "项",
    "percent of the scale": "%",
    "per person": "件",
    "pledges": "项",
    "persons": "人",
    "pieces": "台",
    "points": "分",
    "recalls": "次",
    "repairs": "次",
    "reports": "条",
    "rights": "项",
    "samples": "批次",
    "talks": "次",
    "times the rest's rate": "倍",
    "visits": "次",
    "years": "年",
}
"""Classifier or unit behind a number in Chinese."""

_MEASURED = {"days", "percent of the scale", "points", "fen", "share", "0/1", "times the rest's rate"}
"""Units of which a value is an amount, not a number of things."""

_CHOICE = re.compile(r"\(([^()|]*)\|([^()|]*)\)")
_MINUS = "−"


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
    def group(self) -> str:
        """The group within the family; empty where it is not known any more."""

    @property
    def unit(self) -> str:
        """Unit of the value."""

    @property
    def say(self) -> Say:
        """Its own phrase."""

    @property
    def never(self) -> float | None:
        """The value that stands for 'never'."""

    @property
    def shared(self) -> bool:
        """Whether one value stands for a whole industry, district or legal form."""


Catalogue = Mapping[str, IndicatorLike]


def state(entry: IndicatorLike, value: float) -> str:
    """Return what kind of value it is, in a word that programs can rely on.

    Returns
    -------
    str
        ``unknown``; of a flag ``yes`` or ``no``; of days since something ``never`` or ``some``; else ``none`` (0),
        ``less`` (below 0) or ``some``. Infinity is no value: unknown.
    """
    if not math.isfinite(value):
        return "unknown"
    if entry.unit == "0/1":
        return "yes" if value > 0 else "no"
    if entry.never is not None:
        return "never" if value >= entry.never else "some"
    return "none" if value == 0 else "less" if value < 0 else "some"


def value_texts(entry: IndicatorLike, value: float) -> tuple[str, str]:
    """Say a value in English and Chinese, without a full stop: its own phrase first, else the rule of its unit.

    Shares are drawn towards the ordinary where little is seen, and are called smoothed: 1 of 1 is not 100 %.

    Parameters
    ----------
    entry : catalogue entry
    value : float
        As computed, in the entry's unit; NaN is unknown.

    Examples
    --------
    >>> from features.catalogue import CATALOGUE
    >>> value_texts(CATALOGUE["penalties_3y"], 3.0)
    ('3 penalties in the last three years', '近三年行政处罚3次')
    >>> value_texts(CATALOGUE["penalties_3y"], 0.0)
    ('no penalties in the last three years', '近三年无行政处罚')
    """
    say, kind = entry.say, state(entry, value)
    if kind == "unknown":
        whether = "是否" if entry.unit == "0/1" and "是否" not in entry.zh else ""
        return f"{entry.en}: not known", f"{whether}{entry.zh}未知"
    if kind in ("none", "no", "never"):
        return say.none_en or _absent_en(entry, kind), say.none_zh or _absent_zh(entry, kind)
    if kind == "less" and say.less_en:
        return _filled(say.less_en, entry, -value, zh=False), _filled(say.less_zh, entry, -value, zh=True)
    english = _filled(say.en, entry, value, zh=False) if say.en else _present_en(entry, value)
    return english, _filled(say.zh, entry, value, zh=True) if say.zh else _present_zh(entry, value)


def amount(value: float, unit: str, *, zh: bool) -> str:
    """Return a number with its unit: fen as yuan, shares in percent; of things, the number alone in English."""
    if unit == "fen":
        return _money(value / 100, zh=zh)
    if unit == "years":
        value = round(value, 1)
    if unit in ("share", "percent of the scale"):
        of_100 = value * 100 if unit == "share" else value
        return f"{number(of_100, zh=zh)}{'' if zh else ' '}%"
    shown = number(value, zh=zh)
    if zh:
        return shown + UNITS_ZH.get(unit, "")
    if unit in ("days", "years", "points"):
        return f"{shown} {unit.removesuffix('s') if shown == '1' else unit}"
    return shown


_ABSURD = 1e16
"""From here on a number is a typing error in a record: nobody reads its digits."""


def number(value: float, *, zh: bool = False) -> str:
    """Return a number with as many digits as a reader wants: whole ones whole, others to three figures or so."""
    size = abs(value)
    if 0 < size < 0.005:
        return "不足0.01" if zh else "less than 0.01"
    if size >= _ABSURD:
        return f"{'' if value > 0 else _MINUS}{size:.1e}"
    if zh and size >= 1e8:
        return number(value / 1e8, zh=True) + "亿"
    if zh and size >= 1e4:
        return number(value / 1e4, zh=True) + "万"
    digits = 0 if value == round(value) or size >= 100 else 1 if size >= 10 else 2
    text = f"{size:,.{digits}f}" if not zh else f"{size:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return (_MINUS if value < 0 else "") + text


def _money(yuan: float, *, zh: bool) -> str:
    if zh:
        return number(yuan, zh=True) + "元"
    for at_least, en_unit in ((1e9, "billion yuan"), (1e6, "million yuan")):
        if abs(yuan) >= at_least:
            return f"{number(yuan / at_least)} {en_unit}"
    return f"{number(yuan)} yuan"


def _filled(phrase: str, entry: IndicatorLike, value: float, *, zh: bool) -> str:
    shown = number(value, zh=zh)
    phrase = phrase.replace("{n}", shown).replace("{v}", amount(value, entry.unit, zh=zh))
    return _CHOICE.sub(lambda found: found[1] if shown == "1" else found[2], phrase)


def _counted(entry: IndicatorLike) -> re.Match[str] | None:
    """Find the plural noun of a name that counts things: penalties, (open) branches, (changes) of address."""
    if entry.unit in _MEASURED:
        return None
    return re.search(r"\b[a-z]{3,}(?<!s)(?<!ou)(?<!i)s\b", entry.en)


def _present_en(entry: IndicatorLike, value: float) -> str:
    shown = amount(value, entry.unit, zh=False)
    if entry.unit == "0/1":
        return entry.en
    if entry.unit == "times the rest's rate" and " compared with " in entry.en:
        ratio = "the same as that of" if shown == "1" else f"{shown} times that of"
        return entry.en.replace("compared with", ratio, 1)
    if entry.never is not None and entry.en.startswith("days since "):
        return f"{shown} since {entry.en.removeprefix('days since ')}"
    if (noun := _counted(entry)) is not None:
        shown = number(value)
        named = _singular(noun[0]) if shown.removeprefix(_MINUS) == "1" else noun[0]
        return f"{shown} {entry.en[: noun.start()]}{named}{entry.en[noun.end() :]}"
    if entry.unit in {*_MEASURED, "", "years", "count"}:
        smoothed = "smoothed " if entry.unit == "share" and entry.en.startswith("share ") else ""
        return f"{smoothed}{entry.en}: {shown}"
    # A noun that the name lacks: the unit says what is counted.
    return f"{entry.en}: {shown} {_singular(entry.unit) if shown == '1' else entry.unit}"


def _present_zh(entry: IndicatorLike, value: float) -> str:
    shown = amount(value, entry.unit, zh=True)
    if entry.unit == "0/1":
        return entry.zh.replace("是否", "", 1) if "是否" in entry.zh else _with("有", entry.zh)
    if entry.unit == "times the rest's rate" and "率比" in entry.zh:
        ratio = "与其他企业相当" if shown == "1倍" else f"为其他企业的{shown}"
        return entry.zh.replace("率比", f"率{ratio}", 1)
    if entry.never is not None and entry.zh.startswith("距"):
        return f"{_latest_zh(entry)}距今{shown}"
    if entry.unit in _MEASURED:
        return f"{entry.zh}{'（平滑后）为' if entry.unit == 'share' else ''}{shown}"
    return f"{_stem(entry.zh)}{shown}"


def _absent_en(entry: IndicatorLike, kind: str) -> str:
    if kind == "no":
        return f"not so: {entry.en}"
    if kind == "never":
        what = re.sub(r"^days since (?:the )?", "", entry.en)
        what = re.sub(r"^(?:last|latest) ", "", what)
        what, moved = re.subn(r"^an? (.+?) last (\w+)$", r"no \1 ever \2", what)
        return what if moved else f"no {what} on record"
    if _counted(entry) is not None or entry.unit == "fen":
        return f"no {entry.en}"
    return _present_en(entry, 0.0)


def _absent_zh(entry: IndicatorLike, kind: str) -> str:
    if kind == "no":
        return entry.zh.replace("是否", "未", 1) if "是否" in entry.zh else _with("无", entry.zh)
    if kind == "never":
        return f"从无{_latest_zh(entry).removeprefix('最近一次')}记录"
    return _present_zh(entry, 0.0) if entry.unit in _MEASURED - {"fen"} else _with("无", _stem(entry.zh))


def _with(word: str, named: str) -> str:
    """Put 无 or 有 behind the span or place that a Chinese name begins with."""
    begin = re.match(r"(?:近[一二两三四五六半\d]+(?:个月|月|年|天|日))?(?:周边\d+(?:米|公里))?(?:最近检查)?", named)
    at = begin.end() if begin else 0
    return f"{named[:at]}{word}{named[at:]}"


def _latest_zh(entry: IndicatorLike) -> str:
    """距最近处罚天数, 距最近一次处罚天数 -> 最近一次处罚."""
    what = re.sub(r"^距(?:最近)?(?:一次)?", "", entry.zh).removesuffix("天数")
    return f"最近一次{what}"


def _stem(name: str) -> str:
    """Take the word of counting off a Chinese name: 近三年行政处罚次数 -> 近三年行政处罚."""
    return re.sub(r"(?:次数|(?<![事案])件数|个数|家数|户数|人数|金额|数)$", "", name)


def _singular(noun: str) -> str:
    """Return one thing's noun: penalties, branches, days -> penalty, branch, day."""
    for plural, one in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if noun.endswith(plural):
            return noun.removesuffix(plural) + one
    return noun
