"""What may be decided: outcomes of an objection, and the conditions of a repair (SC (13))."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.contract import TABLES
from features.contract.codes import FIELD, PENALTY_KIND
from features.contract.identity import holds_identity_number, masked
from features.contract.types import COMMON
from supervision.corrections.cases import OUTCOMES, Case, CorrectionError
from supervision.corrections.policy import MEANS, CorrectionsPolicy, months_later
from supervision.source import Row, day_of

STATES = ("wrong", "revoked", "unlawful", "barred")
"""What an upheld objection makes of a record that is not used any more (HB 11(1), (3), (5))."""
_KEYS = {c.name for c in COMMON} - {"occurred_at"}


@dataclass(frozen=True)
class Decision:
    """What a person wants decided.

    Parameters
    ----------
    outcome
        "upheld" or "rejected"; "granted" or "refused".
    record_state
        Of an upheld objection: a state of `STATES`, or "" where values are corrected.
    values
        Corrected values by column, as the source's table writes them.
    """

    outcome: str
    record_state: str = ""
    values: Mapping[str, str] | None = None

    def body(self) -> dict[str, Any]:
        """Return it as a line holds it."""
        return {"outcome": self.outcome, "record_state": self.record_state, "values": dict(self.values or {})}


def possible(case: Case, decision: Decision) -> None:
    """Refuse an outcome that the kind of case does not have, or that says too little or too much."""
    can = OUTCOMES[case.kind]
    if decision.outcome not in can:
        raise CorrectionError(f"{decision.outcome!r}: an {case.kind} is {' or '.join(can)}")
    values = dict(decision.values or {})
    if decision.outcome != "upheld":
        if decision.record_state or values:
            raise CorrectionError(f"{decision.outcome} changes nothing in the record: leave state and values out")
        return
    if bool(decision.record_state) == bool(values):
        raise CorrectionError(
            f"an upheld objection takes a state ({', '.join(STATES)}) or corrected values, one of both"
        )
    if decision.record_state and decision.record_state not in STATES:
        raise CorrectionError(f"{decision.record_state!r}: expected one of {', '.join(STATES)}")
    table = TABLES[case.table]
    for name, value in values.items():
        if name not in table.column_names or name in _KEYS:
            can_be = ", ".join(n for n in table.column_names if n not in _KEYS)
            raise CorrectionError(f"{case.table} has no column {name!r} to correct; it has {can_be}")
        column = table.column(name)
        codes = value.split(";") if column.type == "codes" else [value]
        if column.codes is not None and (wrong := [c for c in codes if c not in column.codes]):
            raise CorrectionError(f"{name} is {masked(wrong[0])!r}; expected one of {', '.join(column.codes.codes)}")
        if column.type == "date":
            day_of(value, name)
        if column.type in ("int", "fen") and not value.removeprefix("-").isdecimal():
            raise CorrectionError(f"{name} is {masked(value)!r}; expected a whole number")
        if holds_identity_number(value):
            raise CorrectionError(f"{name}: what may be a person's identity number is not written")


def repairable(policy: CorrectionsPolicy, table: str, record: str, latest: Row, met: Collection[str], on: date) -> None:
    """Refuse a repair whose conditions are not fulfilled (SC (13))."""
    rule, ref = policy.repair, f"{table}:{record}"
    if unknown := sorted(set(met) - set(MEANS)):
        raise CorrectionError(f"condition {unknown[0]!r} is not known; expected of {', '.join(MEANS)}")
    if missing := [m for m in rule.required if m not in met]:
        said = ", ".join(f"{m} ({MEANS[m][1]})" for m in missing)
        raise CorrectionError(f"{ref} can't be repaired: not fulfilled: {said}")
    if rule.one_of and not set(rule.one_of) & set(met):
        raise CorrectionError(f"{ref} can't be repaired: one of {', '.join(rule.one_of)} must be fulfilled")
    if barred := sorted(set((latest.get("penalty_kinds") or "").split(";")) & set(rule.never)):
        raise CorrectionError(f"{ref} can't be repaired: {PENALTY_KIND.codes[barred[0]][0]}")
    months = rule.least_months[table]
    if table == "penalties":
        months = max(months, rule.field_months.get(latest.get("field") or "", 0))
    earliest = months_later(day_of(latest["occurred_at"], f"{ref} occurred_at"), months)
    if on < earliest:
        field = FIELD.codes.get(latest.get("field") or "")
        of = f" in the field {field[0]}" if field and table == "penalties" else ""
        raise CorrectionError(f"{ref} can't be repaired before {earliest}: {months} months after its day{of}")
