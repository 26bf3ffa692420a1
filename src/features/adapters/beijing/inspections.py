"""Inspection files: visits with their outcome.

Columns of a later re-check (复查文书, 复查时间, 复查结果) are never read: they are written after the visit.
No file tells the probability with which an enterprise was drawn, so a visit that says 双随机 has the
arm ``random`` without a draw; all others are ``unknown``, because 日常, 专项 and 重点 say what kind of
visit it was and not how its target was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from features.adapters.beijing.rows import (
    BAD_OUTCOME,
    PUBLISHED_LAG_DAYS,
    Cells,
    Draft,
    SourceFile,
    Unmappable,
    known_on,
    when,
    who,
)
from features.adapters.names import normalise_name

OUTCOMES: dict[str, str] = {
    "合格": "1",
    "未发现问题": "1",
    "不合格": "D",
    # The bracket tells of a later re-check, which must not soften what the visit found.
    "不合格(复查以后合格)": "D",
    "发现问题": "A",
}
"""Published outcome to result code; anything else is counted as unmapped."""

TRIGGERS: dict[str, tuple[str, str | None]] = {
    "双随机": ("random", "draw"),
    "是": ("random", "draw"),
    "日常": ("unknown", "routine"),
    "日常检查": ("unknown", "routine"),
    "专项检查": ("unknown", "special"),
    "重点": ("unknown", "special"),
    "联合检查": ("unknown", None),
    "其他": ("unknown", None),
    "否": ("unknown", None),
    "举报": ("targeted", "complaint"),
    "举报检查": ("targeted", "complaint"),
    "投诉举报": ("targeted", "complaint"),
    "": ("unknown", None),
}
"""Published form of the visit to arm and trigger; anything else is unknown."""

_RANK = ("draw", "complaint", "special", "routine", None)


def _reader(
    key: str,
    *,
    name: str,
    day: str,
    outcome: str,
    form: str,
    field: str,
    code: str | None = None,
    region: str | None = None,
) -> SourceFile:
    """Declare one inspection file by its columns."""

    def parse(row: Cells) -> Draft:
        who_name, who_code = who(row, name, code)
        visited = when(row, day)
        result = OUTCOMES.get(normalise_name(row[outcome]))
        if result is None:
            raise Unmappable(BAD_OUTCOME)
        arm, trigger = TRIGGERS.get((row[form] or "").strip(), ("unknown", None))
        return Draft(
            who_name,
            who_code,
            visited,
            known_on(visited, PUBLISHED_LAG_DAYS),
            f"{key}|{visited.isoformat()}",
            {"arm": arm, "trigger": trigger, "field": field, "result_codes": result},
            region,
        )

    columns = tuple(c for c in (name, code, day, outcome, form) if c is not None)
    return SourceFile(f"insp_{key}", "inspections", columns, parse)


_CULTURE = {
    "name": "行政相对人",
    "code": "证件号码",
    "day": "监督检查日期",
    "outcome": "监督检查结果",
    "form": "监督检查形式",
    "field": "culture",
}

INSPECTIONS: dict[str, SourceFile] = {
    "culture": _reader("culture", **_CULTURE),
    "culture_press": _reader("culture_press", **_CULTURE),
    "miyun_emergency": _reader(
        "miyun_emergency",
        name="企业名称",
        day="现场检查时间",
        outcome="现场检查结果",
        form="执法任务类型",
        field="safety",
        region="110118",
    ),
    "fengtai_emergency": _reader(
        "fengtai_emergency",
        name="被检查单位名称",
        day="检查日期",
        outcome="检查结论",
        form="检查方式是否双随机",
        field="safety",
        region="110106",
    ),
    "pinggu_urban_mgmt": _reader(
        "pinggu_urban_mgmt",
        name="责任主体名称",
        code="统一社会信用代码",
        day="检查时间",
        outcome="检查结论",
        form="检查分类",
        field="other",
        region="110117",
    ),
}
"""Inspection files by the name an experiment uses for them."""


def merge_visits(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the rows of one visit: every problem found counts, and 'nothing found' only if alone.

    The form of the visit is the most telling one: a draw, a complaint, a special action, routine.
    """
    found = sorted({str(r["result_codes"]) for r in rows} - {"1"})
    form = min(rows, key=lambda r: _RANK.index(r["trigger"]))
    return {**form, "result_codes": ";".join(found) or "1"}
