"""The notebooks run from top to bottom, as a newcomer would run them, and are committed with what they show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.notebooks import NOTEBOOKS, faults, read, run
from helpers.root import ROOT

PICTURES = {"03_why_this_enterprise", "04_what_biased_visits_teach"}
"""Notebooks that draw."""


def kinds(notebook: Any) -> list[list[str]]:
    """What each code cell shows: streams, values, pictures."""
    return [
        [str(output.get("name") or "/".join(sorted(output.get("data", {})))) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_reader_on_the_web_sees_what_a_notebook_found_and_nothing_of_the_machine(path: Path) -> None:
    notebook = read(path)
    assert faults(notebook) == []
    shown = kinds(notebook)
    assert sum(map(bool, shown)) > len(shown) / 2
    assert any("image/png" in kind for cell in shown for kind in cell) == (path.stem in PICTURES)
    assert set(notebook.metadata) == {"kernelspec"}
    assert all(not cell.metadata for cell in notebook.cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_and_shows_what_is_committed(path: Path) -> None:
    notebook = run(path)
    assert faults(notebook) == []
    assert kinds(notebook) == kinds(read(path)), "run `make notebooks`"


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "TqdmWarning: IProgress not found"}, "standard error"),
        ({"output_type": "stream", "name": "stdout", "text": "in /home/li/province"}, "shows a path"),
        ({"output_type": "stream", "name": "stdout", "text": "visits + $problem_prior_visits"}, "threshold's name"),
        ({"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": []}, "ends in KeyError"),
    ],
)
def test_what_no_reader_should_see_is_found(output: dict[str, Any], fault: str) -> None:
    cell = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cell_type": "code", "source": "x", "execution_count": 1, "metadata": {}, "outputs": [output]}
    )
    [found] = faults(nbformat.from_dict({"cells": [cell]}))  # type: ignore[no-untyped-call]
    assert fault in found


@pytest.mark.parametrize("path", [*NOTEBOOKS, ROOT / "README.md"], ids=lambda p: p.stem)
def test_a_reader_is_shown_faces_alone(path: Path) -> None:
    """What a notebook or the README imports of ours is exported by a package, not found in one of its files."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    ours = re.findall(
        r"^\s*(?:from|import) ((?:features|models|serving|simulation|supervision|fenlei)\b[\w.]*)", text, re.MULTILINE
    )
    inner = [name for name in ours if not (ROOT / "src" / Path(*name.split(".")) / "__init__.py").is_file()]
    assert inner == []
