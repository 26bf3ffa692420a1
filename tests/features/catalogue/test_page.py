"""The page of the indicators is the catalogue itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue import CATALOGUE
from features.catalogue.declaration import FAMILIES, GROUPS
from features.catalogue.evidence import EVIDENCE
from features.catalogue.page import main, render_page
from features.contract import TABLES
from helpers.root import ROOT

COMMITTED = ROOT / "docs" / "indicators.md"


def test_the_committed_page_is_the_generated_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render_page(), "run: python -m features.catalogue.page"


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_indicator_has_a_full_row_under_its_family_and_group(name: str) -> None:
    i = CATALOGUE[name]
    family = render_page().partition(f"\n## {i.family}\n")[2].partition("\n## ")[0]
    group = family.partition(f"\n### {i.group} {GROUPS[i.family][i.group]}\n")[2].partition("\n### ")[0]
    [row] = [line for line in group.splitlines() if line.startswith(f"| `{name}` |")]
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    assert len(cells) == 10
    assert all(cells)
    assert {i.en, i.zh, i.unit, i.window, i.policy} <= set(cells)


def test_there_are_as_many_indicators_and_groups_as_the_national_system_has() -> None:
    assert len(CATALOGUE) >= 81
    groups = {(i.family, i.group) for i in CATALOGUE.values()}
    assert groups == {(f, g) for f in FAMILIES for g in GROUPS[f]}
    assert len(groups) == 25


def test_the_page_names_every_rule_and_links_only_to_tables_of_the_contract() -> None:
    page = render_page()
    assert all(f"| `{column}` |" in page for column in EVIDENCE)
    links = {part.partition(")")[0] for part in page.split("](../data/README.md#")[1:]}
    assert links == set(TABLES)


def test_the_page_can_be_written_anywhere(tmp_path: Path) -> None:
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == render_page()
