"""Signing from the command line: exit codes, passphrases, and what is printed."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from features.errors import FenleiError
from fenlei.cli import app
from helpers.here import here
from helpers.signing import judged, register
from models.scoring.risk_model import RiskModel
from models.signoff.errors import ApprovalError, KeyFileError
from models.tracking import runs, versions
from models.tracking.names import LEGACY

runner = CliRunner()
PASSPHRASE = {"FENLEI_KEY_PASSPHRASE": "a secret 秘密"}


@pytest.fixture
def desk(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a version, and keys of Li Na and Wang Wei made by the command."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    for name in ("FENLEI_RECORDS", "FENLEI_SIGNERS", "FENLEI_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    # So that a verb's --signers, which sets the variable, is undone with the test.
    monkeypatch.setenv("FENLEI_SIGNERS", str(tmp_path / "signers.toml"))
    text = []
    for name, zh, role in (("Li Na", "李娜", "propose"), ("Wang Wei", "王伟", "approve")):
        made = fenlei("keygen", name, "--zh", zh, "--role", role, "--out", str(key(tmp_path, name)), env=PASSPHRASE)
        assert made.exit_code == 0, made.output
        text.append(made.stdout)
    (tmp_path / "signers.toml").write_text("\n".join(text), encoding="utf-8")
    return tmp_path


def key(folder: Path, name: str) -> Path:
    return folder / f"{name.split()[0].lower()}.key"


def fenlei(*arguments: str, **more: object) -> Result:
    return runner.invoke(app, list(arguments), **more)  # type: ignore[arg-type]


def refused(*arguments: str, env: dict[str, str] | None = PASSPHRASE) -> FenleiError:
    with pytest.raises(FenleiError) as told:
        runner.invoke(app, list(arguments), env=env, catch_exceptions=False, standalone_mode=False)
    return told.value


def test_keygen_prints_public_lines_alone_and_writes_an_encrypted_file(desk: Path) -> None:
    (li, wang) = tomllib.loads((desk / "signers.toml").read_text(encoding="utf-8"))["signers"]
    assert (li["name"], li["name_zh"], li["roles"], wang["roles"]) == ("Li Na", "李娜", ["propose"], ["approve"])
    assert li["valid_from"] < li["valid_until"]
    for name in ("Li Na", "Wang Wei"):
        assert b"ENCRYPTED PRIVATE KEY" in key(desk, name).read_bytes()
        assert key(desk, name).stat().st_mode & 0o777 == 0o600
    assert isinstance(refused("keygen", "Li Na", "--zh", "李娜", "--out", str(key(desk, "Li Na"))), KeyFileError)
    says = str(refused("keygen", "Л\u0438 На", "--zh", "李娜", "--out", str(desk / "new.key")))
    assert "Latin letters" in says
    assert not (desk / "new.key").exists()
    plain = fenlei("keygen", "Li Na", "--zh", "李娜", "--no-passphrase", "--out", str(desk / "plain.key"))
    assert plain.exit_code == 0
    assert b"ENCRYPTED" not in (desk / "plain.key").read_bytes()


def test_a_version_is_proposed_approved_shown_and_withdrawn(desk: Path) -> None:
    version = register(desk)
    li, wang = str(key(desk, "Li Na")), str(key(desk, "Wang Wei"))
    done = fenlei("propose", version, "--note", "first", "--key", li, input="a secret 秘密\n")
    assert done.exit_code == 0, done.output
    assert "version 1 proposed by Li Na 李娜" in done.output
    assert "Li Na 李娜 may propose" in str(refused("approve", version, "--key", li))
    wrong = refused("approve", version, "--key", wang, env={"FENLEI_KEY_PASSPHRASE": "wrong"})
    assert "passphrase is wrong" in str(wrong)
    done = fenlei("approve", version, "--key", wang, "--json", env=PASSPHRASE)
    assert json.loads(done.stdout)["by"] == "Wang Wei 王伟"
    assert versions.aliased(here()) == "1"
    seen = json.loads(fenlei("history", "--json").stdout)
    assert (seen["in_force"], seen["not_used"]) == ({"hebei": "1"}, {})
    assert [e["action"] for e in seen["entries"]] == ["propose", "approve"]
    assert "every line verified" in fenlei("history", "--head", seen["head"]).stdout
    assert "version 1 is the one in force" in str(refused("back", version, "--note", "?", "--key", li))
    done = fenlei("reject", version, "--note", "drifts", "--key", wang, env=PASSPHRASE)
    assert "no model: the rules answer" in done.stdout
    assert versions.aliased(here()) is None
    assert isinstance(refused("history", "--head", "9 " + "0" * 64), ApprovalError)


def test_a_gate_that_says_no_is_exit_code_1_and_says_why(desk: Path) -> None:
    version = register(desk, evaluation=judged("fail", why="class C found less than class B"))
    done = fenlei("propose", version, "--note", "x", "--key", str(key(desk, "Li Na")), env=PASSPHRASE)
    assert done.exit_code == 1
    assert "class C found less than class B" in done.output
    assert "in force: none" in fenlei("history").stdout


def test_an_unknown_is_accepted_with_a_reason_that_history_shows(desk: Path) -> None:
    version = register(desk, evaluation=judged("cannot tell"))
    note = "no markup: [/red] \x1b[2J"
    arguments = ["propose", version, "--note", note, "--key", str(key(desk, "Li Na"))]
    assert fenlei(*arguments, env=PASSPHRASE).exit_code == 1
    done = fenlei(*arguments, "--accept-unknown", "first year", env=PASSPHRASE)
    assert "the gate can't tell bands; accepted: first year" in done.stdout
    assert json.loads(fenlei("history", "--json").stdout)["entries"][0]["accepted"] == "first year"
    shown = fenlei("history").stdout
    assert "[/red]" in shown
    assert "\x1b" not in shown


def test_another_list_can_be_named_and_an_alias_set_by_hand_is_mended(desk: Path) -> None:
    version = register(desk)
    elsewhere = desk / "elsewhere.toml"
    shutil.move(desk / "signers.toml", elsewhere)
    named = ["--signers", str(elsewhere)]
    li = ["propose", version, "--note", "x", "--key", str(key(desk, "Li Na"))]
    assert "signers.toml: no such file" in str(refused(*li))
    assert fenlei(*li, *named, env=PASSPHRASE).exit_code == 0
    runs.client(here()).set_registered_model_alias(LEGACY, versions.ALIAS, version)
    assert fenlei("history", "--mend", *named).exit_code == 0
    assert versions.aliased(here()) is None


def test_history_says_that_a_version_in_force_is_not_what_was_signed(desk: Path) -> None:
    version = register(desk)
    li, wang = str(key(desk, "Li Na")), str(key(desk, "Wang Wei"))
    fenlei("propose", version, "--note", "first", "--key", li, env=PASSPHRASE)
    fenlei("approve", version, "--key", wang, env=PASSPHRASE)
    assert "in force in hebei: version 1\n" in fenlei("history").stdout
    folder = versions.bundle(here(), version)
    RiskModel.load(folder).model_copy(update={"arm": "another"}).save(folder)
    done = fenlei("history")
    assert done.exit_code == 1
    said = " ".join(done.stdout.split())
    assert "version 1, but not used, the rules answer: the files of approved version 1 have changed" in said
    done = fenlei("history", "--json")
    assert done.exit_code == 1
    seen = json.loads(done.stdout)
    assert seen["in_force"] == {}
    assert "have changed since approval" in seen["not_used"]["hebei"]
