"""``fenlei bench faults --serve``: the faults of the service, as a table."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from fenlei.bench.common.page import check_page, markdown, put
from fenlei.terminal import progress, show

BLOCK = "faults serve"


def tried(enterprises: int, swaps: int, page: Path | None) -> None:
    """Try every fault on a demo made for it; exit 1 where one did not hold."""
    from fenlei.bench.serve.faults import serve_faults
    from fenlei.verbs.demo import signed

    check_page(page, BLOCK)
    with progress("faults") as step, tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        store, table, result = signed(place / "demo", enterprises, 0, 7, step)
        found = serve_faults(store, table, result.version, place, swaps, step)
    columns = ["fault", "answers", "wrong", "unlogged", "lost in flight", "as it must be"]
    cells = [
        [f.what, f.said, str(f.seen.wrong), str(f.unlogged), str(f.seen.lost), "yes" if f.held else "NO"] for f in found
    ]
    shown = Table(title="faults of the service while 4 clients call steadily")
    for name in columns:
        shown.add_column(name)
    for row in cells:
        shown.add_row(*row)
    show(shown)
    held = sum(f.held for f in found)
    show(Text(f"{held} of {len(found)} held"))
    if page is not None:
        put(page, {BLOCK: markdown(columns, cells)})
    if held < len(found):
        raise typer.Exit(1)
