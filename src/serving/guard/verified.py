"""Verification of the audit trail: every line of every chain, over all files, against heads that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import FenleiError
from models import chain
from models.chain import FIRST
from serving.guard.parts import chains_of, files_of


@dataclass(frozen=True)
class Verified:
    """What `verify` found: how many lines hold, the last good hash, and the first problem if there is one."""

    path: Path
    lines: int
    head: str
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the whole record holds."""
        return self.problem is None


def verify(path: Path, *, head: str | None = None, heads: Iterable[str] = ()) -> Verified:
    """Check a chain from its first line to its last, over all its files.

    Parameters
    ----------
    path
        The record; a missing file is an empty record.
    head, heads
        Hashes noted earlier: they must stand in the record, else lines were cut off or the chain was remade.

    Returns
    -------
    Verified
        With the first problem, naming the line of its file.
    """
    previous, count = FIRST, 0
    wanted = set(heads) | ({head} if head is not None else set())
    wanted.discard(FIRST)  # the head of a record without lines
    files = files_of(path)
    for file in files:
        begun = count
        for link in chain.walk(file, first=count, before=previous):
            if not link.holds:
                where = f"{file}, line {link.number - begun + 1}"
                what = "was changed, removed or put in: its hashes don't chain" if link.whole else "is torn"
                if link.number == begun and link.whole and len(files) > 1:
                    what = "does not go on where the file before it ended: a file was changed or removed"
                return Verified(path, count, previous, f"{where} {what}")
            previous, count = str(link.body["hash"]), link.number + 1
            wanted.discard(previous)
    if wanted:
        missing = next(noted for noted in (head, *heads) if noted in wanted)
        return Verified(path, count, previous, f"{path}: the hash noted earlier ({missing}) is not in the record")
    return Verified(path, count, previous)


def verify_all(path: Path, *, head: str | None = None, heads: Iterable[Mapping[str, Any]] = ()) -> list[Verified]:
    """Check every chain of a record: each worker's and the administrators'.

    Parameters
    ----------
    path
        The first worker's; the others stand beside it.
    head
        A hash noted earlier of any of them.
    heads
        Heads kept elsewhere (`serving.guard.audit.heads_in`), each with its ``chain`` and ``hash``; a chain that has
        one must be there.

    Returns
    -------
    list[Verified]
        One for each chain.
    """
    noted = list(heads)
    named = {path.with_name(str(said["chain"])) for said in noted}
    found = [
        verify(one, heads=[str(said["hash"]) for said in noted if said["chain"] == one.name])
        for one in [*chains_of(path), *sorted(named - set(chains_of(path)))]
    ]
    if head is not None and not any(head in _hashes(one.path) for one in found):
        first = found[0]
        if first.ok:
            lost = f"{path}: the hash noted earlier ({head}) is not in the record"
            found[0] = Verified(first.path, first.lines, first.head, lost)
    return found


def _hashes(path: Path) -> Iterator[str]:
    for line in _lines(path):
        yield str(line.get("hash"))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for file in files_of(path):
        if file.exists():
            with file.open("rb") as opened:
                for raw in opened:
                    yield chain.read(raw.removesuffix(b"\n"))


def find(
    path: Path,
    *,
    enterprise: str | None = None,
    token: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the lines of all chains that fit, by time; a line that can't be read is left to `verify`.

    Parameters
    ----------
    path
        The record.
    enterprise, token
        Id of an enterprise that was asked about, and the name of whose token it was (or whose an act was about).
    since, until
        The first moment, and the one before which it was; with their time zone.

    Raises
    ------
    FenleiError
        If a moment has no time zone.
    """
    if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
        raise FenleiError("a moment in the audit record needs its time zone, such as 2026-01-02T08:00+08:00")
    out = []
    for one in chains_of(path):
        for line in _lines(one):
            if enterprise is not None and enterprise not in line.get("enterprises", ()):
                continue
            if token is not None and line.get("token") != token:
                continue
            try:
                moment = datetime.fromisoformat(str(line.get("time")))
            except ValueError:
                continue
            if (since is None or since <= moment) and (until is None or moment < until):
                out.append({**line, "chain": one.name})
    return sorted(out, key=lambda line: (str(line["time"]), str(line["chain"]), int(line["number"])))
