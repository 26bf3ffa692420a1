"""Schema of the ledger: one flat row an enterprise and month, as any reader of Parquet takes it.

docs/ledger.md is generated from here: ``python -m serving.ledger.page``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from features.catalogue import FAMILIES
from features.catalogue.declaration import GROUPS
from features.catalogue.evidence import EVIDENCE

REASONS = 5
"""Reasons that a row holds, the strongest first."""


@dataclass(frozen=True)
class LedgerColumn:
    """One column: its name, Arrow type, Chinese name and meaning."""

    name: str
    type: pa.DataType
    zh: str
    text: str


def group_column(group: str) -> str:
    """Return the column of a group's points."""
    return "group_" + re.sub(r"\W+", "_", group)


def _columns() -> tuple[LedgerColumn, ...]:
    text, number, whole, flag = pa.string(), pa.float64(), pa.int32(), pa.bool_()
    made = [
        LedgerColumn("enterprise_id", text, "企业标识", "Opaque key of the enterprise or branch; sorted by it."),
        LedgerColumn("cutoff", pa.date32(), "截止日", "First day of the month; nothing known on it or later counts."),
        LedgerColumn("uscc", text, "统一社会信用代码", "As registered; null where the source has none."),
        LedgerColumn("name", text, "企业名称", "Registered name."),
        LedgerColumn("enterprise_type", text, "企业类型", "Legal form, `branch` for a branch."),
        LedgerColumn("industry", text, "行业", "GB/T 4754 section letter and division or finer."),
        LedgerColumn("region", text, "地区", "GB/T 2260 district, six digits."),
        LedgerColumn("covered", flag, "在分类范围内", "False in a revision: no longer in the cohort by what is known."),
        LedgerColumn("grade", text, "类别", "Class A to D after direct determinations and overrides."),
        LedgerColumn("score", number, "风险分", "0 to 1000, one decimal; higher is riskier."),
        LedgerColumn("score_grade", text, "按分类别", "Class read off the score alone."),
        LedgerColumn("computed_grade", text, "计算类别", "Class after direct determinations, before overrides."),
        LedgerColumn("source", text, "作出者", "`model` or `rules`."),
        LedgerColumn("fallback", text, "改用规则的原因", "Why the rules answer where a model was wanted; else null."),
        LedgerColumn("fallback_code", text, "改用规则的原因代码", "Its stable code, such as `too_many_missing`."),
        LedgerColumn("probability", number, "违法概率", "Chance that a random visit in the month finds a violation."),
        LedgerColumn("probability_low", number, "概率下限", "Lower end of the interval of the mean risk there."),
        LedgerColumn("probability_high", number, "概率上限", "Upper end of it."),
        LedgerColumn("insufficient", flag, "信息不足", "Too little is known for class A: B at best."),
        LedgerColumn("unknown", whole, "未知指标数", "Indicators of the answer that are not known."),
        LedgerColumn("base_score", number, "基础分", "What the points start from."),
    ]
    made += [
        LedgerColumn(f"points_{name}", number, f"{zh}得分", f"Points of the family {name}.")
        for name, zh in FAMILIES.items()
    ]
    made.append(LedgerColumn("points_limit", number, "限幅", "What clipping the rules' sum to 0-1000 changed."))
    made += [
        LedgerColumn(group_column(group), number, f"{zh}得分", f"Points of the group {group} of {family}.")
        for family, groups in GROUPS.items()
        for group, zh in groups.items()
    ]
    for k in range(1, REASONS + 1):
        made += [
            LedgerColumn(f"reason_{k}", text, f"理由{k}", f"Indicator with the points ranked {k} by size; null: none."),
            LedgerColumn(f"reason_{k}_value", number, f"理由{k}数值", "Its value in its unit; null: not known."),
            LedgerColumn(f"reason_{k}_points", number, f"理由{k}得分", "What it adds to the base score."),
        ]
    made.append(LedgerColumn("determinations", text, "直接判定", "Direct rules that were hit, joined by `;`."))
    made += [
        LedgerColumn(
            name, text, f"{name.removeprefix('evidence_')}依据", "Records that hit the rule, `table:record_id`."
        )
        for name in EVIDENCE
    ]
    made += [
        LedgerColumn("override", text, "人工认定", "Class that two officials set in its place; else null."),
        LedgerColumn("model", text, "模型版本", "Content hash of the model, or the scorecard's name."),
        LedgerColumn("registered", text, "登记版本", "Number of the approved version; null where the rules answer."),
        LedgerColumn("policy", text, "政策版本", "Hash of the policies that decide scores and classes."),
        LedgerColumn("previous_grade", text, "上月类别", "Class in the last published month; null: not in it."),
        LedgerColumn("previous_score", number, "上月风险分", "Score in it."),
    ]
    made += [
        LedgerColumn(f"moved_{name}", number, zh, f"Part of the score's change that is due to {text_en}.")
        for name, zh, text_en in (
            ("aged", "到期影响", "time passing: records that aged out of their windows, years that were added"),
            ("corrections", "更正影响", "corrections of records that were known before"),
            ("new_records", "新记录影响", "records that are new"),
            ("model", "模型变化影响", "another model"),
            ("policy", "政策变化影响", "other policies"),
        )
    ]
    made.append(
        LedgerColumn(
            "moved_class_by",
            text,
            "类别变化原因",
            "The part at which the class moved last, by its name; null: it stayed, or is not told.",
        )
    )
    return tuple(made)


COLUMNS = _columns()
"""Every column, in order."""

SCHEMA = pa.schema([pa.field(c.name, c.type) for c in COLUMNS])
"""The same for Arrow."""
