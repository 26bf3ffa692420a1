"""The page of the house is true: every room with what it says of itself, every stop of a walk a name that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from helpers.root import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
STOPS = sorted(set(re.findall(r"`([\w/]+\.py):(\w+)`", PAGE)))
ROOMS = sorted((ROOT / "src").rglob("__init__.py"))


def test_there_are_five_walks() -> None:
    walks = PAGE.partition("## Five walks")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\*\*", walks, flags=re.MULTILINE)) == 5
    assert len(STOPS) > 25


@pytest.mark.parametrize(("file", "name"), STOPS)
def test_every_stop_of_a_walk_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / "src" / file).read_text(encoding="utf-8"))
    there = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)}
    assert name in there


@pytest.mark.parametrize("face", ROOMS, ids=str)
def test_every_room_stands_in_the_tree_with_its_own_words(face: Path) -> None:
    said = ast.get_docstring(ast.parse(face.read_text(encoding="utf-8"))) or ""
    line = rf"^ *{face.parent.name}/ +{re.escape(said.splitlines()[0])}$"
    assert re.search(line, PAGE, flags=re.MULTILINE), f"{face.parent}: {said.splitlines()[0]}"
