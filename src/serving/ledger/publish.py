"""Publishing a month: whole or not at all, by itself or by a signed release; and revised, never written over."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.signoff.record.signers import Signers
from serving.ledger.gate import Finding, judge, ledger_policy
from serving.ledger.manifest import digest_of, verify, write_manifest
from serving.ledger.place import STEPS, LedgerError, Place, held_by, month_of, write_whole
from serving.ledger.read import Ledger
from serving.ledger.record import append, read_record, signed_by
from serving.ledger.revise import changed_rows
from serving.ledger.run import Ask, Say, Steps, make_month
from serving.ledger.standing import keep
from serving.ledger.summary import write_summary


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Parameters
    ----------
    act
        "published", "held", "revised", or "unchanged": the same month stands there already.
    month, revision
        Which.
    folder
        Where it stands.
    manifest
        What it holds.
    findings
        Why it is held.
    seconds
        Time of each step; one that an earlier run had done took none.
    """

    act: str
    month: str
    revision: int
    folder: Path
    manifest: dict[str, Any]
    findings: tuple[Finding, ...]
    seconds: dict[str, float]


def classify_month(ask: Ask, root: Path, *, on: date, cause: str = "", say: Say = lambda _step: None) -> Outcome:
    """Classify every enterprise of a month and publish it, or hold it for a person.

    Parameters
    ----------
    ask
        What month is to be made of what.
    root
        The ledger.
    on
        Today, for the record.
    cause
        Why a published month is made again: only its changed rows are kept, as a revision that names the cause.
    say
        Called with each step.

    Raises
    ------
    LedgerError
        If another run writes this province's ledger, the month is published already and is another one now, the month
        is older than the newest published one, or the disk fails; nothing is published then.
    SourceError, ConfigError, CohortError
        As `features.table.month.write_table`.
    """
    place = Place(root, ask.rules.province)
    month, steps = month_of(ask.cutoff), Steps(say)
    with held_by(place, f"fenlei classify {month}"):
        finish(place)
        ledger = Ledger.open(root, place.province)
        _allowed(ledger, month, cause)
        out, manifest = make_month(ask, place, steps)
        if cause:
            return _revise(ledger, ask, place, month, out, manifest, cause, on, steps)
        if month in ledger.months:
            return _unchanged(ledger, month, manifest, steps)
        previous = ledger.before(month)
        findings = tuple(judge(manifest, previous.manifest if previous else None, ledger_policy(place.province)))
        held = bool(findings)
        with steps.step("publishing"):
            keep(place, ask.served, ask.rules)
            folder = _put(place, month, 0, out, manifest, held=held)
            why = "; ".join(f"{f.code}: {f.en}" for f in findings)
            _enter(place, "held" if held else "published", month, 0, manifest, on, why)
        _done(place, month, folder, steps)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        write_summary(folder, manifest, previous.manifest if previous else None, findings, steps.seconds, peak)
        return Outcome("held" if held else "published", month, 0, folder, manifest, findings, steps.seconds)


def _allowed(ledger: Ledger, month: str, cause: str) -> None:
    if cause and month not in ledger.months:
        raise LedgerError(f"{month} is not published: a revision needs a month to revise; leave --revise out")
    newest = ledger.latest
    if not cause and newest is not None and month < newest.month and month not in ledger.months:
        raise LedgerError(
            f"{month} lies before {newest.month}, which is published: its moves would no longer follow from the month "
            "before; make the months in their order, in another folder if need be"
        )


def _unchanged(ledger: Ledger, month: str, manifest: dict[str, Any], steps: Steps) -> Outcome:
    published = ledger.month(month)
    # Records that arrived since change the sources' hashes and no row of the month: nothing known later counts in it.
    if manifest["files"] != published.manifest["files"]:
        other = sorted(name for name in manifest if manifest[name] != published.manifest.get(name))
        raise LedgerError(
            f"{month} is published already, and would be another month now ({', '.join(other)} differ): a published "
            'month is never written over; say why with --revise "…" and its changed rows are added as a revision'
        )
    shutil.rmtree(ledger.place.work(month), ignore_errors=True)
    return Outcome("unchanged", month, 0, published.folders[0], published.manifest, (), steps.seconds)


def _revise(
    ledger: Ledger,
    ask: Ask,
    place: Place,
    month: str,
    out: Path,
    manifest: dict[str, Any],
    cause: str,
    on: date,
    steps: Steps,
) -> Outcome:
    """Keep the rows of a re-scored month that differ from its latest ones."""
    published = ledger.month(month)
    number = published.lines[-1].revision + 1
    with steps.step("what changed"):
        changed = changed_rows(published, out, place.work(month) / "changed")
    revised = (
        manifest
        | changed.described
        | {
            "revision": number,
            "cause": cause,
            "revises": published.manifest_hash,
        }
    )
    with steps.step("publishing"):
        folder = _put(place, month, number, changed.folder, revised, held=False)
        _enter(place, "revised", month, number, revised, on, cause)
    _done(place, month, folder, steps)
    return Outcome("revised", month, number, folder, revised, (), steps.seconds)


def _put(place: Place, month: str, number: int, out: Path, manifest: dict[str, Any], *, held: bool) -> Path:
    """Write the manifest, verify everything once more from the disk, and put the folder in place by one rename."""
    digest = write_manifest(out, manifest)
    verify(out, digest)
    target = place.revision(month, number, held=held)
    # What stands there is no part of any month: its run was cut short before it was recorded, or it was held.
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    out.rename(target)
    return target


def _enter(place: Place, act: str, month: str, number: int, manifest: dict[str, Any], on: date, why: str) -> None:
    body = {"act": act, "month": month, "revision": number, "manifest": digest_of(manifest), "on": on.isoformat()}
    append(place, body | {"why": why})


def _done(place: Place, month: str, folder: Path, steps: Steps) -> None:
    """Keep the month's indicator table for whoever explains it, and the times beside; remove the rest of the work."""
    table = place.work(month) / "indicators.parquet"
    if table.is_file():
        target = place.indicators(month)
        target.parent.mkdir(parents=True, exist_ok=True)
        for path in sorted(table.parent.glob("indicators.parquet*")):
            path.replace(target.with_name(path.name.replace("indicators", target.stem, 1)))
    write_whole(folder / STEPS, json.dumps(steps.seconds, indent=1) + "\n")
    shutil.rmtree(place.work(month), ignore_errors=True)


def finish(place: Place) -> None:
    """Go on with what a killed run had recorded and not finished: a released month that still stands among the held."""
    for line in read_record(place):
        waiting = place.revision(line.month, line.revision, held=True)
        if line.act == "released" and waiting.is_dir():
            _move(place, line.month, line.revision)


def _move(place: Place, month: str, number: int) -> Path:
    target = place.revision(month, number)
    target.parent.mkdir(parents=True, exist_ok=True)
    place.revision(month, number, held=True).rename(target)
    return target


def held_months(place: Place) -> list[str]:
    """Return the months that wait for a release, in order."""
    lines = read_record(place)
    open_ = {line.month for line in lines if line.act == "held"}
    return sorted(open_ - {line.month for line in lines if line.act in ("released", "published")})


def release(
    root: Path, province: str, month: str, note: str, *, key: Ed25519PrivateKey, signers: Signers, on: date
) -> Path:
    """Let a held month be published: signed by a person whom the province lists as one who may approve.

    Returns
    -------
    pathlib.Path
        Where the month stands now.

    Raises
    ------
    LedgerError
        If the month does not wait, its files are not those that were recorded, there is no note, or the person may not.
    """
    place = Place(root, province)
    with held_by(place, f"fenlei release {month}"):
        finish(place)
        waiting = held_months(place)
        if month not in waiting:
            raise LedgerError(f"{month} does not wait for a release; waiting: {', '.join(waiting) or 'none'}")
        if not note.strip():
            raise LedgerError("a release needs a note: why the month may be published after all")
        lines: Iterable[Any] = (x for x in read_record(place) if x.act == "held" and x.month == month)
        last = list(lines)[-1]
        verify(place.revision(month, 0, held=True), last.manifest)
        body = {"act": "released", "month": month, "revision": 0, "manifest": last.manifest, "on": on.isoformat()}
        append(place, body | {"why": note} | signed_by(key, signers, on.isoformat()), key)
        return _move(place, month, 0)
