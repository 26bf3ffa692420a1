"""Desk at which cases are opened and decided: the source, the book, the people and the policy together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.contract import TABLES
from features.contract.identity import holds_identity_number, masked
from features.contract.types import RECORD_STATES
from models.signoff.record.keys import public_of
from models.signoff.record.signers import Role, Signers
from serving.ledger.read import Ledger
from supervision.corrections.allowed import Decision, possible, repairable
from supervision.corrections.book import Book, person
from supervision.corrections.cases import PREFIX, Case, CorrectionError, Kind, cases, standing
from supervision.corrections.policy import CorrectionsPolicy
from supervision.source import Row, Source, day_of

NOT_OBJECTED = ("objections", "repairs", "place_events")
"""Tables whose records nobody objects to: the acts themselves, and what names no enterprise."""


@dataclass(frozen=True)
class Desk:
    """Where cases of one province are opened and decided.

    Parameters
    ----------
    folder
        The source folder; new versions are written into its tables.
    book
        The record of acts.
    signers
        Who may act: the role propose opens and proposes, the role approve decides.
    policy
        The province's.
    """

    folder: Path
    book: Book
    signers: Signers
    policy: CorrectionsPolicy

    def cases(self) -> dict[str, Case]:
        """Return every case; see `Book.read` for errors."""
        return cases(self.book.read(self.signers))

    def open(
        self, kind: Kind, who: str, ref: str, note: str, *, key: Ed25519PrivateKey, on: date, met: Collection[str] = ()
    ) -> Case:
        """Open an objection, which keeps the record from being used at once (HB 11(4)), or apply for a repair.

        Parameters
        ----------
        who
            The enterprise's id or code.
        ref
            The record, ``table:record_id``.
        note
            Why; names no person.
        met
            Of a repair: the conditions of `MEANS` that are fulfilled.

        Raises
        ------
        CorrectionError
            If the enterprise or the record is not there, the record is another's, a case of it is open, a repair's
            conditions are not fulfilled, or the person may not. Nothing is written then.
        """
        with self.book.held():
            lines, signer = self._begin(key, on, note, "propose", f"open an {kind}" if kind == "objection" else "apply")
            source = Source(self.folder)
            versions = self._record(source, kind, who, ref)
            table, _, record = ref.partition(":")
            enterprise = str(versions[-1]["enterprise_id"])
            for case in cases(lines).values():
                if case.kind == kind and case.ref == ref and case.state != "decided":
                    raise CorrectionError(f"{ref}: {kind} {case.id} is open already, since {case.opened}")
            if kind == "repair":
                repairable(self.policy, table, record, versions[-1], met, on)
            name = f"{PREFIX[kind]}{sum(c.kind == kind for c in cases(lines).values()) + 1:06d}"
            own = {"enterprise_id": enterprise, "occurred_at": on.isoformat(), "record_state": "active",
                   "ref_table": table, "ref_record_id": record,
                   "state": "open" if kind == "objection" else "applied"}  # fmt: skip
            line = self.book.append(
                {"act": "opened", "case": name, "kind": kind, "table": table, "record": record,
                 "enterprise": enterprise, "on": on.isoformat(), "by": signer.shown, "key": signer.public_key,
                 "note": note, "met": sorted(met), "months": self._months(versions, on, since=on),
                 "rows": [_row(f"{kind}s", name, 1, on, own)]},
                key,
            )  # fmt: skip
            return cases([*lines, line])[name]

    def decide(self, kind: Kind, name: str, decision: Decision, note: str, *, key: Ed25519PrivateKey, on: date) -> Case:
        """Propose how a case is decided, or, as the second person who says the same, decide it.

        Returns
        -------
        Case
            "proposed" or "decided". A second person who says something else proposes that instead.

        Raises
        ------
        CorrectionError
            If the case was never opened or is decided, the same person speaks twice, the outcome can't be, or the
            person may not. Nothing is written then.
        """
        with self.book.held():
            lines = self.book.read(self.signers)
            case = standing(cases(lines), kind, name)
            said = decision.body()
            same = bool(case.proposal) and all(case.proposal[k] == v for k, v in said.items())
            role: Role = "approve" if same else "propose"
            lines, signer = self._begin(key, on, note, role, "decide" if same else "propose another decision")
            if case.proposal and signer.is_person(self.signers.of_key(case.proposal["key"])):
                raise CorrectionError(
                    f"{signer.shown} proposed {case.proposal['outcome']} for {name} already: another person decides"
                )
            source = Source(self.folder)
            versions = source.versions(case.table, case.record)
            if not versions:
                raise CorrectionError(f"{case.ref}: the record is no more in {self.folder}")
            possible(case, decision)
            if case.kind == "repair" and decision.outcome == "granted":
                opened = next(x for x in lines if x["act"] == "opened" and x["case"] == name)
                repairable(self.policy, case.table, case.record, versions[-1], opened["met"], on)
            body = {"act": "decided" if same else "proposed", "case": name, "on": on.isoformat(),
                    "by": signer.shown, "key": public_of(key), "note": note} | said  # fmt: skip
            if same:
                body |= self._consequences(case, decision, versions, on)
            return cases([*lines, self.book.append(body, key)])[name]

    def _begin(
        self, key: Ed25519PrivateKey, on: date, note: str, role: Any, what: str
    ) -> tuple[list[dict[str, Any]], Any]:
        signer = person(key, self.signers, on, role, what)
        lines = self.book.read(self.signers)
        # A month that was made again is no act of a person: its day binds nobody.
        last = max((line["on"] for line in lines if line["act"] != "month"), default="")
        if on.isoformat() < last:
            raise CorrectionError(f"{on} is before {last}, the day of the last act in {self.book.path}")
        if not note.strip():
            raise CorrectionError("a note is needed: why")
        if holds_identity_number(note):
            raise CorrectionError("the note holds what may be a person's identity number; say it without")
        return lines, signer

    def _record(self, source: Source, kind: Kind, who: str, ref: str) -> list[Row]:
        table, colon, record = ref.partition(":")
        can = self.policy.repair.least_months if kind == "repair" else set(TABLES) - set(NOT_OBJECTED)
        if not colon or table not in can:
            named = ", ".join(name for name in TABLES if name in can)
            raise CorrectionError(f"{masked(ref)!r}: expected table:record_id with a table of {named}")
        enterprise = source.enterprise(who)
        if enterprise is None:
            raise CorrectionError(f"no enterprise {masked(who)!r} is registered in {self.folder}")
        versions = source.versions(table, record)
        if not versions:
            raise CorrectionError(f"no record {masked(record)!r} in {table} of {self.folder}")
        if versions[-1]["enterprise_id"] != enterprise:
            raise CorrectionError(f"{ref} is no record of {who}")
        state = versions[-1].get("record_state") or "active"
        if state != "active":
            raise CorrectionError(f"{ref} is {RECORD_STATES.codes.get(state, (state,))[0]} already: it is not used")
        return versions

    def _consequences(self, case: Case, decision: Decision, versions: list[Row], on: date) -> dict[str, Any]:
        """Return the rows that a decision writes and the published months that it concerns."""
        kind, start = case.kind, on
        own = {"enterprise_id": case.enterprise, "occurred_at": case.opened.isoformat(), "record_state": "active",
               "ref_table": case.table, "ref_record_id": case.record, "state": decision.outcome}  # fmt: skip
        number = int(versions[-1]["version"] or 1) + 1
        rows, since = [], on
        if decision.outcome == "upheld":
            change = {"record_state": decision.record_state} if decision.record_state else dict(decision.values or {})
            if absent := sorted(set(change) - set(versions[-1])):
                raise CorrectionError(f"{case.table} of {self.folder} has no column {absent[0]!r} to write it; add it")
            rows.append(_row(case.table, case.record, number, on, change))
            since = min(day_of(v["known_at"], f"{case.ref} known_at") for v in versions)
        elif decision.outcome == "granted":
            start = on + timedelta(self.policy.repair.effective_days)
            since = start
            columns = TABLES[case.table].column_names
            if "ended_on" in columns and not versions[-1].get("ended_on"):
                end = {"ended_on": start.isoformat()} | ({"end_reason": "repaired"} if "end_reason" in columns else {})
                rows.append(_row(case.table, case.record, number, start, end))
        rows.append(_row(f"{kind}s", case.id, 2, start, own))
        hidden = (case.opened, on) if decision.outcome == "upheld" else None
        return {"rows": rows, "months": self._months(versions, on, since, hidden), "effective": start.isoformat()}

    def _months(self, versions: list[Row], on: date, since: date, hidden: tuple[date, date] | None = None) -> list[str]:
        """Return the published months that used a record and lie after ``since``.

        A month used it where its latest version known before the cut-off is active, it happened before the cut-off,
        and the month does not lie in the days in which an objection kept it out already (``hidden``).
        """
        found = []
        ledger = Ledger.open(self.book.root, self.book.province)
        for name in ledger.months:
            cutoff = date.fromisoformat(f"{name}-01")
            known = [v for v in versions if day_of(v["known_at"], "known_at") < cutoff]
            if not known or cutoff <= since or (hidden and hidden[0] < cutoff <= hidden[1]):
                continue
            state, occurred = known[-1].get("record_state") or "active", day_of(known[-1]["occurred_at"], "occurred_at")
            if state == "active" and occurred < cutoff:
                found.append(name)
        return found


def _row(table: str, record: str, version: int, known: date, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a new version as a line holds it: what it changes, beside its key."""
    return {"table": table, "record_id": record, "version": version, "known_at": known.isoformat(),
            "values": dict(values)}  # fmt: skip
