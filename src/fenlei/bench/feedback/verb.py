"""``fenlei bench loop``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.places import check_place
from fenlei.terminal import emit, progress, show

SEEDS = [201]
PROVINCE = "hebei"
PLAN = "hebei"


def _said(say: Callable[[str], None], here: str) -> Callable[[str], None]:
    """Name the province before each step."""
    return lambda step: say(here + step)


def loop(
    experiment: Annotated[Path, typer.Option(help="Experiment that says how ours learns.")] = Path(
        "experiments/province.toml"
    ),
    enterprises: Annotated[int, typer.Option(min=1000, help="Size of each province.")] = 10_000,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Provinces; several. Default: 201.")] = None,
    hunch: Annotated[float, typer.Option(min=1.0, help="Strength of the targeted visits' hunch.")] = 2.5,
    history: Annotated[int, typer.Option(min=60, help="Months of records before the loop.")] = 72,
    months: Annotated[int, typer.Option(min=14, help="Months of the loop.")] = 36,
    out: Annotated[Path, typer.Option(help="Keeps finished provinces; a stopped run goes on there.")] = Path(
        "data/generated/bench_loop"
    ),
    page: Annotated[Path | None, typer.Option(help="Page to fill, such as docs/feedback-loop.md.")] = None,
    today: Annotated[str, typer.Option(help="Date to write on the page.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the blocks as JSON.")] = False,
) -> None:
    """Plan by class, inspect by the truth, learn again: whether being looked at is mistaken for being bad."""
    from fenlei.bench.common.page import check_page, fill
    from fenlei.bench.feedback import report
    from models.evaluation.policies import load_contract, load_sampling
    from models.study.experiment import load_experiment

    check_place(out)
    check_page(page, "verdict", "risk", "work", "drift", "effect", "about")
    asked, seeds = load_experiment(experiment), seed or SEEDS
    plan = load_sampling(PROVINCE).plans[PLAN]
    found = []
    with progress("loop") as step:
        for one in seeds:
            found.append(
                report.province(
                    asked, plan, out, enterprises=enterprises, history=history, months=months, hunch=hunch, seed=one,
                    say=_said(step, f"seed {one}: "),
                )
            )  # fmt: skip
        step("measuring")
        runs, truth = report.joined(found)
        blocks = report.blocks(runs, truth, plan, load_contract(PROVINCE).group_error, seeds[0])
    line = report.about(enterprises, seeds, hunch, history, months, runs)
    line += " " + report.command(enterprises, seeds, today)
    if page:
        fill(page, blocks, line)
    if json:
        emit({"about": line} | blocks)
        return
    show(Text(line + "\n"))
    for name, block in blocks.items():
        show(Text(f"{name}\n\n{block}\n"))
