"""Within a package imports run one way: no two modules and no two rooms (folders) wait for one another."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from helpers.root import ROOT

SRC = ROOT / "src"
PACKAGES = ("features", "models", "serving", "supervision", "simulation", "fenlei")


def name_of(path: Path) -> str:
    """Return a module's dotted name; a package's face bears the package's."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(package: str) -> dict[str, Path]:
    return {name_of(path): path for path in sorted((SRC / package).rglob("*.py"))}


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the package's own modules that one names anywhere, also within functions, but for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = []
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in below if name in known}
            if {name for name in below if name not in known}:
                found.add(node.module)
    return {name for name in found if name in known} - {name_of(path)}


def floors(known: dict[str, Path]) -> list[str]:
    """Return the folders of a package, by dotted name."""
    return [name for name, path in known.items() if path.name == "__init__.py"]


def child(folder: str, module: str) -> str | None:
    """Return what stands in a folder and holds a module: a file of it, or a folder within it taken as one."""
    return (
        module[: len(folder) + 1] + module[len(folder) + 1 :].split(".")[0] if module.startswith(folder + ".") else None
    )


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return one circle of a graph, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_modules_import_one_another(package: str) -> None:
    known = modules(package)
    assert circle({name: imports(path, known) for name, path in known.items()}) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_stands_in_a_folder_imports_downwards_only(package: str) -> None:
    """On each floor the files and the folders, each folder taken as one, have an order; faces see what is below."""
    known = modules(package)
    edges = [(name, other) for name, path in known.items() for other in imports(path, known)]
    found = {}
    for folder in floors(known):
        graph: dict[str, set[str]] = {}
        for name, other in edges:
            one, two = child(folder, name), child(folder, other)
            if one is not None and two is not None and one != two:
                graph.setdefault(one, set()).add(two)
        if circle(graph):
            found[folder] = circle(graph)
    assert found == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_face_hides_no_module(package: str) -> None:
    """An exported name that a submodule bears would stand where the module is looked for."""
    known = modules(package)
    hidden = {}
    for name, path in known.items():
        if path.name != "__init__.py":
            continue
        beside = {other.rpartition(".")[2] for other in known if other.rpartition(".")[0] == name}
        exported = {
            alias.asname or alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if f"{node.module}.{alias.name}" not in known
        }
        if exported & beside:
            hidden[name] = sorted(exported & beside)
    assert hidden == {}


def test_the_guards_see_a_circle() -> None:
    assert circle({"a": {"b"}, "b": {"a"}}) != []
    assert circle({"a": {"b"}, "b": set()}) == []
