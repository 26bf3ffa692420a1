"""Verbs around the service: serve, token, audit verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.places import check_output
from features.policy import own_policies
from fenlei.terminal import emit, show
from fenlei.verbs.options import Json

TokenFile = Annotated[Path, typer.Option("--tokens", help="Token file.")]
TOKENS = Path("data/generated/tokens.jsonl")


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
) -> None:
    """Serve the approved model beside the rules until stopped; options win over FENLEI_* variables."""
    from serving.launch import run_forever
    from serving.settings import Settings

    settings = Settings.from_env(
        table=table, ledger=ledger, shadow=shadow, province=province, policies=own_policies(), tokens=tokens
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


def token(
    name: Annotated[str, typer.Argument(help="Whom it is for; stands in the audit record.")],
    tokens: TokenFile = TOKENS,
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 365,
    revoke: Annotated[bool, typer.Option("--revoke", help="End the token of that name instead.")] = False,
) -> None:
    """Make a token for a calling system and print it once, or end it."""
    from serving.guard.tokens import create_token, revoke_token

    check_output(tokens)
    if revoke:
        revoke_token(tokens, name)
        show(Text(f"token of {name} revoked"))
    else:
        typer.echo(create_token(tokens, name, days=days))


audit = typer.Typer(help="The record of who asked what.", no_args_is_help=True)


@audit.command("verify")
def verify(
    record: Annotated[Path, typer.Argument(help="Audit record.")] = Path("data/generated/audit.jsonl"),
    head: Annotated[
        str | None,
        typer.Option(help="Hash of a line kept elsewhere (`POST /status` gives it): shows a cut-off end too."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the chain of the audit record; exit 1 when a line was edited, removed or added."""
    from features.errors import SourceError
    from serving.guard.audit import verify as check

    if not record.is_file():
        raise SourceError(f"{record}: no such audit record")
    found = check(record, head=head)
    if as_json:
        emit({"ok": found.ok, "lines": found.lines, "head": found.head, "problem": found.problem})
    else:
        show(Text(f"{found.lines} lines hold, head {found.head[:12]}" if found.ok else f"broken: {found.problem}"))
    if not found.ok:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(serve)
    app.command()(bento)
    app.command()(token)
    app.add_typer(audit, name="audit")
