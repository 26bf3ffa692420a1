"""Tables of what others say, and of repairs and objections."""

from __future__ import annotations

from features.contract import codes as c
from features.contract.types import ENDED, Column, Table, ref

SOCIETY_TABLES: tuple[Table, ...] = (
    Table(
        "complaints",
        "投诉举报",
        "a complaint or report; its outcome arrives as a later version",
        "day received",
        (
            Column("complaint_kind", "code", "类别", required=True, codes=c.COMPLAINT_KIND),
            Column("field", "code", "领域", codes=c.FIELD),
            Column("outcome", "code", "处理结果", codes=c.COMPLAINT_OUTCOME),
        ),
        "SAMR (12); HB 6",
    ),
    Table(
        "public_opinion",
        "舆情",
        "a report in the media",
        "day published",
        (
            Column("tone", "code", "倾向", required=True, codes=c.TONE),
            Column("attention", "code", "关注度", codes=c.ATTENTION),
            Column("confirmed", "bool", "人工确认", "a human confirmed it (H12.4)"),
        ),
        "HB 12(4)",
    ),
    Table(
        "honours",
        "荣誉",
        "an honour or administrative reward",
        "day given",
        (Column("honour_kind", "code", "类别", required=True, codes=c.HONOUR_KIND), ENDED),
        "HB 6",
    ),
    Table(
        "credit_evaluations",
        "公共信用综合评价",
        "a public credit evaluation",
        "day of the evaluation",
        (Column("grade", "code", "等级", required=True, codes=c.CREDIT_GRADE),),
        "SC (6)",
    ),
    Table(
        "commitments",
        "信用承诺",
        "a credit commitment and whether it was kept",
        "day given",
        (Column("state", "code", "履行情况", required=True, codes=c.COMMITMENT_STATE),),
        "SC (1)",
    ),
    Table(
        "repairs",
        "信用修复",
        "a repair of a record of this province",
        "day applied for",
        (
            ref("ref_table", "所指表", "table of the repaired record"),
            ref("ref_record_id", "所指记录", "record_id there"),
            Column("state", "code", "修复状态", required=True, codes=c.REPAIR_STATE),
        ),
        "SC (13)",
    ),
    Table(
        "objections",
        "异议",
        "an objection to a record, marked by the data source",
        "day raised",
        (
            ref("ref_table", "所指表", "table of the record objected to"),
            ref("ref_record_id", "所指记录", "record_id there"),
            Column("state", "code", "异议状态", required=True, codes=c.OBJECTION_STATE),
        ),
        "HB 11(4); SC (17)",
    ),
)
