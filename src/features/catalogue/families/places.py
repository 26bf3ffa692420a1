"""Association family 关联关系信息, what happened near it: counts of events by distance and time, one indicator each."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows
from features.catalogue.nearby import COLUMNS

_KINDS = {
    None: ("事件", "events", "Events at places"),
    "crime": ("治安案件", "crimes", "Crimes"),
    "sanitation": ("环境卫生投诉", "sanitation calls", "Calls about sanitation"),
    "accident": ("事故", "accidents", "Accidents"),
}
_SPAN = {3: ("近三个月", "three months"), 12: ("近一年", "year")}
_DISTANCE = {500: ("500米", "500 m"), 1000: ("1公里", "1 km"), 2000: ("2公里", "2 km")}


def _declare(column: str, kind: str | None, distance: int, months: int) -> None:
    """Register the indicator of one column of the relation."""
    kind_zh, kind_en, doc = _KINDS[kind]
    (span_zh, span), (far_zh, far) = _SPAN[months], _DISTANCE[distance]

    def near(nearby: Rows) -> Formula:
        return nearby.greatest(column, empty=None)

    near.__name__ = f"nearby_{column}"
    near.__doc__ = f"{doc} that name no enterprise, within {far} of it in the {months} months before the cut-off."
    indicator(
        "association",
        "address",
        f"{span_zh}周边{far_zh}{kind_zh}数",
        f"{kind_en} within {far} in the last {span}",
        direction="either",
        unit="events",
        policy="SAMR (4)",
    )(near)


for _column, _about in COLUMNS.items():
    _declare(_column, *_about)
