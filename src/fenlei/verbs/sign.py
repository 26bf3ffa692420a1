"""Verbs of signing: keygen, propose, approve, reject, back, history."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from features.places import check_output
from fenlei.terminal import emit, err, progress, show
from fenlei.verbs.options import LEDGER, Json, Province
from fenlei.verbs.person import PASSPHRASE, Key, List, Note, read_private, today
from fenlei.verbs.store import answering_store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from models.signoff.approval import Entry, History
    from models.tracking.store import Store

Version = Annotated[str, typer.Argument(help="Registered version, as `fenlei train` printed it.")]
Accept = Annotated[str, typer.Option("--accept-unknown", help="Why to go on where the gate can't tell; is signed.")]

Say = Callable[[str], None]

YEARS = 2
"""How long a new key is proposed to be good."""


def keygen(
    name: Annotated[str, typer.Argument(help='Whose key, in Latin letters, such as "Li Na".')],
    zh: Annotated[str, typer.Option("--zh", help="The same in Chinese characters.")],
    out: Annotated[Path | None, typer.Option(help="File of the private key; default: <name>.key here.")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="propose, approve, override, override_approve, confirm; again for more."),
    ] = None,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Don't encrypt the file.")] = False,
) -> None:
    """Make a signing key: the private half to a file of yours, the public half as lines for signers.toml."""
    from models.signoff.record.keys import make_key
    from models.signoff.record.signers import Signer, lines

    day = today()
    # Checked before the key is made; the public half of it is not known yet.
    draft = Signer.drafted(name, zh, role or ["propose", "approve"], day, day.replace(year=day.year + YEARS, day=1))
    path = out or Path(f"{name.lower().replace(' ', '-')}.key")
    if not path.exists():  # a key that is there is never written over: `make_key` says so
        check_output(path)
    passphrase = None if no_passphrase else os.environ.get(PASSPHRASE)
    if passphrase is None and not no_passphrase:
        passphrase = typer.prompt("passphrase of the new key", hide_input=True, confirmation_prompt=True, err=True)
    public = make_key(path, passphrase)
    err.print(Text(f"private key: {path} (keep it to yourself); lines for signers.toml:"), soft_wrap=True)
    show(Text(lines(draft.model_copy(update={"public_key": public}))))


def propose(
    version: Version, note: Note, key: Key, accept_unknown: Accept = "", signers: List = None, as_json: Json = False
) -> None:
    """Run the gate on a registered version and put it up for approval."""
    from models.signoff import approval

    with signing(key, signers, as_json, "proposing") as (store, private, say):
        entry = approval.propose(
            store, version, note, key=private, on=today().isoformat(), accept_unknown=accept_unknown, say=say
        )
    _said(entry, as_json, "proposed", f"another person approves: fenlei approve {version} --key FILE")


def back(
    version: Version, note: Note, key: Key, accept_unknown: Accept = "", signers: List = None, as_json: Json = False
) -> None:
    """Propose to return to a version approved before; another person approves it as ever."""
    from models.signoff import approval

    with signing(key, signers, as_json, "going back") as (store, private, say):
        entry = approval.back(
            store, version, note, key=private, on=today().isoformat(), accept_unknown=accept_unknown, say=say
        )
    _said(entry, as_json, "proposed to return", f"another person approves: fenlei approve {version} --key FILE")


def approve(version: Version, key: Key, note: Note = "", signers: List = None, as_json: Json = False) -> None:
    """Run the gate once more and approve a proposed version as another person: it is the one that is served."""
    from models.signoff import approval

    with signing(key, signers, as_json, "approving") as (store, private, say):
        entry = approval.approve(store, version, note, key=private, on=today().isoformat(), say=say)
    _said(entry, as_json, "approved", "it is served from now on")


def reject(version: Version, note: Note, key: Key, signers: List = None, as_json: Json = False) -> None:
    """Refuse a proposed version or withdraw an approved one; the one approved before it returns."""
    from models.signoff import approval

    with signing(key, signers, as_json, "rejecting") as (store, private, _):
        entry = approval.reject(store, version, note, key=private, on=today().isoformat())
        standing = approval.in_force(approval.history(store), entry.province)
    served = f"version {standing.version}" if standing else "no model: the rules answer"
    _said(entry, as_json, "rejected", f"served: {served}")


def history(
    enterprise: Annotated[
        str | None, typer.Argument(help="Id or code of an enterprise: shows its months in the ledger instead.")
    ] = None,
    ledger: Annotated[Path, typer.Option("--ledger", help="The ledger's folder, for an enterprise.")] = LEDGER,
    province: Province = None,
    head: Annotated[str | None, typer.Option(help="Head kept elsewhere, which the record must still hold.")] = None,
    mend: Annotated[bool, typer.Option("--mend", help="Let the alias follow the verified record again.")] = False,
    signers: List = None,
    as_json: Json = False,
) -> None:
    """Verify the record of approvals and show who proposed, approved and rejected what; or an enterprise's months.

    Exit 1 where what is in force is not what was signed.
    """
    if enterprise is not None:
        from fenlei.verbs.month import enterprise_history

        return enterprise_history(enterprise, ledger, province, as_json)
    from models.signoff import approval

    store = answering_store(signers)
    if mend:
        approval.follow(store)
    found = approval.read(store, head)
    standing = approval.in_use(store)
    wrong = {province: why for province, (_, why) in standing.items() if why}
    if as_json:
        in_force = {province: entry.version for province, (entry, why) in standing.items() if not why}
        entries = [asdict(e) for e in found.entries]
        emit({"in_force": in_force, "not_used": wrong, "head": found.head, "entries": entries})
    else:
        show(_table(found))
        for province, (entry, why) in standing.items():
            unused = f", but not used, the rules answer: {why}" if why else ""
            show(Text(f"in force in {province}: version {entry.version}{unused}"))
        if not standing:
            show(Text("in force: none, the rules answer"))
        show(Text(f"head, to keep elsewhere: {found.head}"))
    if wrong:
        raise typer.Exit(1)


def _table(found: History) -> Table:
    table = Table(title="approval record: every line verified")
    for column in ("on", "version", "action", "by", "note", "model", "gate"):
        table.add_column(column)
    for e in found.entries:
        unknown = [check for check, verdict in e.verdicts.items() if verdict == "cannot tell"]
        said = "" if not e.verdicts else f"can't tell {', '.join(unknown)}: {e.accepted}" if unknown else "pass"
        if found.under_another_list(e):
            said += ("; " if said else "") + "signed under another signers.toml than today's"
        table.add_row(*map(plain, (e.on, e.version, e.action, e.by, e.note, e.model_hash[:12], said)))
    return table


def plain(text: str) -> Text:
    """Text as it is: a note in brackets is no markup, and what would move the cursor shows as a code."""
    return Text("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text))


@contextmanager
def signing(key: Path, signers: Path | None, quiet: bool, label: str) -> Iterator[tuple[Store, Ed25519PrivateKey, Say]]:
    """Read the key, asking for its passphrase where it has one, and show what is being done."""
    store = answering_store(signers)
    private = read_private(key)
    with _no_is_one(), progress(label, quiet=quiet) as say:
        yield store, private, say


@contextmanager
def _no_is_one() -> Iterator[None]:
    """A gate that says no is an answer, not wrong use: exit code 1."""
    from fenlei.terminal import error
    from models.signoff.approval import GateRefused

    try:
        yield
    except GateRefused as refused:
        error(str(refused))
        raise typer.Exit(1) from refused


def _said(entry: Entry, as_json: bool, done: str, then: str) -> None:
    if as_json:
        emit(asdict(entry))
        return
    unknown = [check for check, verdict in entry.verdicts.items() if verdict == "cannot tell"]
    if unknown:
        show(Text(f"the gate can't tell {', '.join(unknown)}; accepted: {entry.accepted}"))
    show(Text(f"version {entry.version} {done} by {entry.by}; {then}"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (keygen, propose, approve, reject, back, history):
        app.command()(verb)
