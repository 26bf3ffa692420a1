"""Words of the sheet and of the terminal, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.catalogue import FAMILIES
from features.table.behind import Row
from models.reporting.case import Texts
from models.scoring.classification import GRADE_ZH, Determination, Grade

FAMILY_EN = {
    "basic": "basic attributes",
    "dynamic": "activity and accounts",
    "regulatory": "regulation",
    "association": "related enterprises",
    "societal": "public evaluation",
}
"""The five families of SAMR (4), shortly."""

GRADE_EN: dict[Grade, str] = {
    "A": "low credit risk",
    "B": "ordinary credit risk",
    "C": "raised credit risk",
    "D": "high credit risk",
}


@dataclass(frozen=True)
class Words:
    """All that a sheet says besides its data; braces are filled by the sheet."""

    language: str
    title: str
    id: str
    code: str
    month: str
    internal: str
    meaning: Mapping[Grade, str]
    score: str
    chance: str
    interval: str
    by_rules: str
    floored: str
    insufficient: str
    determined: str
    records: str
    more: str
    families: str
    family: Mapping[str, str]
    months: str
    no_history: str
    why: str
    how: str
    step: Mapping[str, str]
    raising: str
    lowering: str
    helps: str
    no_helps: str
    reminder: str
    version: Mapping[str, str]
    unknown: str
    note: str
    apart: str
    percent: Callable[[float], str]

    def of(self, texts: Texts) -> tuple[str, ...]:
        """Return the lines of this language."""
        return texts.zh if self.language == "zh" else texts.en

    def hit(self, hit: Determination) -> str:
        """Say a direct determination without its records, which stand below."""
        whole, mark = (hit.text_zh, "依据记录：") if self.language == "zh" else (hit.text_en, "Records: ")
        return f"{hit.rule} {whole.partition(mark)[0].strip()}"

    def row(self, row: Row) -> tuple[str, str, str, str]:
        """Return kind of record, day, codes and number of a record."""
        day = "" if row.day is None else row.day.isoformat()
        number = row.record.partition(":")[2]
        return (row.zh, day, row.kind_zh, number) if self.language == "zh" else (row.table, day, row.kind_en, number)

    def bracket(self, inner: str) -> str:
        """Put words in this language's brackets."""
        return f"（{inner}）" if self.language == "zh" else f" ({inner})"


ZH = Words(
    language="zh",
    title="企业信用风险分类说明：{who}",
    id="企业编号",
    code="统一社会信用代码",
    month="分类时点 {day}（只使用此日之前已知的记录）",
    internal="内部资料　不得对外公开",
    meaning=GRADE_ZH,
    score="信用风险分 {score}（0–1000分，分数越高风险越高）：{meaning}。",
    chance="本月如对其随机检查，预计发现问题的概率为{chance}",
    interval="（同分企业平均为{low}至{high}）",
    by_rules="本结果由评分规则给出，未使用模型。",
    floored="按分数应为{by_score}类；因符合直接判定情形，分类为{grade}类。",
    insufficient="按分数应为{by_score}类；因已知信息不足，分类为{grade}类。",
    determined="直接判定",
    records="依据：",
    more="，另有{n}条",
    families="五类信息对分数的影响",
    family={str(family): zh for family, zh in FAMILIES.items()},
    months="近期分数",
    no_history="无此前月份的分数。",
    why="分数的由来",
    how="从全体基准分起，逐项加减得到本企业分数；红色为加分（风险上升），绿色为减分（风险下降）。",
    step={
        "language": "zh",
        "base": "全体基准分",
        "rest": "其余各项合计",
        "limit": "超出0–1000分范围的调整",
        "score": "信用风险分",
    },
    raising="推高风险分",
    lowering="拉低风险分",
    helps="如何改善",
    no_helps="上列记录依法改正、移出、修复或超过所述期限后，相应加分随之消除；缺报、欠缴等事项补办后，下月重新计分。",
    reminder="提醒内容",
    version={"model": "模型", "catalogue": "指标目录", "policy": "政策", "registered": "注册版本"},
    unknown="有{n}项信息未知，按未知计分。",
    note="本页仅供监管内部使用，不作为对企业的信用评价对外公布（HB 5）；对记录有异议的，按异议程序核实更正。",
    apart="；",
    percent=lambda share: f"{share:.1%}",
)

EN = Words(
    language="en",
    title="Why this credit risk class: {who}",
    id="enterprise",
    code="social credit code",
    month="as of {day} (only what was known before that day)",
    internal="Internal: not to be published",
    meaning=GRADE_EN,
    score="Risk score {score} (0 to 1000, higher is riskier): {meaning}.",
    chance="Expected chance that a random inspection this month finds a violation: {chance}",
    interval=" (mean of firms with this score: {low} to {high})",
    by_rules="Scored by the rules' points card; no model was used.",
    floored="By its score alone it would be in {by_score}; a direct determination puts it in {grade}.",
    insufficient="By its score alone it would be in {by_score}; too little is known, so it is in {grade}.",
    determined="Direct determinations",
    records="Records: ",
    more="; {n} more",
    families="What each family of information adds",
    family=FAMILY_EN,
    months="Recent scores",
    no_history="No scores of earlier months.",
    why="How the score comes about",
    how="From the base of all enterprises, step by step to this one's score: red adds points (more risk), green takes"
    " points off (less risk).",
    step={
        "language": "en",
        "base": "Base of all enterprises",
        "rest": "All other indicators together",
        "limit": "Cut off at the ends of the scale",
        "score": "Risk score",
    },
    raising="Raise the score",
    lowering="Lower the score",
    helps="What would help",
    no_helps="The points of a record above go when it is corrected, ended or repaired by law, or leaves the span that"
    " the reason names; what is missing or owed counts no more from the month after it is made good.",
    reminder="Text of the reminder",
    version={"model": "model", "catalogue": "catalogue", "policy": "policy", "registered": "registered version"},
    unknown="{n} items are not known and were scored as unknown. ",
    note="For the regulator's own use: not a public credit rating (HB 5). Whoever objects to a record asks for it to be"
    " checked and corrected.",
    apart="; ",
    percent=lambda share: f"{100 * share:.1f} %",
)

WORDS = {"zh": ZH, "en": EN}
