"""Recent peer rates as indicators: computed and learned from only where they are asked for by name or by ``peers``.

They tell who inspects where as well as who offends: what they do to the risk that an average inspector would find is
to be seen on a province's own records before they feed its general class.
"""

from __future__ import annotations

from typing import NamedTuple

from features.catalogue.bounds import RATIO
from features.catalogue.declaration import Family, Indicator, described
from features.catalogue.expressions import Rows, combine
from features.catalogue.recent import HALF_LIVES, LEVELS


class _Level(NamedTuple):
    family: Family
    group: str
    zh: str
    en: str
    doc: str
    before: str


_LEVELS = {
    "industry": _Level("basic", "industry", "同行业", "its trade", "its industry (section and division)", "1"),
    "type": _Level("basic", "nature", "同类型企业", "its legal form", "its legal form", "its industry's"),
    "region": _Level("basic", "region", "同地区", "its district", "its district", "its legal form's"),
    "local": _Level(
        "basic", "region", "同地区同行业", "its trade in its district", "its industry in its district", "its district's"
    ),
    "address": _Level(
        "association", "address", "同地址", "its address", "enterprises at its address", "its trade's in its district"
    ),
    "own": _Level("regulatory", "visits", "自身", "its own", "the enterprise itself", "its address's"),
}


def _indicator(level: str, half: int) -> Indicator:
    about = _LEVELS[level]
    shrunk = "problem_prior_visits" if level == "own" else "peer_shrink_visits"
    parts = Rows("recent").greatest(f"{level}_{half}d", empty=None)
    return described(
        combine("(CAST({} AS DOUBLE) / 1000000)", parts),
        name=f"recent_{level}_ratio_{half}d",
        zh=f"{about.zh}近期检查问题率比（半衰期{half}天）",
        en=f"recent violation rate of {about.en} compared with all, half-life {half} days",
        family=about.family,
        group=about.group,
        direction="raises",
        unit="times the rest's rate",
        policy="SAMR (8)",
        doc=f"Violation rate of {about.doc} at visits of any arm, over that of all visits but the enterprise's own.\n\n"
        f"A visit counts 1 on its day, half after {half} days, evenly less in between (whole millionths), a quarter"
        f" after twice as many, nothing after 20 times. The rate of all is (found + 1) / (visits +"
        " $problem_prior_visits); the ratio, rounded down to whole millionths, is shrunk towards"
        f" {about.before if about.before == '1' else about.before + ' ratio'} by `{shrunk}`.",
        bounds=RATIO,
    )


RECENT: dict[str, Indicator] = {i.name: i for half in HALF_LIVES for level in LEVELS for i in [_indicator(level, half)]}
"""Indicators by name, from wide to narrow."""
