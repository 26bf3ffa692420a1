"""Verbs of correction: objection and repair, each opened, decided by two persons, listed and finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from features.policy import own_policies
from fenlei.terminal import emit, parse_date, progress, show
from fenlei.verbs.options import LEDGER, Json, Province, whose
from fenlei.verbs.person import List, Note, read_private, today

if TYPE_CHECKING:
    from supervision.corrections.allowed import Decision
    from supervision.corrections.cases import Case, Kind
    from supervision.corrections.desk import Desk
    from supervision.corrections.finish import Finished

Folder = Annotated[Path, typer.Argument(help="Source folder; new versions are written into its tables.")]
Who = Annotated[str, typer.Argument(help="Id or code of the enterprise.")]
Ref = Annotated[str, typer.Argument(help="Its record, table:record_id, as evidence names it.")]
Name = Annotated[str, typer.Argument(help="Number of the case, as it was given when opened.")]
Key = Annotated[Path, typer.Option("--key", help="File of your private key, from `fenlei keygen`.")]
LedgerOption = Annotated[Path, typer.Option("--ledger", help="Ledger whose months are made again; keeps the book.")]
On = Annotated[str | None, typer.Option("--on", help="Day of the act, not before the last one; without: today.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="column=value that is right; may be given often.")]
Later = Annotated[bool, typer.Option("--later", help="Leave months waiting for `finish`, as for a night.")]

objection = typer.Typer(help="Objections to records 异议: SC (17), HB 11(4).", no_args_is_help=True)
repair = typer.Typer(help="Repairs of records 信用修复: SC (13).", no_args_is_help=True)


def _desk(folder: Path, ledger: Path, province: str | None, signers: Path | None) -> Desk:
    from fenlei.verbs.store import answering_store
    from models.signoff.record.signers import load_signers
    from supervision.corrections.book import Book
    from supervision.corrections.desk import Desk
    from supervision.corrections.policy import load_corrections

    place = whose(province)
    listed = load_signers(answering_store(signers), place)
    return Desk(folder, Book(ledger, place), listed, load_corrections(place))


def _finish(desk: Desk, on: str | None, *, months: bool, quiet: bool) -> Finished:
    from serving.current.snapshot import State
    from serving.settings import Settings
    from supervision.corrections.finish import Answering, finish

    answering = None
    # What answers is loaded only where a month waits: the service's model takes seconds.
    if months and any(case.waiting for case in desk.cases().values()):
        current = State(Settings.from_env(province=desk.book.province, policies=own_policies())).snapshot
        answering = Answering(current.served, current.rules)
    with progress("correcting", quiet=quiet) as step:
        return finish(desk, answering, _day(on), step)


def _day(on: str | None) -> Any:
    return parse_date(on) if on else today()


@objection.command("open")
def open_objection(
    folder: Folder,
    enterprise: Who,
    record: Ref,
    note: Note,
    key: Key,
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    signers: List = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Open an objection: the record is kept from being used at once."""
    desk = _desk(folder, ledger, province, signers)
    case = desk.open("objection", enterprise, record, note, key=read_private(key), on=_day(on))
    _said(desk, case, _finish(desk, on, months=True, quiet=as_json), as_json)


@repair.command("apply")
def apply_repair(
    folder: Folder,
    enterprise: Who,
    record: Ref,
    note: Note,
    key: Key,
    met: Annotated[list[str] | None, typer.Option("--met", help="Fulfilled condition, such as duty_performed.")] = None,
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    signers: List = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Apply for the repair of a record whose conditions are fulfilled."""
    desk = _desk(folder, ledger, province, signers)
    case = desk.open("repair", enterprise, record, note, key=read_private(key), on=_day(on), met=met or [])
    _said(desk, case, _finish(desk, on, months=True, quiet=as_json), as_json)


@objection.command("decide")
def decide_objection(
    folder: Folder,
    case: Name,
    outcome: Annotated[str, typer.Option("--outcome", help="upheld or rejected.")],
    note: Note,
    key: Key,
    state: Annotated[str, typer.Option("--state", help="Of an upheld one: wrong, revoked, unlawful, barred.")] = "",
    values: Set = None,
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    signers: List = None,
    on: On = None,
    later: Later = False,
    as_json: Json = False,
) -> None:
    """Propose an outcome, or decide it as the second person who says the same; months that used the record follow."""
    from supervision.corrections.allowed import Decision

    desk = _desk(folder, ledger, province, signers)
    wanted = Decision(outcome, state, _values(values))
    _decide(desk, "objection", case, wanted, note, key, on, later, as_json)


@repair.command("decide")
def decide_repair(
    folder: Folder,
    case: Name,
    outcome: Annotated[str, typer.Option("--outcome", help="granted or refused.")],
    note: Note,
    key: Key,
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    signers: List = None,
    on: On = None,
    later: Later = False,
    as_json: Json = False,
) -> None:
    """Propose an outcome, or decide it as the second person who says the same; effects end on the policy's day."""
    from supervision.corrections.allowed import Decision

    desk = _desk(folder, ledger, province, signers)
    _decide(desk, "repair", case, Decision(outcome), note, key, on, later, as_json)


def _decide(
    desk: Desk,
    kind: Kind,
    name: str,
    wanted: Decision,
    note: str,
    key: Path,
    on: str | None,
    later: bool,
    as_json: bool,
) -> None:
    case = desk.decide(kind, name, wanted, note, key=read_private(key), on=_day(on))
    done = _finish(desk, on, months=not later, quiet=as_json)
    _said(desk, desk.cases()[case.id], done, as_json)


def _values(given: list[str] | None) -> dict[str, str]:
    from features.errors import ConfigError

    found: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name or name in found:
            raise ConfigError(f"--set {name!r}: expected column=value, each column once")
        found[name] = value
    return found


def _listed(kind: Kind, ledger: Path, province: str | None, on: str | None, head: str | None, as_json: bool) -> None:
    from supervision.corrections.book import Book
    from supervision.corrections.cases import cases
    from supervision.corrections.policy import load_corrections

    place = whose(province)
    book, policy, day = Book(ledger, place), load_corrections(place), _day(on)
    if head:
        book.check_head(head)
    found = [case for case in cases(book.read()).values() if case.kind == kind]
    if as_json:
        emit({"head": book.head, "cases": [_plain(c) | {"due": c.due(policy), "days_over": c.days_over(policy, day)}
                                           for c in found]})  # fmt: skip
        return
    table = Table(title=f"{kind}s of {place}, as of {day}: every line of the book verified")
    for column in ("case", "record", "enterprise", "opened", "state", "due", "days over", "months waiting"):
        table.add_column(column, justify="right" if column == "days over" else "left")
    for case in found:
        over = case.days_over(policy, day)
        table.add_row(
            case.id, Text(case.ref), Text(case.enterprise), str(case.opened), case.outcome or case.state,
            str(case.due(policy) or ""), str(over) if over else "", " ".join(sorted({m for _, m in case.waiting})),
            style="red" if over else None,
        )  # fmt: skip
    show(table)
    late = sum(case.days_over(policy, day) > 0 for case in found)
    show(Text(f"{late} overdue; head, to keep elsewhere: {book.head}"))


Head = Annotated[str | None, typer.Option(help="Head kept elsewhere, which the book must still hold.")]


@objection.command("list")
def list_objections(
    ledger: LedgerOption = LEDGER, province: Province = None, on: On = None, head: Head = None, as_json: Json = False
) -> None:
    """Verify the book and show objections, overdue ones with the days over."""
    _listed("objection", ledger, province, on, head, as_json)


@repair.command("list")
def list_repairs(
    ledger: LedgerOption = LEDGER, province: Province = None, on: On = None, head: Head = None, as_json: Json = False
) -> None:
    """Verify the book and show repairs, overdue ones with the days over."""
    _listed("repair", ledger, province, on, head, as_json)


@objection.command("finish")
@repair.command("finish")
def finish_all(
    folder: Folder,
    ledger: LedgerOption = LEDGER,
    province: Province = None,
    signers: List = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Bring source and months up to the book: after a stopped run, or after the source was delivered anew."""
    desk = _desk(folder, ledger, province, signers)
    done = _finish(desk, on, months=True, quiet=as_json)
    if as_json:
        emit(_done(done))
        return
    _shown(done)


def _plain(case: Case) -> dict[str, Any]:
    return {
        "case": case.id, "kind": case.kind, "record": case.ref, "enterprise": case.enterprise, "opened": case.opened,
        "state": case.state, "outcome": case.outcome, "waiting": sorted({m for _, m in case.waiting}),
        "revised": {month: number for (_, month), number in case.months.items()},
    }  # fmt: skip


def _done(done: Finished) -> dict[str, Any]:
    return {"written": done.written, "later": done.later, "revised": done.revised, "waits": done.waits}


def _said(desk: Desk, case: Case, done: Finished, as_json: bool) -> None:
    from supervision.corrections.notice import notice

    text = notice(desk.cases()[case.id])
    if as_json:
        emit(_plain(desk.cases()[case.id]) | _done(done) | {"notice": text})
        return
    last = case.decision or case.proposal
    if case.state == "proposed":
        show(Text(f"{case.id}: {last['outcome']} proposed by {last['by']}; another person decides, saying the same"))
    elif case.state == "decided":
        show(Text(f"{case.id}: {case.outcome}, decided by {case.proposal['by']} and {last['by']}"))
    else:
        show(Text(f"{case.id}: opened about {case.ref}; due {case.due(desk.policy)}"))
    _shown(done)
    show(Text(f"\nfor the enterprise:\n{text}"))


def _shown(done: Finished) -> None:
    for ref in done.written:
        show(Text(f"a new version of {ref} stands in the source"))
    for ref in done.later:
        show(Text(f"{ref}: its new version lies after the day the source was taken and is written into a later one"))
    for case, month, number in done.revised:
        show(Text(f"{month} for {case}: " + (f"revision {number}" if number > 0 else "nothing changed")))
    for case, month, why in done.waits:
        show(Text(f"{month} for {case} waits: {why}"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(objection, name="objection")
    app.add_typer(repair, name="repair")
