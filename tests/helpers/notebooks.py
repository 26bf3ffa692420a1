"""Notebooks, run from top to bottom and written with their outputs: ``make notebooks``.

A reader on the web sees the outputs that are committed. What differs from one machine or run to the next stays out:
times of execution, the interpreter's version, progress bars; the cells themselves show no path.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from helpers.root import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
PLACES = ("/home/", "/root/", "/tmp/", "/Users/", "/usr/", "/private/", "site-packages")
OF_A_MACHINE = re.compile(
    "|".join(re.escape(p) for p in (*PLACES, str(ROOT), tempfile.gettempdir(), str(Path.home()))) + r"|\b[A-Z]:\\\w"
)
"""A path of some machine, or of this one."""


def read(path: Path) -> Any:
    """A notebook as it is committed."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def run(path: Path) -> Any:
    """Run a notebook and return it with its outputs and nothing of this run besides."""
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": path.parent}},
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(KERNEL)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})  # type: ignore[no-untyped-call]
    return notebook


def texts(output: Any) -> Iterator[str]:
    """Every text of an output; pictures are none."""
    yield output.get("text", "")
    for kind, data in output.get("data", {}).items():
        if not kind.startswith("image/"):
            yield data if isinstance(data, str) else repr(data)


def faults(notebook: Any) -> list[str]:
    """What a reader should not be shown: errors, warnings, paths, and cells that were never run."""
    found = []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, start=1):
        if cell.execution_count != number:
            found.append(f"cell {number} was not run in its turn")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} ends in {output.ename}")
            if output.get("name") == "stderr":
                found.append(f"cell {number} writes to standard error: {output.text[:200]}")
            found += [
                f"cell {number} shows a path: {text[max(0, hit.start() - 20) : hit.end() + 40]}"
                for text in texts(output)
                for hit in OF_A_MACHINE.finditer(text)
            ]
            found += [f"cell {number} shows a threshold's name: {t[:80]}" for t in texts(output) if "$problem" in t]
    return found


def main() -> None:
    """Run all notebooks and write them where they stand."""
    for path in NOTEBOOKS:
        notebook = run(path)
        wrong = faults(notebook)
        if wrong:
            raise SystemExit(f"{path.name}: " + "; ".join(wrong))
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
