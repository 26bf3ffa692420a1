"""Tables of what a place counts and records in its own words: numbers of a visit, and dated events of any kind."""

from __future__ import annotations

from features.contract.types import ENDED, Column, Table, ref

LOCAL_TABLES: tuple[Table, ...] = (
    Table(
        "measures",
        "检查量值",
        "a number that a visit gave, such as a score or a count of findings; the place says which",
        "day of the visit",
        (
            Column("visit_id", "text", "检查编号", "record_id in inspections"),
            ref("name", "量值名称", "which number it is"),
            Column("value", "int", "量值", "whole: the number times its scale", required=True),
            Column("scale", "int", "倍数", "1, 10, 100: parts of one; empty: 1", minimum=1, maximum=10**6),
        ),
        "SAMR (4)",
    ),
    Table(
        "events",
        "事件",
        "something dated that happened to an enterprise; the place says of which kind",
        "day it happened or began",
        (
            ref("kind", "事件类别", "which kind of event"),
            ENDED,
            Column("amount", "int", "数量", "how much of it, where the kind has a measure"),
        ),
        "SAMR (4)",
    ),
)
