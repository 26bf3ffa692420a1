"""Confirmations: a person says that a report in the media is as strong as HB 12(4) wants it (H12.4); who, when, signed.

A record of its own, signed and chained as the approval record is. A rule of ``determinations.toml`` that is ``signed``
counts only records that stand here, confirmed before the cut-off and not withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.contract import TABLES
from features.contract.identity import holds_identity_number
from features.near import did_you_mean
from models import chain
from models.scoring.rules.determinations import Determinations
from models.signoff.errors import ApprovalError
from models.signoff.record.history import lists
from models.signoff.record.signed import Lists, SignedLine, by_key, day_of, hold_head, read_lines, signer_of
from models.signoff.record.signers import Role
from models.tracking.store import Store

Step = Literal["confirm", "withdraw"]
_ROLES: tuple[Role, ...] = ("confirm",)


class ConfirmationLine(SignedLine):
    """A record that a person confirms, or takes back: ``record`` is ``table:record_id`` as evidence names it."""

    SIGNED_AS: ClassVar[bytes] = b"fenlei confirmation record 1\0"
    RECORD: ClassVar[str] = "confirmation"

    step: Step
    record: str


@dataclass(frozen=True)
class Confirmed:
    """The confirmations of a province.

    Parameters
    ----------
    spans
        By record, the days from the confirmation until before its withdrawal; `date.max` where it stands.
    """

    spans: Mapping[str, tuple[tuple[date, date], ...]] = field(default_factory=dict)

    def before(self, record: str, cutoff: date) -> bool:
        """Tell whether a record was confirmed before a cut-off and not withdrawn before it."""
        return any(since < cutoff <= until for since, until in self.spans.get(record, ()))


NOTHING_CONFIRMED = Confirmed()


def record_path(store: Store) -> Path:
    """File of the record."""
    return store.records / "confirmations.jsonl"


def read(store: Store, head: str | None = None) -> list[ConfirmationLine]:
    """Return the record's lines, all verified, oldest first; ``head`` is one kept elsewhere.

    Raises
    ------
    ApprovalError
        If a line was changed, removed or put in, is not signed by a listed key with the role "confirm", or confirms
        what is confirmed; names the line.
    """
    path, known = record_path(store), lists(store)
    lines = read_lines(path, ConfirmationLine, lambda line, before: _admit(line, before, known))
    hold_head(path, lines, head)
    return lines


def head_of(lines: list[ConfirmationLine]) -> str:
    """Return what to keep elsewhere: a record that lost its end then shows."""
    return chain.head(len(lines), lines[-1].hash if lines else chain.FIRST)


def load_confirmations(store: Store, province: str) -> Confirmed:
    """Return a province's confirmations out of the verified record; raises as `read`."""
    spans: dict[str, list[tuple[date, date]]] = {}
    for line in read(store):
        if line.province == province:
            if line.step == "confirm":
                spans.setdefault(line.record, []).append((day_of(line.on), date.max))
            else:
                since, _ = spans[line.record].pop()
                spans[line.record].append((since, day_of(line.on)))
    return Confirmed({record: tuple(some) for record, some in spans.items()})


def confirm(
    store: Store, province: str, record: str, note: str, *, key: Ed25519PrivateKey, on: date
) -> ConfirmationLine:
    """Confirm a record, such as ``public_opinion:P17``: it counts for cut-offs after this day.

    Raises
    ------
    ApprovalError
        If it names no record, is confirmed already, no reason is given, or the key may not. Nothing is written.
    """
    return _write(store, province, "confirm", record, note, key, on)


def withdraw(
    store: Store, province: str, record: str, note: str, *, key: Ed25519PrivateKey, on: date
) -> ConfirmationLine:
    """Take a confirmation back: the record counts for no cut-off after this day; errors as `confirm`."""
    return _write(store, province, "withdraw", record, note, key, on)


def _write(
    store: Store, province: str, step: Step, record: str, note: str, key: Ed25519PrivateKey, on: date
) -> ConfirmationLine:
    known = lists(store)
    with chain.locked(record_path(store)):
        before = read(store)
        said = by_key(key, province, known, before, on.isoformat(), note)
        line = ConfirmationLine(**said, step=step, record=record).signed(key)
        _admit(line, before, known)
        chain.append(record_path(store), line.line())
    return line


def _admit(line: ConfirmationLine, before: list[ConfirmationLine], known: Lists) -> None:
    signer_of(line, known, _ROLES, f"{line.step} a record", record=line.RECORD, prefix=line.SIGNED_AS)
    if before and line.on < before[-1].on:
        raise ApprovalError(f"{line.by} signed on {line.on}, before the line above of {before[-1].on}")
    table, _, name = line.record.partition(":")
    if table not in TABLES:
        raise ApprovalError(
            f"{line.record!r}: expected table:record_id, such as public_opinion:P17{did_you_mean(table, TABLES)}"
        )
    if not name.strip() or ";" in name or holds_identity_number(name, record_number=True):
        raise ApprovalError(f"{table}: expected a record_id after the colon, without ;")
    if not line.note:
        raise ApprovalError("say what the confirmation, or its withdrawal, rests on")
    same = [each for each in before if (each.province, each.record) == (line.province, line.record)]
    stands = bool(same) and same[-1].step == "confirm"
    if stands and line.step == "confirm":
        raise ApprovalError(f"{line.record} was confirmed by {same[-1].by} on {same[-1].on}")
    if not stands and line.step == "withdraw":
        raise ApprovalError(f"{line.record} is not confirmed: there is nothing to withdraw")


def keep_confirmed(frame: pd.DataFrame, determinations: Determinations, confirmed: Confirmed) -> pd.DataFrame:
    """Return rows to classify in which the evidence of ``signed`` rules holds confirmed records alone.

    Parameters
    ----------
    frame : DataFrame
        Index (enterprise_id, cutoff); evidence columns as `features.compute_indicators` gives them.
    determinations
        Of the province.
    confirmed
        Of the province.
    """
    columns = [rule.column for rule in determinations.active if rule.signed and rule.column in frame.columns]
    changed = {}
    for column in columns:
        cells = [
            confirmed_cell(cell if isinstance(cell, str) else None, pd.Timestamp(cutoff).date(), confirmed)
            for (_, cutoff), cell in zip(frame.index, frame[column].tolist(), strict=True)
        ]
        changed[column] = pd.Series(cells, index=frame.index, dtype=object)
    return frame.assign(**changed) if changed else frame


def confirmed_cell(cell: str | None, cutoff: date, confirmed: Confirmed) -> str | None:
    """Return the records of an evidence cell that were confirmed before a cut-off; None was not checked."""
    return None if cell is None else ";".join(r for r in cell.split(";") if confirmed.before(r, cutoff))
