"""Rules that every entry of the record keeps, checked before it is written and whenever it is read.

So a line written past the commands, however well it is hashed and signed, has to keep the same rules.
"""

from __future__ import annotations

from models.signoff.errors import ApprovalError, GateRefused
from models.signoff.record.entries import Entry
from models.signoff.record.signed import Lists, signer_of
from models.signoff.record.signers import Role, Signer

CHECKS = ("files", "inputs", "order", "single_indicators", "retrained", "bands", "drift")
"""The gate's checks; an entry of format 1 that proposes or approves says what each of them found."""

PROPOSALS = ("propose", "back")
ROLES: dict[str, tuple[Role, ...]] = {
    "propose": ("propose",),
    "back": ("propose",),
    "approve": ("approve",),
    "reject": ("propose", "approve"),
}


def state(version: str, entries: list[Entry]) -> Entry | None:
    """Return the newest entry about a version, which says where it stands."""
    return next((e for e in reversed(entries) if e.version == version), None)


def standing(entries: list[Entry]) -> dict[str, list[Entry]]:
    """Return the approvals that stand in each province, the one in force last.

    Approving a version that still stands returns to it: what was approved after it is left behind and needs an approval
    of its own to come back, so that no single person's rejection can bring it back. Rejecting a version takes that one
    alone away, and the one approved before it is in force again.
    """
    out: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.action == "reject":
            for province, approved in out.items():
                out[province] = [e for e in approved if e.version != entry.version]
        elif entry.action == "approve":
            approved = out.get(entry.province, [])
            at = next((i for i, e in enumerate(approved) if e.version == entry.version), len(approved))
            out[entry.province] = [*approved[:at], entry]
    return {province: approved for province, approved in out.items() if approved}


def in_force(entries: list[Entry], province: str | None = None) -> Entry | None:
    """Return the approval in force in a province, or the newest of those of all; a new proposal alone changes nothing.

    A record may hold several provinces' versions: what one of them signs changes nothing for another.
    """
    found = [approved[-1] for each, approved in standing(entries).items() if province in (None, each)]
    return max(found, key=lambda e: e.number, default=None)


def approval_of(version: str, province: str, entries: list[Entry]) -> Entry | None:
    """Return a version's newest approval, unless it was rejected or gone back from since."""
    return next((e for e in standing(entries).get(province, []) if e.version == version), None)


def admit(entry: Entry, before: list[Entry], lists: Lists, *, draft: bool = False) -> None:
    """Hold that an entry may follow the ones before it.

    Parameters
    ----------
    entry
        Signed.
    before
        The entries before it, admitted themselves.
    lists
        Gives a province's signers.
    draft
        Look only at who would sign what: before the gate has looked and anything is signed.

    Raises
    ------
    GateRefused
        If the gate said no, or can't tell and nobody accepted that.
    ApprovalError
        If the signature is wrong, the key not listed, not of that name, not good on that day or without the role;
        if the same person would sign twice; or if the step is not one that can follow.
    """
    signer = _signer(entry, lists, draft)
    if before and entry.on < before[-1].on:
        raise ApprovalError(f"{entry.by} signed on {entry.on}, before the entry above of {before[-1].on}")
    last = state(entry.version, before)
    if entry.action == "reject":
        if last is None or last.action == "reject":
            raise ApprovalError(f"version {entry.version} is neither proposed nor approved")
        if not draft and _bound(entry) != _bound(last):
            raise ApprovalError(_other(entry, last, "proposed or approved"))
        return
    if entry.action in PROPOSALS:
        if last is not None and last.action in PROPOSALS:
            raise ApprovalError(f"version {entry.version} is already proposed, by {last.by} on {last.on}")
        if entry.action == "back":
            _returns(entry, before, draft)
    else:
        _answers(entry, signer, last, lists, draft)
    if not draft:
        _gate_said_yes(entry)


def _signer(entry: Entry, lists: Lists, draft: bool) -> Signer:
    return signer_of(entry, lists, ROLES[entry.action], entry.action, draft=draft)


def _returns(entry: Entry, before: list[Entry], draft: bool) -> None:
    """Going back leads to a version that two people approved, as it was then."""
    approved = approval_of(entry.version, entry.province, before)
    if approved is None:
        raise ApprovalError(
            f"version {entry.version} was never approved, or was withdrawn or gone back from: propose it"
        )
    if approved is in_force(before, entry.province):
        raise ApprovalError(f"version {entry.version} is the one in force")
    if not draft and _bound(entry) != _bound(approved):
        raise ApprovalError(_other(entry, approved, "approved"))


def _answers(entry: Entry, signer: Signer, last: Entry | None, lists: Lists, draft: bool) -> None:
    """An approval answers a proposal of the same thing by somebody else."""
    if last is None or last.action not in PROPOSALS:
        raise ApprovalError(f"version {entry.version} is not proposed; propose it first")
    if signer.is_person(lists(last.province).of_key(last.key)):
        raise ApprovalError(f"{last.by} proposed version {entry.version}: another person must approve it")
    if draft:
        return
    if _bound(entry) != _bound(last):
        raise ApprovalError(_other(entry, last, "proposed"))
    changed = [f"{k}.toml" for k in sorted(last.policies) if entry.policies.get(k) != last.policies[k]]
    if changed or entry.policies.keys() != last.policies.keys():
        raise ApprovalError(
            f"version {entry.version} was proposed under another {' and '.join(changed) or 'set of policies'}: "
            "look what changed, reject the proposal and propose again"
        )
    if entry.accepted != last.accepted:
        raise ApprovalError("the approval accepts another unknown than the proposal does")


def _bound(entry: Entry) -> tuple[str, str, str, dict[str, str]]:
    return entry.province, entry.run, entry.model_hash, entry.inputs


def _other(entry: Entry, signed: Entry, what: str) -> str:
    """Say in what an entry's object differs from the one that was signed."""
    differs = [
        f"its files hash to {entry.model_hash[:12]}…, {what} was {signed.model_hash[:12]}…"
        if entry.model_hash != signed.model_hash
        else "",
        "it is another run's" if entry.run != signed.run else "",
        "it is another province's" if entry.province != signed.province else "",
        *(
            f"{k} is {entry.inputs.get(k, 'nothing')[:12]}…, {what} was {signed.inputs.get(k, 'nothing')[:12]}…"
            for k in sorted(entry.inputs.keys() | signed.inputs.keys())
            if entry.inputs.get(k) != signed.inputs.get(k)
        ),
    ]
    return (
        f"version {entry.version} is not what was {what}: {'; '.join(d for d in differs if d)}; "
        "find out why, then propose it again"
    )


def _gate_said_yes(entry: Entry) -> None:
    missing = sorted(set(CHECKS) - entry.verdicts.keys())
    if missing:
        raise GateRefused(f"the entry doesn't say what the gate found for {', '.join(missing)}")
    wrong = sorted(k for k, v in entry.verdicts.items() if v not in ("pass", "cannot tell"))
    if wrong:
        raise GateRefused(f"the gate said no to version {entry.version}: {', '.join(wrong)}")
    unknown = sorted(k for k, v in entry.verdicts.items() if v == "cannot tell")
    if unknown and not entry.accepted.strip():
        raise GateRefused(
            f"the gate can't tell for version {entry.version}: {', '.join(unknown)}; accept that with a reason, "
            "or propose a version it can tell of"
        )
    if entry.action in PROPOSALS and entry.accepted and not unknown:
        raise GateRefused("the entry accepts an unknown, but the gate could tell everything")
