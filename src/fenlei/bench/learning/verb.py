"""``fenlei bench learn``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.places import check_place
from fenlei.terminal import emit, progress, show

SEEDS = [121, 122, 123, 124, 125]
"""Provinces that nothing was decided on: 7 and 101 to 120 were looked at while the study was set up."""
HUNCHES = [1.5, 2.5, 4.0]


def learn(
    experiment: Annotated[Path, typer.Option(help="Experiment to run.")] = Path("experiments/province.toml"),
    enterprises: Annotated[int, typer.Option(min=2000, help="Size of each province.")] = 300_000,
    seed: Annotated[
        list[int] | None, typer.Option("--seed", help="Provinces; several. Default: five that nothing was decided on.")
    ] = None,
    hunch: Annotated[
        list[float] | None, typer.Option("--hunch", help="Strengths of the hunch; several. Default: 1.5, 2.5 and 4.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Keeps finished studies; a stopped run goes on there.")] = Path(
        "data/generated/bench_learn"
    ),
    page: Annotated[Path | None, typer.Option(help="Page to fill, such as docs/learning.md.")] = None,
    today: Annotated[str, typer.Option(help="Date to write on the page.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print every study as JSON.")] = False,
) -> None:
    """Measure learning from biased inspections where the truth is known, beside ceiling and oracle."""
    from fenlei.bench.common.page import check_page, fill
    from fenlei.bench.learning import report
    from models.study.experiment import load_experiment

    check_place(out)
    check_page(page, "ways", "targets", "contract", "shapes", "about")
    asked = load_experiment(experiment)
    with progress("learn") as step:
        studies = report.run(asked, seed or SEEDS, hunch or HUNCHES, enterprises=enterprises, out=out, say=step)
    blocks = {
        "ways": report.ways_table(studies),
        "targets": report.targets_table(studies),
        "contract": report.contract_text(studies),
        "shapes": report.shapes_table(studies),
    }
    line = report.about(studies, asked) + (f" Measured on {today}." if today else "")
    if page:
        fill(page, blocks, line)
    if json:
        emit(report.as_dict(studies))
        return
    show(Text(line + "\n"))
    for block in blocks.values():
        show(Text(block + "\n"))
