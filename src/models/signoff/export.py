"""Signed versions as files of the approval record: what a service answers from, with neither MLflow nor a network.

Beside the record stands ``signed/<version>/``, the model's files; ``signed/head`` says how long the record was and with
which hash it ended. Whoever serves reads the record, holds every line of it with its signature, and takes the files
only if they hash to what both people signed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from features.errors import FenleiError
from models.scoring.risk_model import RiskModel
from models.signoff.errors import ApprovalError, HashMismatch
from models.signoff.record import entries as record
from models.signoff.record import rules
from models.signoff.record.entries import Entry, record_path
from models.signoff.record.history import read_alone
from models.tracking import artifacts, versions
from models.tracking.store import Store

FOLDER, HEAD = "signed", "head"


@dataclass(frozen=True)
class InForce:
    """The version in force in a province: the model, its version, and who proposed and who approved it."""

    model: RiskModel
    version: str
    proposal: Entry
    approval: Entry


class NotExported(ApprovalError):
    """The version in force was approved before signed versions were kept as files."""


def folder_of(store: Store, version: str) -> Path:
    """Return where a version's files stand; its ``/`` becomes a ``-``."""
    return store.records / FOLDER / version.replace("/", "-")


def export(store: Store, approval: Entry) -> Path:
    """Keep the files of an approved version.

    Written aside and put in place by one rename: a service finds the whole of it or nothing.

    Raises
    ------
    HashMismatch
        If the files are not those that were signed.
    RegistryError
        If MLflow does not have them.
    """
    folder = folder_of(store, approval.version)
    if _hash(folder) == approval.model_hash:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        shutil.copytree(versions.bundle(store, approval.version), fresh / "bundle")
        if _hash(fresh / "bundle") != approval.model_hash:
            raise HashMismatch(f"the files of version {approval.version} are not those that were signed")
        shutil.rmtree(folder, ignore_errors=True)
        (fresh / "bundle").rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def follow(store: Store, entries: list[Entry]) -> None:
    """Write how long the record is and with which hash it ends, and keep what is in force where it is not kept yet.

    What can't be kept is no fault of the record: it was approved before versions were kept as files, and MLflow has
    lost them.
    """
    path = store.records / FOLDER / HEAD
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, record.head_of(entries) + "\n")
    for approved in rules.standing(entries).values():
        if not folder_of(store, approved[-1].version).is_dir():
            with suppress(FenleiError, OSError):
                export(store, approved[-1])


def pair_of(version: str, entries: list[Entry]) -> tuple[Entry, Entry] | None:
    """Return the proposal and the approval of a version that stands, the newest ones."""
    acts = [e for e in entries if e.version == version]
    if len(acts) < 2 or acts[-1].action != "approve":
        return None
    return acts[-2], acts[-1]


def in_use_without_registry(store: Store, province: str) -> InForce | None:
    """Return the version in force in a province from files alone; None where nothing is approved.

    Raises
    ------
    NotExported
        If its files were never kept here.
    HashMismatch
        If they are not what was signed.
    ApprovalError
        If the record is broken or shorter than its head says, or a line of it does not hold.
    """
    entries = read_alone(store, _head(store)).entries
    approval = rules.in_force(entries, province)
    if approval is None:
        return None
    pair = pair_of(approval.version, entries)
    assert pair is not None  # a version is in force by its approval, which answers a proposal
    folder = folder_of(store, approval.version)
    if not folder.is_dir():
        raise NotExported(f"approved version {approval.version} was never kept in {folder}")
    try:
        found = artifacts.bundle_hash(folder)
    except OSError as err:
        short = f"the files of approved version {approval.version} can't be read"
        raise ApprovalError(f"{short}: {err}", short) from err
    if found != approval.model_hash:
        raise HashMismatch(
            f"the files of approved version {approval.version} have changed since approval "
            f"({found[:12]}… instead of {approval.model_hash[:12]}…)"
        )
    model = RiskModel.load(folder)
    if model.province != province:
        raise ApprovalError(f"approved version {approval.version} is of {model.province}, signed for {province}")
    return InForce(model, approval.version, *pair)


def _head(store: Store) -> str | None:
    """Return the kept head; None where nothing was ever kept here.

    Raises
    ------
    ApprovalError
        If versions were kept and the head is not there: without it, lines cut off the record's end would not show.
    """
    folder = store.records / FOLDER
    try:
        return (folder / HEAD).read_text(encoding="utf-8").strip()
    except FileNotFoundError as err:
        if not record_path(store).is_file() or not folder.is_dir():
            return None
        raise ApprovalError(
            f"{folder / HEAD} is missing: lines cut off the approval record's end would not show; `fenlei sign` writes"
            " it again at the next step",
            "the head of the approval record is not kept where it should be",
        ) from err


def _hash(folder: Path) -> str:
    try:
        return artifacts.bundle_hash(folder)
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    """Write a file in one step, to the disk itself."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    try:
        Path(file.name).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(file.name).unlink()
