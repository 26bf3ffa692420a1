"""What was left out of what is learned stands on the page and in the terminal, each with its reason and remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path

from rich.console import Console

from helpers.report_page import page
from models.reporting.sections.details import limits
from models.reporting.sections.left_out import left_out_lines
from models.study.left_out import LeftOut

GONE = (
    LeftOut(
        "penalties_1y", "uncovered", 0.7, None, {"penalties": date(2022, 1, 8)}, {"penalties": date(2022, 4, 1)},
        date(2023, 4, 1), 0.9,
    ),
    LeftOut("tax_rank", "uncovered", 0.0, None, {"tax_ratings": date(2022, 1, 8)}, {"tax_ratings": None}, None, 0.9),
    LeftOut("recalls_3y", "constant", 1.0, 0.0, {}, {}, None, 0.9),
    LeftOut("honours_3y", "constant", 1.0, 0.0, {}, {}, None, 0.9),
)  # fmt: skip


def test_the_page_lists_every_indicator_that_was_left_out_with_reason_and_date(tmp_path: Path) -> None:
    shown = limits(replace(page(tmp_path), left_out=GONE, indicator_zh={"penalties_1y": "近一年行政处罚"}))
    for one in GONE:
        assert f"<code>{one.name}</code>" in shown
    assert "近一年行政处罚" in shown
    assert "covered for too small a part: 70% of the fit&#x27;s rows, asked for are 90%" in shown
    assert "penalties covered from 2022-01-08 on (it begins 2022-04-01), or split.learn_from = 2023-04-01" in shown
    assert "tax_ratings covered from 2022-01-08 on (the source has none)" in shown
    assert "constant: always 0 where known" in shown


def test_a_page_without_any_has_no_such_table(tmp_path: Path) -> None:
    assert "what would have kept it" not in limits(page(tmp_path))


def test_the_terminal_groups_what_has_the_same_reason() -> None:
    console = Console(width=200, record=True, file=StringIO())
    console.print(left_out_lines(GONE))
    said = console.export_text()
    assert "4 indicators left out of what is learned" in said
    assert "2: recalls_3y, honours_3y" in said
    assert "split.learn_from = 2023-04-01" in said
