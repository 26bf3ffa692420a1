"""Verbs around the audit record: verify it, find lines in it, put its files aside (HB 24)."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from features.errors import ConfigError, SourceError
from fenlei.terminal import emit, show
from fenlei.verbs.options import Json

RECORD = Path("data/generated/audit.jsonl")
Record = Annotated[Path, typer.Argument(help="Audit record: the first worker's file, beside which the others stand.")]
WAIT_SECONDS = 10.0

audit = typer.Typer(help="The record of who asked what.", no_args_is_help=True)


def _there(record: Path) -> None:
    from serving.guard.parts import chains_of, files_of

    if record.is_dir() or not any(file.is_file() for chain in chains_of(record) for file in files_of(chain)):
        raise SourceError(f"{record}: no such audit record")


@audit.command("verify")
def verify(
    record: Record = RECORD,
    head: Annotated[
        str | None,
        typer.Option(help="Hash of a line kept elsewhere (`POST /status` gives it): shows a cut-off end too."),
    ] = None,
    heads: Annotated[
        Path | None, typer.Option(help="File of heads that the service keeps on another disk (FENLEI_AUDIT_HEADS).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every chain of the audit record, over all its files; exit 1 when a line was edited, removed or added."""
    from serving.guard.audit import heads_in
    from serving.guard.verified import verify_all

    noted = []
    if heads is not None:
        if not heads.is_file():
            raise SourceError(f"{heads}: no such file of heads")
        noted = heads_in(heads)
    else:
        _there(record)
    found = verify_all(record, head=head, heads=noted)
    ok = all(one.ok for one in found)
    if as_json:
        chains = [
            {"chain": one.path.name, "ok": one.ok, "lines": one.lines, "head": one.head, "problem": one.problem}
            for one in found
        ]
        problem = next((one.problem for one in found if not one.ok), None)
        lines = sum(one.lines for one in found)
        emit({"ok": ok, "lines": lines, "head": found[0].head, "problem": problem, "chains": chains})
    else:
        for one in found:
            good = f"{one.path.name}: {one.lines} lines hold, head {one.head}"
            show(Text(good if one.ok else f"broken: {one.problem}"))
    if not ok:
        raise typer.Exit(1)


@audit.command("find")
def find(
    record: Record = RECORD,
    enterprise: Annotated[str | None, typer.Option(help="Id, or code, that was asked about.")] = None,
    token: Annotated[str | None, typer.Option(help="Name of whose token it was.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First moment, such as 2026-01-02T08:00+08:00.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The moment before which it was.")] = None,
    as_json: Json = False,
) -> None:
    """Print the lines of calls and acts that fit, by time; verify the record first if it matters."""
    from serving.guard.verified import find as found_in

    _there(record)
    lines = found_in(
        record, enterprise=enterprise, token=token, since=_moment("--from", since), until=_moment("--to", until)
    )
    if as_json:
        emit({"lines": lines})
        return
    for line in lines:
        what = line.get("event") or f"{line.get('path')} {line.get('status')}"
        about = ", ".join(line.get("enterprises") or ())
        who = line.get("token") or line.get("by") or "nobody known"
        show(Text(f"{line['time']}  {who}  {what}  {about}  [{line['chain']} {line['number']}]"))
    show(Text(f"{len(lines)} lines"))


@audit.command("rotate")
def rotate(
    record: Record = RECORD,
    heads: Annotated[
        Path | None, typer.Option(help="File of heads on another disk; a service that runs keeps its own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put the record's files aside and go on in new ones; print the heads to keep elsewhere. The service may run."""
    from models.chain import InUseError
    from serving.guard.audit import AuditLog, note
    from serving.guard.parts import admin_chain, asked_to_rotate, chains_of
    from serving.guard.verified import verify as check

    _there(record)
    note(record, "audit record to be put aside")
    out = []
    for chain in chains_of(record):
        if not chain.exists():
            continue
        try:
            held = AuditLog(chain, flush=0, heads=heads)
        except InUseError:
            _ask(chain, asked_to_rotate(chain))
            found = check(chain)
            lines, last = found.lines, found.head
        else:
            try:
                lines, last = held.rotate()
            finally:
                held.close()
        out.append({"chain": chain.name, "lines": lines, "hash": last})
    if as_json:
        emit({"heads": out, "acts": admin_chain(record).name})
    else:
        for said in out:
            show(Text(f"{said['chain']}: {said['lines']} lines, head {said['hash']}"))


def _ask(chain: Path, request: Path) -> None:
    """Have the service that writes a chain put it aside."""
    request.touch()
    until = time.monotonic() + WAIT_SECONDS
    while request.exists():
        if time.monotonic() > until:
            request.unlink(missing_ok=True)
            raise SourceError(f"{chain}: the service that writes it did not put it aside; its log says why")
        time.sleep(0.1)


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as err:
        raise ConfigError(f"{option} {text!r}: expected a moment such as 2026-01-02 or 2026-01-02T08:00+08:00") from err
    return moment if moment.tzinfo is not None else moment.astimezone()
