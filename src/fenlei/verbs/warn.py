"""Verbs of early warnings: find and list those of a month, close one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from fenlei.terminal import emit, parse_date, progress, show
from fenlei.verbs.options import LEDGER, Json, Province, whose
from fenlei.verbs.person import today

BookOption = Annotated[
    Path | None, typer.Option("--book", help="File of the warnings; without: beside the ledger's folder.")
]


def _book(given: Path | None, ledger: Path | None, province: str) -> Path:
    root = ledger or LEDGER
    return given or root.parent / f"{root.name}_warnings" / f"{province}.jsonl"


def warn(
    what: Annotated[str, typer.Argument(help="Clean or source folder; or the word close.")],
    name: Annotated[str | None, typer.Argument(help="With close: the warning.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Month, such as 2026-11, or a day.")] = None,
    ledger: Annotated[Path | None, typer.Option("--ledger", help="Ledger whose scores are looked at, too.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only what has evidence known from this day on.")] = None,
    province: Province = None,
    book: BookOption = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="With close: what a person found.")] = None,
    by: Annotated[str, typer.Option("--by", help="With close: who.")] = "",
    note: Annotated[str, typer.Option("--note", help="With close: why.")] = "",
    as_json: Json = False,
) -> None:
    """Find early warnings of a month and keep them in a book; `fenlei warn close ID` closes one."""
    from features.errors import ConfigError

    place = whose(province)
    path = _book(book, ledger, place)
    if what == "close":
        if name is None or outcome is None:
            raise ConfigError("expected `fenlei warn close ID --outcome … --by …`")
        _close(name, outcome, by, note, path, place, as_json)
        return
    if as_of is None or name is not None or outcome is not None:
        raise ConfigError("expected `fenlei warn DIR --as-of MONTH`, or `fenlei warn close ID --outcome … --by …`")
    _find(Path(what), as_of, ledger, since, path, place, as_json)


def _find(
    folder: Path, as_of: str, ledger: Path | None, since: str | None, path: Path, province: str, as_json: bool
) -> None:
    from models import chain
    from serving.ledger.read import Ledger
    from supervision.alerts.book import Book
    from supervision.alerts.find import find_alerts
    from supervision.alerts.policy import KIND_ZH, LEVEL_ZH, warnings_policy

    cutoff, begin = parse_date(as_of), parse_date(since) if since else None
    policy = warnings_policy(province)
    clean = folder / "clean" if (folder / "clean").is_dir() else folder
    opened = Ledger.open(ledger, province) if ledger else None
    with progress("warnings", quiet=as_json) as step:
        step("records")
        alerts = find_alerts(clean, cutoff, policy, ledger=opened, since=begin)
    with chain.locked(path):
        listed = Book(path).enter(alerts, f"{cutoff:%Y-%m}", policy)
    if as_json:
        emit([each.as_dict() for each in listed])
        return
    show(Text(f"{province} {as_of}: {len(listed)} warnings 预警", style="bold"))
    for each in listed:
        a, said = each.alert, each.as_dict()
        state = each.state if each.state == "new" else f"{each.state} since {each.first}"
        head = f"{each.id} {a.kind} {KIND_ZH[a.kind]}, {a.level} {LEVEL_ZH[a.level]}, {a.region} {a.industry}"
        show(Text(f"{head}; {state}", style="red" if a.level == "serious" else ""))
        show(Text(f"  {a.en}（{a.zh}）"))
        answer = f"{a.answer.replace('_', ' ')} {said['answer_zh']}"
        show(Text(f"  {answer}, by {a.charge_en} {a.charge_zh}; {len(a.evidence)} records, such as {a.evidence[0]}"))
    if opened is None:
        show(Text("without --ledger no jumps of score are looked for"))
    show(Text(f"evidence: --json; book: {path}; close one: fenlei warn close ID --outcome … --by …"))


def _close(name: str, outcome: str, by: str, note: str, path: Path, province: str, as_json: bool) -> None:
    from models import chain
    from supervision.alerts.book import Book
    from supervision.alerts.policy import warnings_policy

    policy = warnings_policy(province)
    with chain.locked(path):
        kept = Book(path).close(name, outcome, by, today(), policy, note)
    if as_json:
        emit({"id": kept.id, "kind": kept.kind, "outcome": kept.outcome, "by": kept.by, "on": kept.on})
    else:
        en, zh = policy.outcomes[outcome].split("|")
        show(Text(f"{kept.id} is closed: {en} {zh}"))


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(warn)
