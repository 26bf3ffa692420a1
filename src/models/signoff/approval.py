"""Approval: two people put a model into use; the record says who, and the alias only follows the record.

Proposing and approving each run the gate, sign with a key of the province's list, and write one line. Whenever
the record is read, every line of it is checked as if it were to be written now (`models.signoff.record`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.errors import FenleiError
from models.chain import FIRST
from models.scoring.risk_model import RiskModel
from models.signoff import export, gate
from models.signoff.errors import ApprovalError, GateRefused, HashMismatch
from models.signoff.record import entries as record
from models.signoff.record import rules
from models.signoff.record.entries import HEAD, Action, Entry, record_path
from models.signoff.record.history import History, history, lists, read, read_beside
from models.signoff.record.keys import public_of
from models.signoff.record.policies import hold_signed
from models.signoff.record.rules import in_force
from models.signoff.record.signers import Signers, load_signers
from models.tracking import artifacts, versions
from models.tracking.names import is_of, split_version
from models.tracking.store import Store, checked_store

__all__ = [
    "ApprovalError",
    "Entry",
    "GateRefused",
    "History",
    "approve",
    "approved_model",
    "back",
    "follow",
    "history",
    "in_force",
    "in_use",
    "propose",
    "read",
    "record_path",
    "reject",
]

STATES: dict[Action, str] = {"propose": "proposed", "back": "proposed", "approve": "approved", "reject": "rejected"}
"""What the tag ``signed`` of a version says after a step."""

WORDS: dict[Action, str] = {
    "propose": "proposed by 提请",
    "back": "proposed to return by 提请恢复",
    "approve": "approved by 批准",
    "reject": "rejected by 否决",
}

ALLOWED = "allowed by gate.toml 按门槛文件允许"
"""Reason that is recorded where the province asks for none."""


def propose(
    store: Store,
    version: str,
    note: str,
    *,
    key: Ed25519PrivateKey,
    on: str,
    accept_unknown: str = "",
    say: gate.Say = lambda _: None,
) -> Entry:
    """Put a registered version up for approval, after the gate has looked at it.

    Parameters
    ----------
    store
        Whose version and record.
    version, note
        Which, and why.
    key
        The proposer's.
    on
        Day, ISO.
    accept_unknown
        Why it may go on where the gate can't tell; stands in the record.
    say
        Told of every step.

    Raises
    ------
    GateRefused
        If a check fails, or can't tell and that is not accepted.
    ApprovalError
        If the key may not propose, or the version is already proposed.
    """
    return _examined(store, "propose", version, note, key, on, accept_unknown, say)


def back(
    store: Store,
    version: str,
    note: str,
    *,
    key: Ed25519PrivateKey,
    on: str,
    accept_unknown: str = "",
    say: gate.Say = lambda _: None,
) -> Entry:
    """Propose to return to a version approved before and not rejected since; another person approves as ever.

    Parameters, and errors beside those of a version that was never approved or has changed since, as `propose`.
    """
    return _examined(store, "back", version, note, key, on, accept_unknown, say)


def approve(
    store: Store, version: str, note: str = "", *, key: Ed25519PrivateKey, on: str, say: gate.Say = lambda _: None
) -> Entry:
    """Approve a proposed version as another person, and let the alias follow.

    The gate looks once more, here and now: the proposer's word is not taken for it.

    Raises
    ------
    GateRefused
        If a check fails by now, or can't tell where nothing was accepted.
    ApprovalError
        If the version is not proposed, the approver is the proposer or not listed, or anything that the proposal
        bound is no longer what it was.
    """
    return _examined(store, "approve", version, note, key, on, "", say)


def reject(store: Store, version: str, note: str, *, key: Ed25519PrivateKey, on: str) -> Entry:
    """Refuse a proposed version, or withdraw an approved one; the version approved before it returns.

    One person is enough to stop a model; what returns has been signed by two.

    Raises
    ------
    ApprovalError
        If the version is neither proposed nor approved, or the key is not listed.
    """
    with record.locked(store):
        entries = read_beside(store, versions.pointers(store)).entries
        last = rules.state(version, entries)
        if last is None:
            raise ApprovalError(f"version {version} is neither proposed nor approved")
        # Everything as recorded: a model must be refusable even when its files are gone.
        signers = load_signers(store, last.province)
        draft = replace(
            _entry("reject", version, note, on, signers, key, entries),
            run=last.run,
            province=last.province,
            model_hash=last.model_hash,
            inputs=last.inputs,
            policies={"signers": signers.hash},
        )
        return _write(store, draft, key, entries)


def _entry(
    action: Action, version: str, note: str, on: str, signers: Signers, key: Ed25519PrivateKey, entries: list[Entry]
) -> Entry:
    """Return an entry that says who does what, and nothing yet of the model."""
    if any("\ud800" <= c <= "\udfff" for c in note):
        raise ApprovalError("the note holds bytes that are no text; expected UTF-8")
    public = public_of(key)
    return Entry(
        number=len(entries),
        action=action,
        version=version,
        run="",
        province="",
        by=signers.of_key(public).shown,
        key=public,
        note=note,
        on=on,
        model_hash="",
        inputs={},
        policies={},
        verdicts={},
        accepted="",
        previous=entries[-1].hash if entries else FIRST,
    )


def _examined(
    store: Store, action: Action, version: str, note: str, key: Ed25519PrivateKey, on: str, accepted: str, say: gate.Say
) -> Entry:
    # Who may do it is asked first: the gate takes as long as a fit.
    model = RiskModel.load(versions.bundle(store, version))
    province = model.province
    signers, entries = load_signers(store, province), history(store)
    asked = replace(_entry(action, version, note, on, signers, key, entries), province=province)
    rules.admit(asked, entries, lists(store), draft=True)
    if gate.asks_signed_policies(province):
        hold_signed(store, province)
    found = gate.examine(store, version, say, model=model)
    with record.locked(store):
        entries = read_beside(store, versions.pointers(store)).entries
        last = rules.state(version, entries)
        if action == "approve" and last is not None:
            accepted = last.accepted
        elif found.verdict == "cannot tell" and found.rule == "allow":
            accepted = accepted or ALLOWED
        elif found.verdict == "cannot tell" and found.rule == "refuse":
            raise GateRefused(f"the gate can't tell, and gate.toml accepts no reason:\n{found.not_passed()}")
        draft = replace(
            _entry(action, version, note, on, signers, key, entries),
            run=found.run,
            province=found.province,
            model_hash=found.model_hash,
            inputs=found.inputs,
            policies=found.policies,
            verdicts=found.verdicts,
            accepted=accepted.strip() if found.verdict == "cannot tell" else "",
        )
        try:
            return _write(store, draft, key, entries)
        except GateRefused as err:
            raise GateRefused(f"{err}\n{found.not_passed()}") from err


def _write(store: Store, draft: Entry, key: Ed25519PrivateKey, entries: list[Entry]) -> Entry:
    """Sign, hold the rules, write the line; then head and alias follow."""
    entry = draft.signed(key)
    rules.admit(entry, entries, lists(store))
    if entry.action == "approve":
        export.export(store, entry)  # before the line: a service that reads it finds the files
    record.append(store, entry)
    after = [*entries, entry]
    _follow(store, after)
    about = [e for e in after if e.version == entry.version]
    versions.say_signed(store, entry.version, STATES[entry.action], [f"{WORDS[e.action]} {e.by} {e.on}" for e in about])
    return entry


def _follow(store: Store, entries: list[Entry]) -> None:
    """Write the record's head to every model it names, and let each one's alias point at what is in force of it."""
    export.follow(store, entries)
    expected = _expected(entries)
    signed_for = {split_version(e.version)[0] for e in entries}
    for name, there in sorted(versions.pointers(store).items()):
        if name in signed_for:
            versions.set_tag(store, name, HEAD, record.head_of(entries))
        if there.alias != expected.get(name):
            versions.set_alias(store, name, expected.get(name))


def _expected(entries: list[Entry]) -> dict[str, str]:
    """Return, by registered model, the number of the version that its alias must point at."""
    found: dict[str, Entry] = {}
    for approved in rules.standing(entries).values():
        name = split_version(approved[-1].version)[0]
        if name not in found or approved[-1].number > found[name].number:
            found[name] = approved[-1]
    return {name: split_version(entry.version)[1] for name, entry in found.items()}


def follow(store: Store) -> str | None:
    """Let heads and aliases follow the verified record again, as after an alias set by hand; returns the newest
    version in force."""
    with record.locked(store):
        entries = read_beside(store, versions.pointers(store)).entries
        _follow(store, entries)
        return newest.version if (newest := in_force(entries)) else None


def approved_model(store: Store, province: str | None = None) -> tuple[RiskModel, str] | None:
    """Return the model approved for a province and its version, or None when none is.

    The record decides, not the alias: an alias set by hand changes nothing here but is said.

    Parameters
    ----------
    store
        Where versions and the record are.
    province
        Whose; None: the newest approval in force of any.

    Raises
    ------
    ApprovalError
        If the record is broken, the model's files or the hashes registered with it have changed since approval, or
        the alias points elsewhere.

    Examples
    --------
    With ``store`` one in which nothing is signed:

    >>> approved_model(store, "hebei") is None
    True
    """
    entries = read_beside(store, pointers := versions.pointers(checked_store(store))).entries
    _hold_alias(pointers, entries, province)
    entry = in_force(entries, province)
    return None if entry is None else (_signed_model(store, entry), entry.version)


def in_use(store: Store) -> dict[str, tuple[Entry, str]]:
    """Return, by province, the approval in force and why it is not used, "" where it is; raises as `read` does."""
    pointers = versions.pointers(store)
    entries = read_beside(store, pointers).entries
    found = {}
    for province, approved in rules.standing(entries).items():
        why = ""
        try:
            _hold_alias(pointers, entries, province)
            _signed_model(store, approved[-1])
        except FenleiError as err:
            why = str(err)
        found[province] = (approved[-1], why)
    return found


def _hold_alias(pointers: Mapping[str, versions.Pointers], entries: list[Entry], province: str | None) -> None:
    """Hold that the aliases of a province's models point where the record says."""
    expected = _expected(entries)
    for name in sorted(pointers.keys() | expected.keys()):
        alias = pointers[name].alias if name in pointers else None
        if (province is None or is_of(name, province)) and alias != expected.get(name):
            raise ApprovalError(
                f"alias {versions.ALIAS!r} of {name} points at version {alias}, the record approves "
                f"{expected.get(name, 'none')}: the alias was set by hand"
            )


def _signed_model(store: Store, entry: Entry) -> RiskModel:
    """Load the model of an approval, if it is still what was signed."""
    folder = versions.bundle(store, entry.version)
    try:
        found = artifacts.bundle_hash(folder)
    except OSError as err:
        raise ApprovalError(
            f"the files of approved version {entry.version} can't be read: {err}",
            f"the files of approved version {entry.version} can't be read",
        ) from err
    if found != entry.model_hash:
        raise HashMismatch(
            f"the files of approved version {entry.version} have changed since approval "
            f"({found[:12]}… instead of {entry.model_hash[:12]}…)"
        )
    if versions.inputs(store, entry.version) != entry.inputs or versions.run_id(store, entry.version) != entry.run:
        raise HashMismatch(f"what is registered of approved version {entry.version} has changed since approval")
    model = RiskModel.load(folder)
    if model.province != entry.province:
        raise ApprovalError(f"approved version {entry.version} is of {model.province}, signed for {entry.province}")
    return model
