"""The page that explains the data is the contract itself."""

from __future__ import annotations

from pathlib import Path

from features.check import KINDS
from features.check.contract_page import main, render_readme
from features.contract import TABLES
from helpers.root import ROOT

COMMITTED = ROOT / "data" / "README.md"


def test_the_committed_page_is_the_generated_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render_readme(), "run: python -m features.check.contract_page"


def test_the_page_names_every_table_column_and_code_in_both_languages() -> None:
    page = render_readme()
    for table in TABLES.values():
        section = page.partition(f"\n### {table.name}\n")[2].partition("\n### ")[0]
        assert table.zh in section
        for column in table.own:
            assert f"| `{column.name}` | {column.zh} | {column.type} |" in section
        for column in table.columns:
            for code, (en, zh) in column.codes.codes.items() if column.codes else ():
                assert f"| `{code}` | {en} | {zh} |" in page
    for kind, (en, zh) in KINDS.items():
        assert f"| `{kind}` | {zh} | {en} |" in page


def test_every_code_list_linked_to_is_there() -> None:
    page = render_readme()
    links = {part.partition(")")[0] for part in page.split("](#codes-")[1:]}
    headings = {line.removeprefix("### codes: ") for line in page.splitlines() if line.startswith("### codes: ")}
    assert links == headings
    assert links


def test_the_page_can_be_written_anywhere(tmp_path: Path) -> None:
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == render_readme()
