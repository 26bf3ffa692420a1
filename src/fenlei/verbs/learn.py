"""Verbs over models: train, backtest, compare, score, drift."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from features.errors import ConfigError
from features.places import check_output, check_place
from fenlei.terminal import emit, progress, show
from fenlei.verbs.options import Json
from fenlei.verbs.store import answering_store


def train(
    experiment: Annotated[Path, typer.Argument(help="The study, for instance experiments/demo.toml.")],
    data: Annotated[Path | None, typer.Option(help="Source folder.")] = None,
    trials: Annotated[int | None, typer.Option(min=0, help="Tuning trials, instead of the study's.")] = None,
    work: Annotated[Path, typer.Option(help="Where checked records and reports go.")] = Path("data/generated"),
    as_json: Json = False,
) -> None:
    """Learn, measure beside the baselines, write the report, register a version in MLflow."""
    from models.pipeline import train as run
    from models.tracking.store import Store

    # The pipeline itself looks at the store, the folder and the file before it reads a row.
    with progress("training", quiet=as_json) as step:
        result = run(experiment, store=Store.from_env(), data=data, trials=trials, work=work, say=step)
    emit(result.as_dict()) if as_json else show(result.render())


def backtest(
    experiment: Annotated[Path, typer.Argument(help="The study, for instance experiments/demo.toml.")],
    data: Annotated[Path, typer.Option(help="Source folder.")],
    origins: Annotated[int | None, typer.Option(min=1, max=60, help="Moments, instead of the study's.")] = None,
    every: Annotated[int | None, typer.Option(min=1, max=12, help="Months between them, likewise.")] = None,
    without: Annotated[
        Literal["none", "families", "groups"], typer.Option(help="Fit again without each family, or each group.")
    ] = "none",
    work: Annotated[Path, typer.Option(help="Where checked records and what is found go.")] = Path("data/generated"),
    as_json: Json = False,
) -> None:
    """Retrain at many earlier moments as production would, and measure what followed, beside the rivals."""
    from models.backtest.run import backtest as run
    from models.tracking.store import Store

    with progress("backtest", quiet=as_json) as step:
        result = run(
            experiment,
            store=Store.from_env(),
            data=data,
            work=work,
            origins=origins,
            every=every,
            without=without,
            say=step,
        )
    emit(result.as_dict()) if as_json else show(result.render())


def compare(
    runs: Annotated[list[str] | None, typer.Argument(help="Run ids or their beginnings; default: the newest.")] = None,
    sort: Annotated[str | None, typer.Option(help="A metric, such as test/auc, whose best comes first.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every metric that a run has.")] = False,
    as_json: Json = False,
) -> None:
    """Show training runs side by side, as MLflow has them, and in what they differ."""
    from models.reporting import compare as comparing

    frame = comparing.compare_runs(answering_store(), runs or None, sort=sort)
    emit(comparing.as_dict(frame)) if as_json else show(comparing.render(frame, everything=everything))


def score(
    version: Annotated[str, typer.Argument(help="Registered version, such as hebei.demo/3.")],
    table: Annotated[Path, typer.Argument(help="Indicator table of `fenlei features`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="List to write, .csv or .parquet.")],
    as_json: Json = False,
) -> None:
    """Rank the enterprises of an indicator table by a version, the riskiest first."""
    from features.table.month import read_table
    from models.scoring.ranked import UNRANKED, ranked
    from models.scoring.risk_model import RiskModel
    from models.tracking import versions

    if output.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{output}: a list is written as .csv or .parquet")
    check_output(output)
    model = RiskModel.load(versions.bundle(answering_store(), version))
    frame, _ = read_table(table)
    found = ranked(model, frame)
    if output.suffix == ".csv":
        found.to_csv(output, index=False)
    else:
        found.to_parquet(output, index=False)
    without = int((found[UNRANKED] != "").sum())
    about = {"version": version, "enterprises": len(found), "unranked": without, "arm": model.arm, "list": str(output)}
    if as_json:
        emit(about)
        return
    show(Text(f"{len(found):,} enterprises, {without:,} of them without a rank: {output}"))
    show(Text(model.arm))


def drift(
    experiment: Annotated[Path, typer.Argument(help="The study that made the version.")],
    data: Annotated[Path, typer.Option(help="Source folder, of a later day than the version was learned from.")],
    version: Annotated[str | None, typer.Option(help="Registered version; default: the approved one.")] = None,
    months: Annotated[int, typer.Option(min=1, max=60, help="The latest months looked at.")] = 12,
    work: Annotated[Path, typer.Option(help="Where checked records go.")] = Path("data/generated"),
    as_json: Json = False,
) -> None:
    """Follow a version on later records: what moved since it was frozen; exit 1 when a new model is asked for."""
    from models.reporting.terminal import render
    from models.review.monitor import MonitoringError, monitor
    from models.settings import checked_study
    from models.signoff.approval import approved_model
    from models.study.records import prepare

    asked = checked_study(experiment)
    check_place(work / f"{asked.name}_later")
    store = answering_store()
    if version is None:
        approved = approved_model(store, asked.province)
        if approved is None:
            raise MonitoringError("no version is approved; name one with --version")
        version = approved[1]
    with progress("following", quiet=as_json) as step:
        prepared = prepare(asked.source, asked.name, data, work / f"{asked.name}_later", step)
        step("indicators, scores, results")
        found = monitor(store, version, asked, prepared.clean, prepared.as_of, months)
    emit(found.as_dict()) if as_json else show(render(found))
    if found.stable.retrain.asked:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (train, backtest, compare, score, drift):
        app.command()(verb)
