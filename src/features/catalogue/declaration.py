"""Declaration of an indicator: one function, from which everything about it is read.

The function's name is the column; its parameters are source tables, relations or other indicators;
its docstring is the definition a reviewer reads. Catalogue, reason text, monotone direction and
drift name all come from here.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from features.catalogue.bounds import Bounds, bounds_of
from features.catalogue.expressions import NEVER, Formula, Rows
from features.catalogue.phrases.say import AS_ITS_UNIT, Say
from features.catalogue.phrases.spoken import PHRASES
from features.contract import TABLES
from features.errors import CatalogueError
from features.policies import Thresholds, threshold

Family = Literal["basic", "dynamic", "regulatory", "association", "societal"]
Direction = Literal["raises", "lowers", "either"]

FAMILIES: dict[Family, str] = {
    "basic": "企业基础属性信息",
    "dynamic": "企业动态信息",
    "regulatory": "监管信息",
    "association": "关联关系信息",
    "societal": "社会评价信息",
}
"""The five families of SAMR (4), in the order of the text."""

GROUPS: dict[Family, dict[str, str]] = {
    "basic": {
        "capital": "资本",
        "ownership": "股权和投资",
        "nature": "企业性质",
        "industry": "行业",
        "region": "地区",
    },
    "dynamic": {
        "licences": "行政许可",
        "changes": "变更和备案",
        "annual reports": "年度报告",
        "finances": "经营财务",
        "staff and tax": "用工和纳税",
        "intellectual property": "知识产权",
        "encumbrances": "质押冻结抵押",
    },
    "regulatory": {
        "abnormal list": "经营异常名录",
        "serious and black lists": "严重违法和黑名单",
        "penalties": "行政处罚",
        "visits": "监督检查",
        "courts": "司法涉诉",
        "products": "产品和设备安全",
        "talks and repair": "约谈和修复",
    },
    "association": {
        "people": "人员和股东关联",
        "bad neighbours": "不良关联",
        "address": "地址电话代理关联",
    },
    "societal": {
        "complaints": "投诉举报",
        "public opinion": "舆情",
        "honours and credit": "荣誉和公共信用",
    },
}
"""The 25 groups of the five families, as many as the national system has [S]; their names are ours [K]."""

MONOTONE: dict[Direction, int] = {"raises": 1, "lowers": -1, "either": 0}
"""LightGBM's monotone constraint of a direction."""

RELATIONS = ("visits", "item_visits", "related", "peers", "recent", "nearby", "holdings_out", "two_hop", "cluster")
"""Relations derived from the tables, usable as parameters; see `features.catalogue.relations`."""


@dataclass(frozen=True)
class Indicator:
    """One indicator, as catalogued.

    Parameters
    ----------
    name, zh, en, family, group
        Column name, Chinese and English display name, one of the five families and the group within it.
    direction
        What more of it does to the risk: raises, lowers or either.
    unit, window, missing
        Unit of the value; the span before the cut-off; what a missing value means.
    bounds
        What a known value can be.
    policy
        Item or article that asks for it.
    doc
        The definition.
    formula
        What the engine evaluates.
    say
        How its value is said where the rule of its unit reads badly.
    """

    name: str
    zh: str
    en: str
    family: Family
    group: str
    direction: Direction
    unit: str
    window: str
    missing: str
    policy: str
    doc: str
    formula: Formula
    bounds: Bounds
    say: Say = AS_ITS_UNIT

    @property
    def never(self) -> float | None:
        """The value that stands for 'never', in days since something; None of all others."""
        return NEVER if self.unit == "days" and any(a.empty == NEVER for a in self.formula.parts) else None

    @property
    def monotone(self) -> int:
        """LightGBM's monotone constraint: 1, 0 or -1."""
        return MONOTONE[self.direction]

    @property
    def shared(self) -> bool:
        """Whether one value stands, wholly or nearly, for a whole industry, district or legal form."""
        return bool({"peers", "recent"} & set(self.tables))

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables and relations it reads, sorted."""
        return tuple(sorted({a.table for a in self.formula.parts}))

    @property
    def thresholds(self) -> tuple[str, ...]:
        """Names of the thresholds that stand in its formula, sorted."""
        texts = [self.formula.template, *(a.sql for a in self.formula.parts)]
        return tuple(sorted({name for text in texts for name in _THRESHOLD.findall(text)}))

    def bound(self, thresholds: Thresholds) -> Indicator:
        """Return the indicator with a province's numbers in the place of its thresholds' names."""

        def filled(text: str) -> str:
            return _THRESHOLD.sub(lambda found: str(getattr(thresholds, found[1])), text)

        parts = tuple(replace(a, sql=filled(a.sql)) for a in self.formula.parts)
        return replace(self, doc=filled(self.doc), formula=Formula(filled(self.formula.template), parts))


_THRESHOLD = re.compile(r"\$([a-z]\w*)")

_REGISTRY: dict[str, Indicator] = {}


def indicator(
    family: Family,
    group: str,
    zh: str,
    en: str,
    *,
    direction: Direction,
    unit: str,
    policy: str,
    bounds: Bounds | None = None,
) -> Callable[[Callable[..., Formula]], Callable[..., Formula]]:
    """Register the decorated function as an indicator.

    Parameters
    ----------
    family, group, zh, en, direction, unit, policy
        As `Indicator`.
    bounds
        What a value can be where the unit alone says too little: a difference can be below 0, a ratio above 1.

    Raises
    ------
    CatalogueError
        If the name or a display name is taken, the docstring is missing, the family has no such group or a parameter
        is no table, relation or earlier indicator.
    """

    def register(function: Callable[..., Formula]) -> Callable[..., Formula]:
        name = function.__name__
        doc = inspect.cleandoc(function.__doc__ or "")
        if name in _REGISTRY or not doc:
            raise CatalogueError(f"indicator {name}: {'declared twice' if doc else 'has no docstring'}")
        for other in _REGISTRY.values():
            if zh == other.zh or en == other.en:
                raise CatalogueError(f"indicator {name}: {other.name} has one of its display names already")
        formula = function(*(_argument(name, p) for p in inspect.signature(function).parameters))
        _REGISTRY[name] = described(
            formula,
            name=name,
            zh=zh,
            en=en,
            family=family,
            group=group,
            direction=direction,
            unit=unit,
            policy=policy,
            doc=doc,
            bounds=bounds,
        )
        return function

    return register


def described(
    formula: Formula,
    *,
    name: str,
    zh: str,
    en: str,
    family: Family,
    group: str,
    direction: Direction,
    unit: str,
    policy: str,
    doc: str,
    bounds: Bounds | None = None,
) -> Indicator:
    """Return the indicator of a formula; window and missing meaning are read from it, bounds from the unit.

    Raises
    ------
    CatalogueError
        If the family has no such group, or text or formula name an unknown threshold.
    """
    if group not in GROUPS[family]:
        raise CatalogueError(f"indicator {name}: {family} has no group {group!r}, only {list(GROUPS[family])}")
    windows = sorted({a.window for a in formula.parts if a.window})
    found = Indicator(
        name=name,
        zh=zh,
        en=en,
        family=family,
        group=group,
        direction=direction,
        unit=unit,
        window=", ".join(map(str, windows)) or "all history",
        missing=_missing(formula),
        policy=policy,
        doc=doc,
        formula=formula,
        bounds=bounds or bounds_of(unit),
        say=PHRASES.get(name, AS_ITS_UNIT),
    )
    for named in (*found.thresholds, *_THRESHOLD.findall(doc)):
        threshold(named)
    return found


def _argument(name: str, parameter: str) -> Rows | Formula:
    if parameter in TABLES or parameter in RELATIONS:
        return Rows(parameter)
    if parameter in _REGISTRY:
        return _REGISTRY[parameter].formula
    raise CatalogueError(f"indicator {name}: {parameter!r} is no table, relation or earlier indicator")


def _missing(formula: Formula) -> str:
    tables = ", ".join(sorted({a.table for a in formula.parts}))
    text = f"the source has no {tables}, or it does not cover the window"
    return text + ("; or nothing to read a value from" if any(a.empty is None for a in formula.parts) else "")


def registered() -> dict[str, Indicator]:
    """Return all indicators declared so far, by family, by group and in order of declaration."""
    order = [(family, group) for family, groups in GROUPS.items() for group in groups]
    return dict(sorted(_REGISTRY.items(), key=lambda item: order.index((item[1].family, item[1].group))))


def catalogue_hash(indicators: dict[str, Indicator]) -> str:
    """SHA-256 over everything that decides the values and meaning of the given indicators.

    The English display name stays out: better words change no value, and a signed model must not lapse for them.
    """
    rows = [
        [i.name, i.zh, i.family, i.group, i.direction, i.unit, i.doc, i.formula.template]
        + [[a.table, a.sql, a.empty, str(a.window)] for a in i.formula.parts]
        for i in indicators.values()
    ]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
