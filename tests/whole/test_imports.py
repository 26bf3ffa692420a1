"""Imports run one way: fenlei → supervision → serving → models → features; simulation → features."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from helpers.root import ROOT

SRC = ROOT / "src"
MAY_IMPORT = {
    "features": set[str](),
    "models": {"features"},
    "serving": {"models", "features"},
    "supervision": {"serving", "models", "features"},
    "simulation": {"features"},
    "fenlei": {"supervision", "serving", "models", "features", "simulation"},
}


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports anywhere in it, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_only_downwards(package: str) -> None:
    modules = sorted((SRC / package).rglob("*.py"))
    assert modules
    ours = set(MAY_IMPORT) - {package}
    wrong = {str(p.relative_to(SRC)): sorted(imported(p) & ours - MAY_IMPORT[package]) for p in modules}
    assert {p: w for p, w in wrong.items() if w} == {}


def test_only_the_benchmarks_and_tests_read_the_simulated_truth() -> None:
    readers = [
        str(p.relative_to(SRC))
        for p in SRC.rglob("*.py")
        if "_truth" in p.read_text(encoding="utf-8")
        and not str(p.relative_to(SRC)).startswith(("simulation/", "fenlei/bench"))
    ]
    assert readers == []


def test_nobody_writes_the_environment_of_the_process() -> None:
    """What is told is a value (`models.Store`, `serving.Settings`); only a library's own switches get a default."""
    written = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
            written += [f"{path}:{t.lineno}" for t in targets if ast.unparse(t).startswith("os.environ")]
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.putenv", "os.environ.update"):
                written.append(f"{path}:{node.lineno}")
    assert written == []
