"""fenlei token and fenlei audit: what they print, what they never print, and that each act is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fenlei.cli import app
from serving.guard.audit import AuditLog
from serving.guard.tokens import Tokens
from serving.guard.verified import find

runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fenlei(*arguments: str, code: int = 0) -> str:
    done = runner.invoke(app, [*arguments])
    assert done.exit_code == code, done.output
    return done.stdout.strip()


def test_a_token_is_made_rotated_listed_and_ended_and_each_act_is_in_the_record(home: Path) -> None:
    files = ["--tokens", "t.jsonl", "--audit", "audit.jsonl"]
    old = fenlei("token", "石家庄", "--acts", "classify", "--regions", "1301", "--department", "信用处", *files)
    new = fenlei("token", "石家庄", "--rotate", "--overlap", "7d", *files)
    assert [Tokens("t.jsonl").name_of(token) for token in (old, new)] == ["石家庄"] * 2
    told = fenlei("token", "list", "--tokens", "t.jsonl")
    assert told.count("石家庄: classify; 1301, department 信用处; until 20") == 2
    assert "fenlei_" not in told
    rows = json.loads(fenlei("token", "list", "--tokens", "t.jsonl", "--json"))["tokens"]
    assert [(row["name"], row["acts"], row["regions"]) for row in rows] == [("石家庄", ["classify"], ["1301"])] * 2
    fenlei("token", "石家庄", "--revoke", *files)
    assert [Tokens("t.jsonl").name_of(token) for token in (old, new)] == [None, None]
    acts = find(home / "audit.jsonl", token="石家庄")
    assert [line["event"] for line in acts] == ["token to be made", "token to be rotated", "token revoked"]
    assert all(line["by"] and line["chain"] == "audit-admin.jsonl" for line in acts)
    assert old not in (home / "audit-admin.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("held", [False, True])
def test_the_record_is_put_aside_while_it_is_written_or_not_and_verified_against_its_heads(
    home: Path, held: bool
) -> None:
    path, heads = home / "audit.jsonl", home / "heads.jsonl"
    log = AuditLog(path, flush=0.05, heads=heads)
    log.append({"token": "a", "enterprises": ["E1"], "path": "/classify", "status": 200})
    log.watch()
    if not held:
        log.close()
    said = json.loads(fenlei("audit", "rotate", "audit.jsonl", "--heads", "heads.jsonl", "--json"))["heads"]
    if held:
        log.close()
    assert {row["chain"] for row in said} == {"audit.jsonl", "audit-admin.jsonl"}
    checked = ["audit", "verify", "audit.jsonl", "--heads", "heads.jsonl"]
    assert "audit.jsonl: 2 lines hold" in fenlei(*checked)
    found = json.loads(fenlei("audit", "find", "audit.jsonl", "--enterprise", "E1", "--json"))["lines"]
    assert [line["token"] for line in found] == ["a"]
    assert "1 lines" in fenlei("audit", "find", "audit.jsonl", "--token", "a", "--from", "2026-01-01")
    (home / "audit.000000000000.jsonl").unlink()
    assert "broken" in fenlei(*checked, code=1)
