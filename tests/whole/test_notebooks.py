"""The notebooks run from top to bottom, as a newcomer would run them."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.root import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_and_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()


@pytest.mark.parametrize("path", [*NOTEBOOKS, ROOT / "README.md"], ids=lambda p: p.stem)
def test_a_reader_is_shown_faces_alone(path: Path) -> None:
    """What a notebook or the README imports of ours is exported by a package, not found in one of its files."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    ours = re.findall(
        r"^\s*(?:from|import) ((?:features|models|serving|simulation|supervision|fenlei)\b[\w.]*)", text, re.MULTILINE
    )
    inner = [name for name in ours if not (ROOT / "src" / Path(*name.split(".")) / "__init__.py").is_file()]
    assert inner == []
