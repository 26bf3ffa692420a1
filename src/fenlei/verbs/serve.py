"""Verbs around the service: serve, token, audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.policy import own_policies
from fenlei.terminal import show
from fenlei.verbs.access import token
from fenlei.verbs.trail import audit


def serve(
    table: Annotated[
        Path | None, typer.Option(help="Indicator table of the current month, from `fenlei features`.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Ledger whose newest published month is served instead of a table.")
    ] = None,
    shadow: Annotated[
        str | None, typer.Option(help="Registered version that scores beside, never answers; see `fenlei shadow`.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    province: Annotated[str | None, typer.Option(help="Whose policies hold; or FENLEI_PROVINCE.")] = None,
    tokens: Annotated[Path | None, typer.Option("--tokens", help="Token file.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that answer; 1 by default.")] = None,
    regions: Annotated[
        Path | None, typer.Option(help="Parquet file of where enterprises are, for tokens of one region.")
    ] = None,
    heads: Annotated[Path | None, typer.Option(help="File on another disk for the audit record's heads.")] = None,
) -> None:
    """Serve the approved model beside the rules until stopped; options win over FENLEI_* variables."""
    from serving.launch import run_forever
    from serving.settings import Settings

    settings = Settings.from_env(
        table=table,
        ledger=ledger,
        shadow=shadow,
        province=province,
        policies=own_policies(),
        tokens=tokens,
        workers=workers,
        regions=regions,
        audit_heads=heads,
    )
    if code := run_forever(settings, port, host):
        raise typer.Exit(code)


def bento(
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    province: Annotated[str | None, typer.Option(help="Whose policies hold; or FENLEI_PROVINCE.")] = None,
) -> None:
    """Pack the service with the approved version: `bentoml serve FOLDER` serves it without MLflow."""
    from serving.packing import pack
    from serving.settings import Settings

    folder = pack(Settings.from_env(province=province, policies=own_policies()), out)
    show(Text(f"{folder}: serve it with `bentoml serve {folder}`; container file {folder}/env/docker/Dockerfile"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(serve)
    app.command()(bento)
    app.command()(token)
    app.add_typer(audit, name="audit")
