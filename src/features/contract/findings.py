"""Tables of what visits found item by item, of departments' own grades, and of places and what happens there.

They stand behind all others, so that no simulated record's number changed when they came.
"""

from __future__ import annotations

from features.contract import codes as c
from features.contract.types import ENDED, Column, Table, ref

POSITION = tuple(
    Column(
        name,
        "int",
        zh,
        f"metres {way} of one origin for the whole source",
        required=True,
        minimum=-(10**7),
        maximum=10**7,
    )
    for name, zh, way in (("east_m", "东向坐标（米）", "east"), ("north_m", "北向坐标（米）", "north"))
)

FINDING_TABLES: tuple[Table, ...] = (
    Table(
        "inspection_items",
        "检查事项结果",
        "what a visit, of any kind, found at one item; a visit at which nothing was wrong has one row that passed",
        "day of the visit",
        (
            ref("inspection_id", "检查编号", "one visit; record_id in inspections, where the visit is there"),
            ref("item_code", "检查事项代码", "the department's own code of the item"),
            Column("severity", "code", "严重程度", "of a failing at this item", codes=c.ITEM_SEVERITY),
            Column("result", "code", "事项结果", required=True, codes=c.ITEM_RESULT),
        ),
        "SAMR (8); HB 14",
    ),
    Table(
        "sector_grades",
        "专业领域风险分级",
        "a department's own risk grade of an enterprise in its field; the next one ends it",
        "day graded",
        (
            Column("field", "code", "领域", required=True, codes=c.FIELD),
            Column(
                "level",
                "int",
                "风险等级",
                "place of the grade: 1 is the least risk",
                required=True,
                minimum=1,
                maximum=100,
            ),
            Column(
                "levels", "int", "等级总数", "grades that the department has", required=True, minimum=1, maximum=100
            ),
            ENDED,
        ),
        "SAMR (4), (9); HB 14, 15",
    ),
    Table(
        "positions",
        "经营地点位置",
        "where an enterprise is; the latest counts",
        "day from which it is there",
        POSITION,
        "SAMR (4) basic",
    ),
    Table(
        "place_events",
        "周边事件",
        "something that happened at a place and that no enterprise is named in; enterprise_id is the place's own id,"
        " such as its grid square's",
        "day it happened",
        (Column("kind", "code", "事件类别", required=True, codes=c.PLACE_EVENT), *POSITION),
        "SAMR (4) association",
        of_places=True,
    ),
)
