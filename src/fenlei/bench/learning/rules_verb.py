"""``fenlei bench rules``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.places import check_place
from fenlei.terminal import emit, progress, show

SEED = 131
"""A province that nothing was decided on."""


def rules(
    experiment: Annotated[Path, typer.Option(help="Study of the simulated province.")] = Path("experiments/demo.toml"),
    enterprises: Annotated[int, typer.Option(min=2000, help="Size of the simulated province.")] = 60_000,
    months: Annotated[int, typer.Option(min=60, help="Its months of history.")] = 84,
    seed: Annotated[int, typer.Option(help="Of the province.")] = SEED,
    culture: Annotated[Path, typer.Option(help="Study of Beijing's culture inspections.")] = Path(
        "experiments/beijing_culture.toml"
    ),
    data: Annotated[
        Path | None, typer.Option(help="Beijing's open data; without it, the simulated province alone.")
    ] = None,
    work: Annotated[Path, typer.Option(help="Where checked records go.")] = Path("data/generated/bench_rules"),
    page: Annotated[Path | None, typer.Option(help="Page to fill, such as docs/rules.md.")] = None,
    today: Annotated[str, typer.Option(help="Date to write on the page.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Measure the rules alone, expert and fitted, beside the model, out of time."""
    from fenlei.bench.common.page import check_page, fill
    from fenlei.bench.learning.rules import block, study
    from models.settings import checked_study
    from simulation import simulate

    check_place(work)
    check_page(page, "about", "province", *(["culture"] if data else []))
    with progress("rules") as step:
        folder = work / "province"
        step(f"simulating {enterprises:,} enterprises")
        simulate(folder, enterprises=enterprises, months=months, seed=seed)
        found = {"province": study(checked_study(experiment), folder, work, step)}
        if data is not None:
            found["culture"] = study(checked_study(culture), data, work, step)
    blocks = {name: block(one) for name, one in found.items()}
    about = f"Simulated province of {enterprises:,} enterprises ever registered, {months} months, seed {seed}."
    about += f" Measured on {today}." if today else ""
    if page:
        fill(page, blocks, about)
    if as_json:
        emit({name: one.as_dict() for name, one in found.items()})
        return
    show(Text(about + "\n"))
    for text in blocks.values():
        show(Text(text + "\n"))
