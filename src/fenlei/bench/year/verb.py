"""``fenlei bench year``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.places import check_place
from fenlei.terminal import emit, progress, show

SEEDS = [301, 302, 303]
BLOCKS = ("year verdict", "year work", "year told", "year groups", "about year")


def year(
    experiment: Annotated[Path, typer.Option(help="Experiment that says how the model learns.")] = Path(
        "experiments/province.toml"
    ),
    enterprises: Annotated[int, typer.Option(min=1000, help="Size of each province.")] = 6_000,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Provinces; several. Default: 301 to 303.")] = None,
    hunch: Annotated[float, typer.Option(min=1.0, help="Strength of the targeted visits' hunch.")] = 2.5,
    out: Annotated[Path, typer.Option(help="Keeps finished provinces; a stopped run goes on there.")] = Path(
        "data/generated/bench_year"
    ),
    page: Annotated[Path | None, typer.Option(help="Page to fill, such as docs/year.md.")] = None,
    today: Annotated[str, typer.Option(help="Date to write on the page.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the blocks as JSON.")] = False,
) -> None:
    """Twelve months of classify, draw, visit, return and learn: the model's plan beside three other ways to choose."""
    from fenlei.bench.common.page import check_page, put
    from fenlei.bench.year import report
    from models.evaluation.policies import load_sampling
    from models.study.experiment import load_experiment

    check_place(out)
    check_page(page, *BLOCKS)
    asked, seeds = load_experiment(experiment), seed or SEEDS
    plan = load_sampling("hebei").plans["hebei"]
    found = []
    with progress("year") as step:
        for one in seeds:

            def say(what: str, one: int = one) -> None:
                step(f"seed {one}: {what}")

            found.append(
                report.province(asked, plan, out, enterprises=enterprises, hunch=hunch, seed=one, say=say)
            )  # fmt: skip
        step("measuring")
        together = report.joined(found)
        blocks = report.blocks(together, plan, seeds)
    line = report.about(enterprises, seeds, hunch, together)
    options = "".join(f" --seed {s}" for s in seeds)
    when = f" on {today}" if today else ""
    line += f" Measured by `fenlei bench year --enterprises {enterprises}{options}`{when}."
    if page:
        put(page, blocks | {"about year": line})
    if json:
        emit({"about": line} | blocks)
        return
    show(Text(line + "\n"))
    for name, block in blocks.items():
        show(Text(f"{name}\n\n{block}\n"))
