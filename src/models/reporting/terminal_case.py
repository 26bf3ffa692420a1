"""Case of one enterprise in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from models.reporting.case import Case
from models.reporting.sheet_words import WORDS, Words
from models.reporting.waterfall import Step, steps

_COLOURS = {"A": "green", "B": "blue", "C": "yellow", "D": "red"}


def shown(case: Case, language: str) -> Iterator[RenderableType]:
    """Give what the terminal shows, part by part, in ``zh`` or ``en``."""
    words, found = WORDS[language], case.found
    who = case.name or found.enterprise_id
    yield Text(words.title.format(who=who), style="bold")
    known = [f"{words.id} {found.enterprise_id}", *([f"{words.code} {case.code}"] if case.code else [])]
    yield Text(words.apart.join([*known, words.month.format(day=found.cutoff)]), style="dim")
    head = Text(f" {found.grade} ", style=f"bold reverse {_COLOURS[found.grade]}")
    yield head + Text("  " + words.score.format(score=f"{found.score:g}", meaning=words.meaning[found.grade]))
    if found.grade != found.score_grade:
        why = words.floored if found.determinations else words.insufficient
        yield Text(why.format(by_score=found.score_grade, grade=found.grade))
    for hit in found.determinations:
        rows = [words.row(case.evidence[r]) for r in hit.evidence if r in case.evidence]
        yield Text(f"{words.determined} {words.hit(hit)}", style="red")
        for table, day, kind, number in rows:
            yield Text(f"    {table} {day}{words.bracket(kind) if kind else ''} {number}", style="dim")
    yield _table(case, words)
    for line in words.of(case.helps):
        yield Text(f"{words.helps}: {line}")
    yield Text(
        words.apart.join(
            [*(f"{words.version.get(k, k)} {v}" for k, v in found.versions.items()), *words.of(case.signed)]
        ),
        style="dim",
    )


def _table(case: Case, words: Words) -> Table:
    table = Table(title=words.why, title_justify="left", show_header=False, show_lines=False, expand=False)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for one in steps(case.found, words.step):
        table.add_row(_cell(one, case, words), Text(one.number, style="bold" if one.total else _sign(one)))
    return table


def _cell(one: Step, case: Case, words: Words) -> Text:
    cell = Text(one.said, style="bold" if one.total else "")
    behind = case.behind.get(one.indicator)
    for table, day, kind, number in [words.row(row) for row in behind.rows] if behind else []:
        cell.append(f"\n  {table} {day}{words.bracket(kind) if kind else ''} {number}", style="dim")
    return cell


def _sign(one: Step) -> str:
    return "red" if one.end > one.begin else "green"
