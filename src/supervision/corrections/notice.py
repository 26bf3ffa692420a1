"""Notice to the enterprise: what was decided on its objection or repair and what was done, in Chinese and English.

It names no score, class or points: those are the regulator's own (HB 5).
"""

from __future__ import annotations

from features.contract import TABLES
from features.contract.types import RECORD_STATES
from supervision.corrections.cases import Case


def notice(case: Case) -> str:
    """Return the text for the enterprise, Chinese first (SC (17): results are fed back)."""
    table = TABLES[case.table]
    name_zh, name_en = f"{table.zh}记录（{case.record}）", f"the record {case.record} ({table.name.replace('_', ' ')})"
    what_zh, what_en = ("异议", "objection") if case.kind == "objection" else ("信用修复申请", "application for repair")
    head_zh = f"{case.enterprise}：你单位于{_zh(case.opened.isoformat())}就{name_zh}提出的{what_zh}（编号{case.id}）"
    head_en = f"{case.enterprise}: your {what_en} {case.id} of {case.opened} about {name_en}"
    if case.state != "decided":
        hidden_zh, hidden_en = (
            ("，处理期间该记录不予使用", " Until then the record is not used.")
            if case.kind == "objection"
            else ("", "")
        )
        return f"{head_zh}正在办理{hidden_zh}。\n{head_en} is being dealt with.{hidden_en}\n"
    zh, en = _outcome(case)
    on = case.decision["on"]
    lines_zh, lines_en = [f"{head_zh}已于{_zh(on)}办结：{zh}。"], [f"{head_en} was decided on {on}: {en}."]
    made = sorted({month for (_, month), number in case.months.items() if number > 0})
    if made:
        lines_zh.append(f"使用过该记录的以下月份已重新办理：{'、'.join(made)}。")
        lines_en.append(f"The months that had used the record were made again: {', '.join(made)}.")
    if case.waiting:
        months = sorted({month for _, month in case.waiting})
        lines_zh.append(f"以下月份将重新办理：{'、'.join(months)}。")
        lines_en.append(f"Months still to be made again: {', '.join(months)}.")
    return "".join(lines_zh) + "\n" + " ".join(lines_en) + "\n"


def _outcome(case: Case) -> tuple[str, str]:
    said = case.decision
    if case.outcome == "upheld" and said["record_state"]:
        en, zh = RECORD_STATES.codes[said["record_state"]]
        return f"异议成立，该记录已标注为“{zh}”，不再使用", f"upheld; the record is now marked '{en}' and is not used"
    if case.outcome == "upheld":
        columns = [TABLES[case.table].column(name) for name in said["values"]]
        fields_en = ", ".join(c.name.replace("_", " ") for c in columns)
        return f"异议成立，已更正：{'、'.join(c.zh for c in columns)}", f"upheld; corrected: {fields_en}"
    if case.outcome == "rejected":
        return "经核实记录无误，异议不成立，恢复使用该记录", "rejected; the record was verified and is used again"
    if case.outcome == "granted":
        day = said["effective"]
        return f"准予信用修复，自{_zh(day)}起停止公示并终止相关措施", (
            f"granted; publication and measures that rest on the record end on {day}"
        )
    return "不予信用修复", "refused"


def _zh(day: str) -> str:
    year, month, number = day.split("-")
    return f"{year}年{int(month)}月{int(number)}日"
