"""The page's sections on details: shapes, the most wrong cases, differences from the approved model, limits."""

from __future__ import annotations

from models.reporting.html import Raw, bullets, folded, image, number, paragraph, percent, table, text
from models.reporting.page import Case, Differences, Page, Shape
from models.reporting.sections.left_out import left_out_table
from models.scoring.classification import GRADES

_ARROW = {
    "raises": ("↗", "may only raise 只升", "more of it means more risk, by constraint"),
    "lowers": ("↘", "may only lower 只降", "more of it means less risk, by constraint"),
    "either": ("↕", "free 不限", "no constraint"),
}


def shapes(page: Page) -> str:
    """How the strongest indicators move the margin."""
    parts: list[str] = [
        paragraph(
            "What each adds to the log-odds of a violation, against its value, for the enterprises followed (last "
            "month). One dot is one enterprise; dots of one value spread because trees let indicators work together. "
            "The arrow is what the learner was allowed."
        )
    ]
    shown = [image(s.picture, f"contribution of {s.name} against its value", _caption(k, s)) for k, s in
             enumerate(page.shapes, start=1)]  # fmt: skip
    parts.append(f'<div class="plots small">{"".join(shown)}</div>' if shown else paragraph("No row could be scored."))
    rows = [[i.name, i.zh, i.family, i.direction, number(i.strength, form=".3f")] for i in page.indicators]
    strongest = table(["indicator", "中文", "family", "allowed", "mean |contribution|"], rows, align="ttttn")
    summary = (
        image(page.plots["shap_summary"], "contributions of the strongest indicators")
        if "shap_summary" in page.plots
        else ""
    )
    parts.append(
        folded(f"The {len(rows)} strongest on the tested visits", strongest, f'<div class="plots">{summary}</div>')
    )
    return "".join(parts)


def _caption(place: int, s: Shape) -> str:
    arrow, words, _ = _ARROW[s.direction]
    unknown = ""
    if s.unknown:
        unknown = f"<br>unknown for {s.unknown:.0%}, adding {number(s.unknown_effect, form='+.2f')} on average"
    return (
        f"<b>{place}. {text(s.zh)}</b> <code>{text(s.name)}</code><br>{arrow} {text(words)}; "
        f"{text(s.unit)}; {text(s.policy)}<br>from {s.least:+.2f} to {s.most:+.2f}, mean size {s.strength:.2f}{unknown}"
    )


def cases(page: Page) -> str:
    """The visits of the test that the model got most wrong."""
    missed = [c for c in page.cases if c.violation]
    alarms = [c for c in page.cases if not c.violation]
    parts: list[str] = [
        paragraph(
            "Even a perfect model has them: what is said to be unlikely happens. Look whether the reasons make sense."
        )
    ]
    for title, found in (("Missed violations: found, though said unlikely 漏判", missed),
                         ("False alarms: nothing found, though said likely 误判", alarms)):  # fmt: skip
        parts.append(f"<h3>{title}</h3>")
        parts.append(
            table(_CASE_HEAD, [_case(c) for c in found], align="kknttr", label=title) if found else paragraph("None.")
        )
    return "".join(parts)


_CASE_HEAD = ["enterprise", "month", "said", "class", "found", "why the model said so"]


def _case(c: Case) -> list[object]:
    found = Raw("<br>".join(f"{text(code)} {text(en)} {text(zh)}" for code, en, zh in c.codes)) or "–"
    why = Raw("<br>".join(f'{text(en)}<br><span class="dim" lang="zh">{text(zh)}</span>' for en, zh in c.reasons))
    grade = f"{c.grade}, {c.score:.0f}" + (f"; direct {c.direct}" if c.direct else "")
    return [Raw(f"<code>{text(c.enterprise_id)}</code>"), c.month, percent(c.probability), grade, found, why]


def differences(page: Page) -> str:
    """Who moves class when this model takes the approved one's place."""
    return compared(page.differences)


def compared(d: Differences) -> str:
    """Return what the section says of two models, or why there is nothing to say."""
    when = f"Looked up on {d.on}. " if d.on else ""
    if d.problem:
        return paragraph(when + d.problem, "say")
    if not d.version:
        return paragraph(f"{when}No model is approved: there is nothing to differ from. 目前没有已批准的模型。")
    share = d.changed / d.enterprises if d.enterprises else float("nan")
    rows = [
        [f"approved {grade}", *(Raw(f"<b>{n:,}</b>") if i == j else f"{n:,}" for j, n in enumerate(counts))]
        for i, (grade, counts) in enumerate(zip(GRADES, d.counts, strict=True))
    ]
    moves = [
        [
            Raw(f"<code>{text(m.enterprise_id)}</code>"),
            f"{m.before:.1f}",
            f"{m.after:.1f}",
            f"{m.after - m.before:+.1f}",
            _step(m.grade_before, m.grade_after),
            _step(m.answer_before, m.answer_after),
            m.family,
            m.why,
        ]
        for m in d.moves
    ]
    families = ", ".join(f"{name} {size:.0f}" for name, size in d.families)
    same = d.changed == 0 and not d.moves
    return "".join(
        [
            paragraph(
                f"{_against(d)} Of {d.enterprises:,} enterprises followed, in "
                f"{d.month}, {d.changed:,} ({percent(share)}) would change class by score: {d.riskier:,} to a riskier "
                f"one, {d.changed - d.riskier:,} to a safer one; with direct determinations laid under the score, the "
                f"class answered changes for {d.answers_changed:,}. Rank correlation of the scores: "
                f"{number(d.same_rank, form='.3f')}." + (" The two give the same scores." if same else "")
            ),
            table(["by score", *(f"new {g}" for g in GRADES)], rows, align="tnnnn", label="class under either model"),
            "" if same else paragraph(f"Mean size of the change in points by family: {families}."),
            "<h3>Who moves class, and why</h3>" + paragraph(
                "Those of another class first, the greatest step ahead; then those whose score moves most.", "dim",
            ) + table(
                ["enterprise", "approved", "new", "change", "class by score", "class answered", "family",
                 "indicators, points"],
                moves, align="knnnkkt", label="largest moves",
            ) if moves else "",
        ]
    )  # fmt: skip


def _step(before: str, after: str) -> str:
    return f"{before} → {after}" if before != after else f"{after}, as before"


def _against(d: Differences) -> str:
    """Say which approved version it is, since when, and when the two were compared."""
    signed = f", approved on {d.approved_on} (entry {d.entry} of the signing record)" if d.approved_on else ""
    compared = f"; compared on {d.on}" if d.on else ""
    return f"Approved is version {d.version} ({d.model_hash[:12]}){signed}{compared}."


def limits(page: Page) -> str:
    """What the reviewer must know before believing the page."""
    return bullets(page.limits) + left_out_table(page)


def origin(page: Page) -> str:
    """Hashes, versions, parameters."""
    return table(
        ["", ""], [[k, Raw(f"<code>{text(v)}</code>")] for k, v in page.facts.items()], label="where it comes from"
    )
