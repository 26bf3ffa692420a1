"""Printed lists: one page a district, with who goes where for what; score and class only by policy (HB 5)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models.reporting.html import STYLE, Raw, paragraph, table, text
from supervision.plan.plan import SpotPlan

ARM = {"random": "双随机 random", "targeted": "有因 for a cause"}
WHY = {
    "must_check": "必查 must-check",
    "class_share": "按类别抽取 by class",
    "random_share": "随机抽取 random share",
    "complaint": "投诉举报 complaint",
    "lead": "线索 lead",
    "alert": "大数据监测 alert",
    "law": "法定 by law",
    "department": "部门联合 another department",
}
FATE = {
    "planned": "",
    "merged": "合并检查 one visit",
    "capped": "已达频次上限，不检查 cap reached: no visit",
    "excused": "免于检查 excused: no visit",
    "no_district": "地区不明 district not known",
}
UNKNOWN = "unknown"


def write_sheets(plan: SpotPlan, folder: Path) -> list[str]:
    """Write the list of every district with a draw or a prompted visit; return the files' names.

    Parameters
    ----------
    plan
        Whose rows.
    folder
        Where they are written, as ``district_<code>.html``.
    """
    names = []
    for district, rows in plan.rows.groupby(plan.rows["district"].fillna(UNKNOWN), sort=True):
        name = f"district_{district}.html"
        (folder / name).write_text(sheet(plan, str(district), rows), encoding="utf-8")
        names.append(name)
    return names


def sheet(plan: SpotPlan, district: str, rows: pd.DataFrame) -> str:
    """Return a district's page.

    Parameters
    ----------
    plan
        The plan.
    district
        Code, or "unknown".
    rows
        Of the plan, in this district.
    """
    shown = plan.rules.plan.sheet
    head = ["序号 no.", "企业 enterprise", "统一社会信用代码 code", "事项 items", "原因 why"]
    head += ["类别 class"] if shown.show_class else []
    head += ["风险分 score"] if shown.show_score else []
    head += ["提示 look at"] if shown.reasons else []
    head += ["检查组 pair", "备注 note", "结果 result", "签名 signed"]
    body = []
    ordered = rows.sort_values(["pair", "enterprise_id"], na_position="last")
    for number, row in enumerate(ordered.to_dict("records"), start=1):
        why = "；".join(WHY[cause] for cause in row["why"].split(";"))
        cells: list[object] = [number, row["name"], row["uscc"], row["items_zh"], f"{ARM[row['arm']]}：{why}"]
        cells += [row["measure_grade"]] if shown.show_class else []
        cells += [f"{row['score']:.1f}"] if shown.show_score else []
        cells += [row["reasons"] or None] if shown.reasons else []
        pair = row["pair"] if isinstance(row["pair"], str) else None
        body.append([*cells, pair, FATE[row["fate"]], "", ""])
    going = int(rows["fate"].isin(["planned", "merged"]).sum())
    title = f"{plan.chance.month} 双随机抽查任务单 Spot checks of district {district}"
    said = (
        f"计划 {plan.id}；公开种子 published seed “{plan.chance.seed}”。检查 {going} 户 visits; "
        f"本表 {len(rows)} 行 rows. 抽取名单可凭种子复核 Anyone can draw it again from the seed."
    )
    inner = "内部资料，不得留置企业。Internal: not to be left with the enterprise (HB 5). SAMR (8), HB 17, SC (16)."
    style = STYLE + "@media print{@page{size:A4 landscape}}body{max-width:none}"
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head><body>'
        f"<h1>{text(title)}</h1>{paragraph(said)}{table(head, body, align='n', label=title)}{_pairs(rows)}"
        f"{paragraph(inner, 'dim')}</body></html>\n"
    )


def _pairs(rows: pd.DataFrame) -> Raw:
    """Return how many visits each pair makes."""
    counts = rows["pair"].dropna().value_counts().sort_index()
    return table(["检查组 pair", "户数 visits"], [[k, int(v)] for k, v in counts.items()], align="tn", label="pairs")
