"""Verb token: make, rotate, end and list the tokens of calling systems (HB 23, 24)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.errors import ConfigError
from features.places import check_output
from fenlei.terminal import emit, show
from fenlei.verbs.options import Json

TOKENS = Path("data/generated/tokens.jsonl")
AUDIT = Path("data/generated/audit.jsonl")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


def span(text: str) -> timedelta:
    """Read a stretch of time such as ``7d`` or ``12h``.

    Raises
    ------
    ConfigError
        If it is none.

    Examples
    --------
    >>> span("12h")
    datetime.timedelta(seconds=43200)
    """
    match = re.fullmatch(r"(\d{1,4})([hd])", text)
    if match is None:
        raise ConfigError(f"--overlap {text!r}: expected hours or days, such as 12h or 7d")
    return int(match[1]) * _UNITS[match[2]]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def token(
    name: Annotated[str, typer.Argument(help="Whom it is for; stands in the audit record. `list` shows all.")],
    tokens: Annotated[Path, typer.Option("--tokens", help="Token file.")] = TOKENS,
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 365,
    acts: Annotated[
        str, typer.Option(help="What it may ask: some of classify, explain, history, operate.")
    ] = "classify,explain,history",
    regions: Annotated[
        str, typer.Option(help="Leading digits of GB/T 2260 codes that it is limited to, such as 1301,1302.")
    ] = "",
    department: Annotated[str, typer.Option(help="Department; stands in the audit record.")] = "",
    rate: Annotated[float | None, typer.Option(help="Calls a second; the policy's by default.")] = None,
    burst: Annotated[int | None, typer.Option(help="Calls at once; the policy's by default.")] = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new token of the same scope.")] = False,
    overlap: Annotated[str, typer.Option(help="How long the old one holds beside it, such as 12h or 7d.")] = "7d",
    revoke: Annotated[bool, typer.Option("--revoke", help="End the tokens of that name at once.")] = False,
    audit: Annotated[Path, typer.Option(help="Audit record; the act stands in it before it is done.")] = AUDIT,
    as_json: Json = False,
) -> None:
    """Make a token for a calling system and print it once; or rotate, end or list tokens."""
    from serving.guard.audit import note
    from serving.guard.tokens import create_token, listed, revoke_token, rotate_token

    if name == "list":
        _list(tokens, as_json)
        return
    if rotate and revoke:
        raise ConfigError("--rotate or --revoke, not both")
    check_output(tokens)
    check_output(audit)
    held = listed(tokens)  # a file that can't be read is no place to write to
    if revoke:
        if name in {one.grant.name for one in held}:
            note(audit, "token revoked", token=name)
        revoke_token(tokens, name)
        show(Text(f"tokens of {name} revoked"))
    elif rotate:
        length = span(overlap)
        note(audit, "token to be rotated", token=name, overlap=overlap, days=days)
        typer.echo(rotate_token(tokens, name, overlap=length, days=days))
    else:
        said = {"acts": _parts(acts), "regions": _parts(regions), "department": department}
        note(audit, "token to be made", token=name.strip()[:100], days=days, **said)
        made = create_token(
            tokens,
            name,
            days=days,
            acts=_parts(acts),
            regions=_parts(regions),
            department=department,
            rate=rate,
            burst=burst,
        )
        typer.echo(made)


def _list(tokens: Path, as_json: bool) -> None:
    from serving.guard.tokens import listed

    rows = [
        {
            "name": held.grant.name,
            **held.grant.as_line(),
            "created": held.created,
            "expires": held.grant.expires.isoformat(timespec="seconds"),
        }
        for held in listed(tokens)
    ]
    if as_json:
        emit({"tokens": rows})
        return
    for row in rows:
        acts, regions = ",".join(row["acts"]), ",".join(row.get("regions", ())) or "everywhere"
        more = "".join(f", {key} {row[key]}" for key in ("department", "rate", "burst") if key in row)
        show(Text(f"{row['name']}: {acts}; {regions}{more}; until {row['expires']}"))
    if not rows:
        show(Text(f"no tokens in {tokens}"))
