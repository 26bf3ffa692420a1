"""The record of policies: two people sign the files in force of a province, as they sign a model.

A chain of its own beside the approvals' (`models.chain`), with the same keys and the same list of signers: what is
signed is the hash of every policy file that holds in the province, its base's among them, but the list of signers,
whose hash each entry binds apart. Whenever the record is read, every line is checked as if it were to be written now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.policy import map_path, policy_path, policy_roots, province_line
from models import chain
from models.chain import FIRST
from models.scoring.bands import load_bands
from models.signoff.errors import ApprovalError
from models.signoff.record.keys import public_of, sign
from models.signoff.record.rules import ROLES
from models.signoff.record.signed import Lists, signer_of
from models.signoff.record.signers import FILE, load_signers
from models.tracking.store import Store

Step = Literal["propose", "approve", "reject"]
FORMAT = 1
_SIGNED_LATER = ("hash", "signature")


@dataclass(frozen=True)
class PolicyEntry:
    """One line of the record.

    Parameters
    ----------
    number, action, province
        0, 1, …; the step; whose policies.
    by, key, note, on
        Both names of the signer, the public key, why, and the day (ISO).
    files
        SHA-256 of every policy file by name, such as "bands" or "sectors/food".
    signers
        SHA-256 of the list of signers at that moment.
    previous, hash, signature
        As in `models.signoff.record.entries.Entry`.
    """

    number: int
    action: str
    province: str
    by: str
    key: str
    note: str
    on: str
    files: dict[str, str]
    signers: str
    previous: str
    what: str = "policies"
    format: int = FORMAT
    hash: str = ""
    signature: str = ""

    def digest(self) -> str:
        """Hash of everything but ``hash`` and ``signature``."""
        return chain.digest(asdict(self), _SIGNED_LATER)

    @property
    def version(self) -> str:
        """The first 12 digits of the hash over all files."""
        return digest_of(self.files)[:12]


def record_path(store: Store) -> Path:
    """File of the record."""
    return store.records / "policies.jsonl"


def files_in_force(province: str) -> dict[str, str]:
    """Return the SHA-256 of every policy file that holds in a province now, by name.

    Raises
    ------
    ConfigError
        If the province has no bands, or a file it names is missing.
    """
    bands = load_bands(province)
    homes = [root / each for each in province_line(province) for root in policy_roots() if (root / each).is_dir()]
    names = {str(p.relative_to(home).with_suffix("")) for home in homes for p in home.rglob("*.toml")} - {FILE}
    of = {"scorecard": bands.scorecard, "determinations": bands.determinations}
    paths = {name: policy_path(of.get(name, province), name) for name in {*names, *of}}
    paths["national/believable"] = policy_path("national", "believable")
    if (own := map_path(province)) is not None:
        paths["map"] = own
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(paths.items())}


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over names and hashes of files."""
    return hashlib.sha256(chain.canonical(files).encode()).hexdigest()


def read(store: Store, head: str | None = None) -> list[PolicyEntry]:
    """Return the record after verifying every line.

    Parameters
    ----------
    head
        A hash kept elsewhere, which the record must still hold.

    Raises
    ------
    ApprovalError
        If a line was changed, removed or put in, or does not keep the rules; names the line.
    """
    path = record_path(store)
    entries: list[PolicyEntry] = []
    lists = lru_cache(maxsize=None)(partial(load_signers, store))
    for link in chain.walk(path, _SIGNED_LATER):
        place = f"{path}, line {link.number + 1}"
        if not link.holds:
            raise ApprovalError(
                f"{place}: the record was changed: its hashes don't chain", "the record of policies was changed"
            )
        try:
            entry = _parse(link.line.decode("utf-8", errors="replace"))
            _admit(entry, entries, lists)
        except (ValueError, TypeError) as err:
            raise ApprovalError(f"{place}: not an entry: {err}", "the record of policies was changed") from err
        except ApprovalError as err:
            raise ApprovalError(f"{place}: {err}", f"line {link.number + 1} of the record of policies fails") from err
        entries.append(entry)
    if head is not None and head not in {FIRST, *(e.hash for e in entries)}:
        raise ApprovalError(f"{path} is not the record that the head you gave knows: no entry {head[:12]}…")
    return entries


def _parse(line: str) -> PolicyEntry:
    body = json.loads(line)
    entry = PolicyEntry(**body)
    if entry.format != FORMAT or entry.what != "policies" or entry.action not in get_args(Step):
        raise ValueError(f"format {entry.format!r}, what {entry.what!r}, action {entry.action!r}")
    if chain.canonical(asdict(entry)) != line:
        raise ValueError("it is not written as an entry is: keys sorted, no spaces, no key twice")
    return entry


def _admit(entry: PolicyEntry, before: list[PolicyEntry], lists: Lists) -> None:
    """Hold that an entry may follow the ones before it."""
    signer = signer_of(entry, lists, ROLES[entry.action], entry.action)
    if before and entry.on < before[-1].on:
        raise ApprovalError(f"{entry.by} signed on {entry.on}, before the entry above of {before[-1].on}")
    last = state(entry.province, before)
    if entry.action == "propose":
        if last is not None and last.action == "propose" and last.files == entry.files:
            raise ApprovalError(f"these policies are already proposed, by {last.by} on {last.on}")
        return
    if entry.action == "reject":
        if last is None or last.action == "reject":
            raise ApprovalError(f"no policies of {entry.province} are proposed or approved")
        if last.files != entry.files:
            raise ApprovalError(f"the files are not those that were signed: {', '.join(differing(entry, last))}")
        return
    if last is None or last.action != "propose":
        raise ApprovalError(f"the policies of {entry.province} are not proposed; propose them first")
    if last.files != entry.files:
        raise ApprovalError(
            f"the files are not those that {last.by} proposed: {', '.join(differing(entry, last))}; propose them again"
        )
    if signer.is_person(lists(last.province).of_key(last.key)):
        raise ApprovalError(f"{last.by} proposed these policies: another person must approve them")


def state(province: str, entries: list[PolicyEntry]) -> PolicyEntry | None:
    """Return the newest entry about a province."""
    return next((e for e in reversed(entries) if e.province == province), None)


def differing(one: PolicyEntry, other: PolicyEntry) -> list[str]:
    """Return the names of the files in which two entries differ."""
    return changed(one.files, other.files)


def changed(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return the names of files that are not the same in both."""
    return sorted(f"{name}.toml" for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def write(store: Store, action: Step, province: str, note: str, *, key: Ed25519PrivateKey, on: str) -> PolicyEntry:
    """Sign the policies in force of a province, one step.

    Parameters
    ----------
    action
        "propose"; "approve", by another person and of the same files; "reject", which takes the newest step back.
    note, key, on
        Why, the signer's key, the day (ISO).

    Raises
    ------
    ApprovalError
        If the step can't follow; nothing is written then.
    """
    signers, public = load_signers(store, province), public_of(key)
    by = signers.of_key(public).shown
    with chain.locked(record_path(store)):
        entries = read(store)
        last = state(province, entries)
        # What is rejected is what was signed, whatever the files say by now.
        files = last.files if action == "reject" and last is not None else files_in_force(province)
        draft = PolicyEntry(
            number=len(entries),
            action=action,
            province=province,
            by=by,
            key=public,
            note=note,
            on=on,
            files=files,
            signers=signers.hash,
            previous=entries[-1].hash if entries else FIRST,
        )
        digest = draft.digest()
        entry = replace(draft, hash=digest, signature=sign(key, digest))
        _admit(entry, entries, lambda p: load_signers(store, p))
        chain.append(record_path(store), chain.canonical(asdict(entry)))
    return entry


@dataclass(frozen=True)
class Standing:
    """Whether the policies in force of a province are signed.

    Parameters
    ----------
    province, version
        Whose, and the first 12 digits of the hash over the files in force.
    signed
        Whether two people signed exactly these files, and nobody rejected them since.
    proposed, approved
        The entries of the newest approval, or of a proposal that waits; None without.
    differs
        Files that are not those of the newest approval.
    """

    province: str
    version: str
    signed: bool
    proposed: PolicyEntry | None
    approved: PolicyEntry | None
    differs: tuple[str, ...]

    @property
    def said(self) -> str:
        """One line."""
        if self.signed and self.approved and self.proposed:
            a, p = self.approved, self.proposed
            return f"policies {self.version} of {self.province}: proposed by {p.by} {p.on}, approved by {a.by} {a.on}"
        waits = f"; proposed by {self.proposed.by} {self.proposed.on}" if self.proposed else ""
        if self.approved is None:
            return f"policies {self.version} of {self.province} are not signed{waits}"
        return (
            f"policies {self.version} of {self.province} are not those approved by {self.approved.by} "
            f"{self.approved.on}: {', '.join(self.differs)}{waits}"
        )


def standing(store: Store, province: str) -> Standing:
    """Return whether the policies in force are signed, by whom and when; errors as `read`."""
    entries = [e for e in read(store) if e.province == province]
    files = files_in_force(province)
    proposal: PolicyEntry | None = None
    pair: tuple[PolicyEntry, PolicyEntry] | None = None
    for entry in entries:
        if entry.action == "propose":
            proposal = entry
        elif entry.action == "approve" and proposal is not None:
            pair, proposal = (proposal, entry), None
        elif proposal is not None:
            proposal = None
        else:
            pair = None
    signed = pair is not None and pair[1].files == files
    return Standing(
        province=province,
        version=digest_of(files)[:12],
        signed=signed,
        proposed=pair[0] if signed and pair else proposal,
        approved=pair[1] if pair else None,
        differs=tuple(changed(pair[1].files, files)) if pair else (),
    )


def hold_signed(store: Store, province: str) -> None:
    """Refuse what rests on policies that nobody signed.

    Raises
    ------
    ApprovalError
        If the policies in force are not signed by two people.
    """
    found = standing(store, province)
    if not found.signed:
        raise ApprovalError(
            f"{found.said}; gate.toml of {province} asks that they are (policies_must_be_signed): "
            "`fenlei policy propose`, then `fenlei policy approve` by another person",
            f"the policies of {province} are not signed",
        )
