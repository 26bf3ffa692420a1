"""Tokens: shown once, kept as hashes, ended at once."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.guard.tokens import AccessError, Tokens, create_token, revoke_token

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_token_lets_its_owner_in_and_stands_nowhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tokens.jsonl"
    first, second = create_token(path, "bureau A", now=NOW), create_token(path, "bureau B", now=NOW)
    tokens = Tokens(path)
    assert tokens.name_of(first, NOW) == "bureau A"
    assert tokens.name_of(second, NOW) == "bureau B"
    assert tokens.name_of(first[:-1], NOW) is None
    assert tokens.name_of("", NOW) is None
    assert first.removeprefix("fenlei_") not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_ends_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    token = create_token(path, "bureau A", days=30, now=NOW)
    tokens = Tokens(path)
    assert tokens.name_of(token, NOW + timedelta(days=30, seconds=-1)) == "bureau A"
    assert tokens.name_of(token, NOW + timedelta(days=30)) is None


def test_a_revoked_token_is_refused_at_once_and_its_name_can_be_given_anew(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    old = create_token(path, "bureau A", now=NOW)
    tokens = Tokens(path)
    assert tokens.name_of(old, NOW) == "bureau A"
    revoke_token(path, "bureau A", now=NOW)
    assert tokens.name_of(old, NOW) is None
    new = create_token(path, "bureau A", now=NOW)
    assert tokens.name_of(new, NOW) == "bureau A"
    assert tokens.name_of(old, NOW) is None


def test_without_a_file_nobody_is_let_in(tmp_path: Path) -> None:
    assert Tokens(tmp_path / "none.jsonl").name_of("fenlei_x", NOW) is None


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"name": "a"}', '{"name": "a", "sha256": "zz", "expires": "x"}'])
def test_a_broken_file_lets_nobody_in_and_names_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tokens.jsonl"
    token = create_token(path, "bureau A", now=NOW)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(AccessError, match="line 2"):
        Tokens(path).name_of(token, NOW)


@pytest.mark.parametrize(
    ("name", "days", "message"),
    [("", 1, "printable"), ("a\nb", 1, "printable"), ("a" * 101, 1, "printable"), ("a", 0, "at least a day")],
)
def test_a_token_that_makes_no_sense_is_not_made(tmp_path: Path, name: str, days: int, message: str) -> None:
    with pytest.raises(AccessError, match=message):
        create_token(tmp_path / "tokens.jsonl", name, days=days, now=NOW)


def test_a_name_has_one_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    create_token(path, "bureau A", now=NOW)
    with pytest.raises(AccessError, match="has a token already"):
        create_token(path, "bureau A", now=NOW)
    with pytest.raises(AccessError, match="has no token"):
        revoke_token(path, "bureau B")
    assert [json.loads(line)["name"] for line in Path(path).read_text(encoding="utf-8").splitlines()] == ["bureau A"]
