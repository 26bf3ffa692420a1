"""Finish: source and ledger brought up to the book, whatever was cut short; months made again as revisions.

A revision answers one question: what the month would be had the record been known as it is now. So the month is made
of the same source in which the corrected version stands with the day on which its record first became known, and
all else is known as the month knew it: what else arrived late moves nobody in a revision that names the objection.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.catalogue import catalogue_hash, of_province
from features.table.month import table_policies
from models.scoring.rules.province import ProvinceRules
from serving.current.served import Served
from serving.ledger.place import MANIFEST, read_json
from serving.ledger.publish import classify_month
from serving.ledger.read import Ledger, Month
from serving.ledger.revise import NothingChanged
from serving.ledger.run import Ask
from supervision.corrections.cases import Case, cases
from supervision.corrections.desk import Desk
from supervision.source import Row, Source, day_of, is_row, missing, ref_of, write_with

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answering:
    """What answers the months that are made again: as `serving.ledger.run.Ask` takes it."""

    served: Served
    rules: ProvinceRules
    memory: str | None = None


@dataclass(frozen=True)
class Finished:
    """What a call of `finish` did.

    Parameters
    ----------
    written
        New versions put into the source, ``table:record_id``.
    later
        Those whose day lies after the day the source was taken: no month made of it could see them yet.
    revised
        Case, month and revision of each month made again; -1 where nothing changed.
    waits
        Case, month and why it can't be made again now.
    """

    written: tuple[str, ...]
    later: tuple[str, ...]
    revised: tuple[tuple[str, str, int], ...]
    waits: tuple[tuple[str, str, str], ...]


def finish(desk: Desk, answering: Answering | None, on: date, say: Say = lambda _step: None) -> Finished:
    """Bring the source's tables and the ledger's months up to the book; done already, it changes nothing.

    Parameters
    ----------
    desk
        Source and book.
    answering
        Makes the months again; None leaves them waiting.
    on
        Today, for the records.

    Raises
    ------
    CorrectionError
        If the book does not hold, a record is gone, or a table can't be written.
    LedgerError
        As `serving.ledger.publish.classify_month`; what was finished before stands.
    """
    with desk.book.held():
        lines = desk.book.read(desk.signers)
        source = Source(desk.folder)
        written, later = _write(source, lines)
        revised, waits = [], []
        for case in cases(lines).values():
            for act, month in case.waiting:
                why = _not_now(desk, answering, month)
                if answering is None or why:
                    waits.append((case.id, month, why or "it was not asked for"))
                    continue
                say(f"{month} for {case.id}")
                number = _again(desk, answering, case, act, month, lines, on)
                desk.book.append({"act": "month", "case": case.id, "after": act, "month": month, "revision": number,
                                  "on": max(on.isoformat(), lines[-1]["on"])})  # fmt: skip
                revised.append((case.id, month, number))
    return Finished(written, later, tuple(revised), tuple(waits))


def _write(source: Source, lines: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put versions that the source's tables don't have yet behind the others, each table by one rename."""
    rows = [row for line in lines for row in line.get("rows", ())]
    as_of = source.as_of
    later = tuple(ref_of(r) for r in rows if as_of is not None and date.fromisoformat(r["known_at"]) > as_of)
    due = [r for r in rows if as_of is None or date.fromisoformat(r["known_at"]) <= as_of]
    written = []
    # Corrected records before the objections that hid them: cut short between the two, none is used in the meantime.
    for table in sorted({r["table"] for r in due}, key=lambda name: (name in ("objections", "repairs"), name)):
        fresh = missing(source, table, [r for r in due if r["table"] == table])
        if fresh:
            source.append(table, fresh)
            written += [f"{table}:{row['record_id']}" for row in fresh]
    return tuple(written), later


def _not_now(desk: Desk, answering: Answering | None, name: str) -> str:
    """Return why a month can't be made again by what answers now: it would move everybody; "" where it can."""
    if answering is None:
        return ""
    month = Ledger.open(desk.book.root, desk.book.province).month(name)
    was, rules = _latest(month), answering.rules
    now = {
        "model": answering.served.model.content_hash if answering.served.model else None,
        "policies": (rules.version, table_policies(rules.province)),
        "catalogue": catalogue_hash(of_province(rules.province, peers=True)),
    }
    then = {
        "model": was["model"]["content_hash"],
        "policies": (was["policy"], was["table_policies"]),
        "catalogue": was["catalogue"],
    }
    other = [what for what in now if now[what] != then[what]]
    if not other:
        return ""
    return (
        f"it was made by {' and '.join(other)} other than in force now, so every row would move: make it again where"
        " those are in force, or by `fenlei classify --revise`"
    )


def _latest(month: Month) -> dict[str, Any]:
    return dict(read_json(month.folders[-1] / MANIFEST))


def cause_of(case: Case, act: str) -> str:
    """Return the cause that a revision names."""
    return f"{case.kind} {case.id} {case.outcome if act == 'decided' else 'opened'}: {case.ref}"


def _again(
    desk: Desk, answering: Answering, case: Case, act: str, name: str, lines: Sequence[dict[str, Any]], on: date
) -> int:
    """Make a month again and return its revision; -1 where nothing changed."""
    month = Ledger.open(desk.book.root, desk.book.province).month(name)
    cause = cause_of(case, act)
    # A run that was cut short after the revision was published and before the book said so: it is not made twice.
    done = [line.revision for line in month.lines if line.act == "revised" and line.why == cause]
    if done:
        return done[-1]
    cutoff, known = date.fromisoformat(f"{name}-01"), date.fromisoformat(_latest(month)["known_as_of"])
    place = month.place.root / "work" / desk.book.province / "corrected"
    with _as_known_now(desk.folder, place, lines) as folder:
        ask = Ask(
            folder,
            cutoff,
            answering.served,
            answering.rules,
            known if known != cutoff else None,
            memory=answering.memory,
        )
        try:
            return classify_month(ask, desk.book.root, on=on, cause=cause).revision
        except NothingChanged:
            return -1


@contextmanager
def _as_known_now(folder: Path, place: Path, lines: Sequence[dict[str, Any]]) -> Iterator[Path]:
    """Yield the source with every corrected record known as corrected since its first day; gone afterwards."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    source = Source(folder)
    try:
        for path in folder.iterdir():
            if path.is_file() and not path.name.startswith("."):
                (place / path.name).symlink_to(path.resolve())
        for table, rows in _earlier(source, lines).items():
            target = place / source.files[table].name
            target.unlink()
            write_with(source.files[table], target, table, rows, source.form(table))
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _earlier(source: Source, lines: Sequence[dict[str, Any]]) -> dict[str, list[Row]]:
    """Return, by table, each corrected record's last version once more, known since the record was, or its mistake."""
    found: dict[str, list[Row]] = {}
    for line in lines:
        if line["act"] != "decided" or line["outcome"] != "upheld":
            continue
        row = line["rows"][0]
        versions = source.versions(row["table"], row["record_id"])
        days = [day_of(v["known_at"], f"{ref_of(row)} known_at") for v in versions if not is_row(v, row)]
        # A record that is not used never was; corrected values hold from the last version that they correct.
        since = min(days) if line["record_state"] else max(days)
        latest = dict(versions[-1])
        latest |= row["values"] | {"version": str(int(latest["version"] or 0) + 1), "known_at": since.isoformat()}
        found.setdefault(row["table"], []).append(latest)
    return found
