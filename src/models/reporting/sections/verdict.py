"""The page's first box: what holds, what doesn't, what can't be told; in English, its gist in Chinese."""

from __future__ import annotations

import math

from models.evaluation import Check, Worth
from models.evaluation.metrics import Evaluation
from models.reporting.html import Raw, badge, chinese_verdict, number, percent, text
from models.reporting.page import Page, verdict
from models.reporting.sections.group_names import subject

RANKED_BY = "auc"
_RIVAL = {"scorecard": "rules scorecard", "past_rate": "own past rate", "logistic": "logistic"}
_RIVAL_ZH = {"scorecard": "规则评分", "past_rate": "既往违法率", "logistic": "逻辑回归"}


def own_plan(page: Page) -> Worth | None:
    """Return the worth of the plan that the fairness is told for (the province's own), violations by all codes."""
    mine = [w for w in page.review.worth if w.what == "violations" and w.codes == "all"]
    return next((w for w in mine if w.plan == page.review.fairness.plan), mine[0] if mine else None)


def rival_verdicts(evaluation: Evaluation, metric: str = RANKED_BY) -> dict[str, str]:
    """Return baseline to verdict of the model against it."""
    return {rival: verdict(metric, row[metric]) for rival, row in evaluation.differences.items() if metric in row}


def worth_verdict(found: Worth) -> str:
    """Tell whether a plan by the model's classes finds more per visit than uniform draws, beyond its interval.

    "cannot tell" too where there is no random arm, or fewer months of it than the policy asks for.
    """
    if math.isnan(found.difference_low) or not found.tells:
        return "cannot tell"
    if found.difference_low > 0:
        return "ahead"
    return "behind" if found.difference_high < 0 else "within noise"


def verdict_box(page: Page) -> Raw:
    """Return the box: one line a question, then a paragraph in either language."""
    r, c = page.review, page.review.contract
    rows: list[tuple[str, Raw, str]] = [
        ("Band contract 分级承诺", badge(c.verdict, chinese=True), f"everyone: {c.for_everyone}; within groups: "
         f"{c.within_groups}. {_counted(c.checks)}"),
        ("Drift 漂移", badge(r.stable.retrain.verdict, chinese=True), r.stable.retrain.text),
    ]  # fmt: skip
    for rival, said in rival_verdicts(page.evaluation).items():
        d = page.evaluation.differences[rival][RANKED_BY]
        ours, its = (_auc(page.evaluation, s) for s in ("model", rival))
        rows.append(
            (
                f"vs. {_RIVAL.get(rival, rival)} 对比{_RIVAL_ZH.get(rival, rival)}",
                badge(said, chinese=True),
                f"AUC {ours}, its {its}; difference {number(d.value, d.low, d.high, '+.3f')}",
            )
        )
    plan = own_plan(page)
    if plan is not None:
        more = f"{number(plan.lift, plan.lift_low, plan.lift_high)} times as many violations per visit"
        rows.append(
            (
                f"Worth, plan {plan.plan} 检查效能",
                badge(worth_verdict(plan), chinese=True),
                more + ("" if plan.tells else f"; {_why(plan)}"),
            )
        )
    lines = "".join(f"<dt>{text(a)}</dt><dd>{b}</dd><dd>{text(t)}</dd>" for a, b, t in rows)
    return Raw(
        f'<section class="box" aria-labelledby="verdict"><h2 id="verdict">Verdict 结论</h2><dl>{lines}</dl>'
        f'<p class="say">{text(page.arm_statement)}</p><p>{text(in_english(page))}</p>'
        f'<p lang="zh">{text(in_chinese(page))}</p></section>'
    )


def _auc(evaluation: Evaluation, scorer: str) -> str:
    i = evaluation.values[scorer][RANKED_BY]
    return number(i.value, i.low, i.high, ".3f")


def _why(found: Worth) -> str:
    return found.text.rpartition(". ")[2]


def _counted(checks: tuple[Check, ...]) -> str:
    return ", ".join(
        f"{sum(c.verdict == v for c in checks)} {word}"
        for v, word in (("pass", "pass"), ("fail", "fail"), ("cannot tell", "can't be told"))
    )


def in_english(page: Page) -> str:
    """Say in a paragraph what the box says, with what to do about it."""
    r, e = page.review, page.evaluation
    c = r.contract
    failed = [k for k in c.checks if k.verdict == "fail"]
    out = [
        f"On {c.visits:,} visits in {c.months} months ({c.first_month} to {c.last_month}), none of which it learned "
        f"from, the model ranks a violating visit above a clean one with chance {_auc(e, 'model')} (the 95 % interval "
        "stands in brackets here and below)."
    ]
    if c.verdict == "pass":
        out.append("Every promise of the four classes is kept, for everyone and within every group.")
    elif c.verdict == "fail":
        named = ", ".join(_named(k, page) for k in failed[:4]) + (
            f" and {len(failed) - 4} more" if len(failed) > 4 else ""
        )
        out.append(f"The classes do not keep what they promise ({named}): it can't be approved as it is.")
    else:
        why = c.reasons[0] if c.reasons else "Some checks have too few visits."
        needed = [k.visits_to_tell for k in c.checks if not k.attribute and k.visits_to_tell is not None]
        out.append(
            f"Whether the classes keep what they promise can't be told. {why}"
            + (f" For everyone, about {max(needed):,} visits would tell all." if needed else "")
        )
    said = rival_verdicts(e)
    for word, start in (
        ("ahead", "It ranks better than"),
        ("within noise", "In ranking it is within noise of"),
        ("behind", "It ranks worse than"),
    ):
        names = [f"the {_RIVAL.get(k, k)}" for k, v in said.items() if v == word]
        if names:
            out.append(f"{start} {_and(names)}.")
    if r.stable.retrain.verdict == "fail":
        out.append(r.stable.retrain.text)
    plan = own_plan(page)
    if plan is not None and not math.isnan(plan.lift):
        out.append(
            f"As far as these visits tell, the plan {plan.plan} would find violations in "
            f"{percent(plan.per_inspection, plan.per_inspection_low, plan.per_inspection_high)} of inspections, "
            f"uniform draws in {percent(plan.uniform, plan.uniform_low, plan.uniform_high)}."
        )
    return " ".join(out)


def in_chinese(page: Page) -> str:
    """Say the gist of `in_english` in Chinese."""
    r, e = page.review, page.evaluation
    c = r.contract
    head = {
        "pass": "四个类别的承诺全部兑现",
        "fail": "类别承诺未兑现，按现状不得批准",
        "cannot tell": "检查次数不足，尚不能判定类别承诺是否兑现",
    }[c.verdict]
    if c.verdict == "cannot tell" and c.arm != "random":
        head = "没有随机抽查，类别承诺是否兑现无法判定"
    arm = (
        "以随机抽查结果按抽取概率加权测量，适用于全体可抽查企业"
        if c.arm == "random"
        else "结论只适用于被选中检查的同类企业"
    )
    rivals = "、".join(f"{_RIVAL_ZH.get(k, k)}：{chinese_verdict(v)}" for k, v in rival_verdicts(e).items())
    drift = {"pass": "未见需要重新训练的漂移", "fail": "漂移要求重新训练", "cannot tell": "漂移尚不能判定"}
    plan = own_plan(page)
    worth = ""
    if plan is not None and not math.isnan(plan.lift):
        worth = f"按分级抽查，每次检查发现问题数为均匀抽查的{number(plan.lift, plan.lift_low, plan.lift_high)}倍。"
    return (
        f"结论要点：{head}（共{c.visits:,}次检查，{c.months}个月）。{arm}。"
        f"AUC为{_auc(e, 'model')}（方括号内为95%区间）；与对照方法相比，{rivals}。"
        f"{worth}{drift[r.stable.retrain.verdict]}。"
    )


def _named(check: Check, page: Page) -> str:
    return f"{check.check.replace('_', ' ')} of {subject(check, page.group_names)}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
