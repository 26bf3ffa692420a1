"""Where gate.toml asks for it, no model is signed under policies that nobody signed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from features.policy import policy_root
from helpers.here import here
from helpers.signing import ON, People, register
from models.signoff import approval
from models.signoff.errors import ApprovalError
from models.signoff.record import policies


def test_a_model_is_proposed_only_under_policies_that_two_people_signed(
    store: Path, signers: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert register(store, 1) == "1"
    home = tmp_path / "own" / "hebei"
    shutil.copytree(policy_root() / "hebei", home)
    gate = home / "gate.toml"
    text = gate.read_text(encoding="utf-8")
    gate.write_text(text.replace("must_be_signed = false", "must_be_signed = true"), encoding="utf-8")
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path / "own"))
    with pytest.raises(ApprovalError, match=r"of hebei are not signed; gate\.toml of hebei asks"):
        approval.propose(here(), "1", "look", key=signers.keys["li"], on=ON)
    assert approval.history(here()) == []
    policies.write(here(), "propose", "hebei", "as they are", key=signers.keys["li"], on=ON)
    policies.write(here(), "approve", "hebei", "", key=signers.keys["wang"], on=ON)
    entry = approval.propose(here(), "1", "look", key=signers.keys["li"], on=ON)
    assert entry.action == "propose"
