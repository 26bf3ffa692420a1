"""What two people signed is kept as files beside their record, and is served from there alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.here import here
from helpers.signing import ON, People, register
from models.signoff import approval, export
from models.signoff.errors import ApprovalError, HashMismatch
from models.tracking import artifacts, versions


@pytest.fixture
def approved(store: Path, signers: People) -> People:
    """Versions 1 and 2, approved one after the other."""
    for version in ("1", "2"):
        assert register(store, int(version)) == version
        accept(signers, version)
    return signers


def accept(who: People, version: str) -> None:
    approval.propose(here(), version, "look", key=who.keys["li"], on=ON)
    approval.approve(here(), version, "agreed", key=who.keys["wang"], on=ON)


def served() -> str | None:
    found = export.in_use_without_registry(here(), "hebei")
    return None if found is None else found.version


def lose_mlflow() -> None:
    database, files = here().database, here().artifacts
    assert database is not None
    assert files is not None
    database.unlink()
    shutil.rmtree(files)


def test_the_version_in_force_is_found_with_who_signed_it_when_mlflow_is_gone(approved: People) -> None:
    signed = artifacts.bundle_hash(versions.bundle(here(), "2"))
    lose_mlflow()
    found = export.in_use_without_registry(here(), "hebei")
    assert found is not None
    assert found.version == "2"
    assert (found.proposal.by, found.approval.by) == ("Li Na 李娜", "Wang Wei 王伟")
    assert artifacts.bundle_hash(export.folder_of(here(), "2")) == found.approval.model_hash == signed
    assert export.in_use_without_registry(here(), "henan") is None
    database = here().database
    assert database is not None
    assert not database.exists()


def test_a_withdrawal_brings_back_the_version_before_from_its_files(approved: People) -> None:
    assert served() == "2"
    approval.reject(here(), "2", "no", key=approved.keys["wang"], on=ON)
    assert served() == "1"
    approval.reject(here(), "1", "no", key=approved.keys["wang"], on=ON)
    assert served() is None


@pytest.mark.parametrize("name", ["booster.txt", "more.txt"])
def test_files_that_are_not_those_that_were_signed_are_refused(approved: People, name: str) -> None:
    with (export.folder_of(here(), "2") / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(HashMismatch, match="version 2 have changed since approval"):
        served()


def test_lines_cut_off_the_record_are_noticed_without_mlflow(approved: People) -> None:
    path = approval.record_path(here())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(ApprovalError, match="lines were cut off its end"):
        served()
    path.write_bytes(b"".join(lines))
    (path.parent / "signed" / "head").unlink()
    with pytest.raises(ApprovalError, match="head is missing"):
        served()


def test_a_person_who_is_not_listed_any_more_signs_for_nothing(approved: People) -> None:
    approved.signers.pop("wang")
    approved.write()
    with pytest.raises(ApprovalError, match="is not in"):
        served()


def test_a_version_approved_before_files_were_kept_is_kept_when_the_registry_follows_the_record(
    approved: People,
) -> None:
    shutil.rmtree(here().records / "signed")
    with pytest.raises(export.NotExported):
        served()
    assert approval.follow(here()) == "2"
    assert served() == "2"
