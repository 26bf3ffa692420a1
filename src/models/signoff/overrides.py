"""Overrides: an official sets an enterprise's class, a second one approves it, and it ends by itself (HB 8).

A record of its own, signed and chained as the approval record is. A proposal alone changes nothing. Whenever the record
is read, every line is checked as if it were to be written now, but for the policy's numbers: a policy that has become
stricter does not undo what was signed under the earlier one.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Literal, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from features.contract.identity import holds_identity_number
from features.policy import Policy, load_policy
from models import chain
from models.scoring.classification import GRADES, Grade
from models.scoring.overridden import Decided, Overrides
from models.signoff.errors import ApprovalError
from models.signoff.record.history import lists
from models.signoff.record.signed import Lists, SignedLine, by_key, day_of, hold_head, read_lines, signer_of
from models.signoff.record.signers import Role
from models.tracking.store import Store

Step = Literal["propose", "approve", "end"]
_ROLES: dict[Step, tuple[Role, ...]] = {
    "propose": ("override",),
    "approve": ("override_approve",),
    "end": ("override", "override_approve"),
}
_DOES: dict[Step, str] = {
    "propose": "override a class",
    "approve": "approve an override",
    "end": "end an override",
}


class OverridePolicy(Policy):
    """``overrides.toml``: the longest an override may hold, in days, and the least signs of a reason."""

    longest_days: int = Field(ge=1, le=3660)
    least_reason: int = Field(ge=1)


class OverrideLine(SignedLine):
    """A step of an override.

    Parameters
    ----------
    step
        "propose", "approve" or "end" (before its time).
    about
        Number of the proposal; of a proposal its own.
    enterprise_id, grade, instead_of, until
        Whose class, which, the class that was answered when it was proposed, and the first day it no longer holds;
        the later steps repeat what they sign for.
    """

    SIGNED_AS: ClassVar[bytes] = b"fenlei override record 1\0"
    RECORD: ClassVar[str] = "override"

    step: Step
    about: int
    enterprise_id: str
    grade: Grade
    instead_of: Grade
    until: str

    @property
    def what(self) -> tuple[str, str, Grade, Grade, str]:
        """What is signed for: the same in all steps of one override."""
        return self.province, self.enterprise_id, self.grade, self.instead_of, self.until


def record_path(store: Store) -> Path:
    """File of the record."""
    return store.records / "overrides.jsonl"


def read(store: Store, head: str | None = None) -> list[OverrideLine]:
    """Return the record's lines, all verified, oldest first.

    Parameters
    ----------
    store
        Whose.
    head
        A head kept elsewhere (`head_of`), which the record must still hold.

    Raises
    ------
    ApprovalError
        If a line was changed, removed or put in, is not signed by a listed key with the right role, or breaks a rule;
        names the line.
    """
    path, known = record_path(store), lists(store)
    lines = read_lines(path, OverrideLine, lambda line, before: _admit(line, before, known))
    hold_head(path, lines, head)
    return lines


def head_of(lines: list[OverrideLine]) -> str:
    """Return what to keep elsewhere: a record that lost its end then shows."""
    return chain.head(len(lines), lines[-1].hash if lines else chain.FIRST)


def overrides_of(lines: list[OverrideLine], province: str) -> Overrides:
    """Return a province's approved overrides, for `models.scoring.overridden.with_overrides`."""
    found: dict[int, Decided] = {}
    reasons = {line.number: line.note for line in lines if line.step == "propose"}
    for line in lines:
        if line.province == province and line.step == "approve":
            since, until = day_of(line.on), day_of(line.until)
            found[line.about] = Decided(
                line.about, line.enterprise_id, line.grade, line.instead_of, reasons[line.about], since, until
            )
        elif line.step == "end" and line.about in found:
            one = found[line.about]
            ended = max(one.since, day_of(line.on))
            found[line.about] = Decided(**{**vars(one), "until": min(one.until, ended)})
    return Overrides(tuple(one for one in found.values() if one.since < one.until))


def load_overrides(store: Store, province: str) -> Overrides:
    """Return a province's approved overrides out of the verified record; raises as `read`."""
    return overrides_of(read(store), province)


def propose(
    store: Store,
    province: str,
    enterprise_id: str,
    grade: str,
    reason: str,
    *,
    instead_of: str,
    until: date,
    key: Ed25519PrivateKey,
    on: date,
) -> OverrideLine:
    """Put an override up for approval by a second person; nothing changes yet.

    Parameters
    ----------
    store, province
        Where the record is, and whose policy and signers hold.
    enterprise_id, grade, instead_of
        Whose class, which, and the one that is answered now.
    reason
        Why; stands in every answer.
    until
        First day it no longer holds.
    key, on
        The proposer's, and the day.

    Raises
    ------
    ApprovalError
        If the reason is missing or short, the expiry is past or further off than the policy allows, the class is none
        or the same, the enterprise has an override already, or the key may not propose. Nothing is written.
    """
    policy = load_policy(province, "overrides", OverridePolicy)
    if len(reason.strip()) < policy.least_reason:
        raise ApprovalError(f"an override needs a reason of at least {policy.least_reason} signs; got {reason!r}")
    last = on + timedelta(days=policy.longest_days)
    if until > last:
        raise ApprovalError(f"until {until} is longer than {policy.longest_days} days from {on}: at most {last}")
    for one in (grade, instead_of):
        if one not in GRADES:
            raise ApprovalError(f"{one!r} is no class; expected one of {', '.join(GRADES)}")
    known = lists(store)
    with chain.locked(record_path(store)):
        before = read(store)
        line = OverrideLine(
            **by_key(key, province, known, before, on.isoformat(), reason),
            step="propose",
            about=len(before),
            enterprise_id=enterprise_id,
            grade=cast(Grade, grade),
            instead_of=cast(Grade, instead_of),
            until=until.isoformat(),
        )
        return _write(store, line, key, before, known)


def approve(store: Store, number: int, note: str = "", *, key: Ed25519PrivateKey, on: date) -> OverrideLine:
    """Approve a proposed override as another person: it holds from this day.

    Raises
    ------
    ApprovalError
        If there is no such proposal, it was approved or ended already or has expired, or the key is the proposer's or
        may not approve. Nothing is written.
    """
    return _answer(store, "approve", number, note, key, on)


def end(store: Store, number: int, note: str, *, key: Ed25519PrivateKey, on: date) -> OverrideLine:
    """End an override before its time, or withdraw a proposal: the computed class returns on this day.

    One person is enough to stop a judgement: what returns is what the signed model or the rules say.

    Raises
    ------
    ApprovalError
        If there is no such override, it has ended already, no reason is given, or the key may not. Nothing is written.
    """
    return _answer(store, "end", number, note, key, on)


def _answer(store: Store, step: Step, number: int, note: str, key: Ed25519PrivateKey, on: date) -> OverrideLine:
    known = lists(store)
    with chain.locked(record_path(store)):
        before = read(store)
        proposal = _proposal(number, before)
        line = OverrideLine(
            **by_key(key, proposal.province, known, before, on.isoformat(), note),
            step=step,
            about=number,
            enterprise_id=proposal.enterprise_id,
            grade=proposal.grade,
            instead_of=proposal.instead_of,
            until=proposal.until,
        )
        return _write(store, line, key, before, known)


def _write(
    store: Store, line: OverrideLine, key: Ed25519PrivateKey, before: list[OverrideLine], known: Lists
) -> OverrideLine:
    signed = line.signed(key)
    _admit(signed, before, known)
    chain.append(record_path(store), signed.line())
    return signed


def _proposal(number: int, before: list[OverrideLine]) -> OverrideLine:
    if 0 <= number < len(before) and before[number].step == "propose":
        return before[number]
    there = ", ".join(str(line.number) for line in before if line.step == "propose") or "none"
    raise ApprovalError(f"no override {number} is proposed; proposed: {there}")


def _admit(line: OverrideLine, before: list[OverrideLine], known: Lists) -> None:
    """Hold that a line may follow the ones before it."""
    signer = signer_of(
        line, known, _ROLES[line.step], _DOES[line.step], record=line.RECORD, prefix=OverrideLine.SIGNED_AS
    )
    on, until = day_of(line.on), day_of(line.until)
    if before and line.on < before[-1].on:
        raise ApprovalError(f"{line.by} signed on {line.on}, before the line above of {before[-1].on}")
    if line.step != "end" and until <= on:
        raise ApprovalError(f"the override would hold until before {line.until}, which is not after {line.on}")
    if line.step == "propose":
        _opens(line, before)
        return
    proposal = _proposal(line.about, before)
    steps = {each.step: each for each in before if each.about == line.about}
    if line.what != proposal.what:
        raise ApprovalError(f"the line signs for something else than override {line.about} proposes")
    if "end" in steps:
        raise ApprovalError(f"override {line.about} was ended by {steps['end'].by} on {steps['end'].on}")
    if line.step == "end":
        if until <= on:
            raise ApprovalError(f"override {line.about} has ended by itself on {line.until}")
        if not line.note:
            raise ApprovalError("say why it is ended before its time")
    elif "approve" in steps:
        raise ApprovalError(f"override {line.about} was approved by {steps['approve'].by} on {steps['approve'].on}")
    elif signer.is_person(known(proposal.province).of_key(proposal.key)):
        raise ApprovalError(f"{proposal.by} proposed override {line.about}: another person must approve it")


def _opens(line: OverrideLine, before: list[OverrideLine]) -> None:
    if line.about != line.number:
        raise ApprovalError(f"a proposal is about itself, {line.number}, not {line.about}")
    if line.grade == line.instead_of:
        raise ApprovalError(f"the class is {line.grade} already: there is nothing to override")
    if not line.note:
        raise ApprovalError("an override needs a reason")
    if not line.enterprise_id.strip() or holds_identity_number(line.enterprise_id):
        raise ApprovalError("enterprise_id: expected the opaque id of an enterprise")
    ended = {each.about for each in before if each.step == "end"}
    for each in before:
        same = (each.step, each.province, each.enterprise_id) == ("propose", line.province, line.enterprise_id)
        if same and each.number not in ended and each.until > line.on:
            raise ApprovalError(
                f"{line.enterprise_id} has override {each.number} until {each.until} already: end it first"
            )
