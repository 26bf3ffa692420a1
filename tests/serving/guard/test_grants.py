"""Scopes, rotation and limits of tokens: what a token does not allow is refused, and what it allows goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from serving.guard.grants import Grant, act_of
from serving.guard.limits import Buckets, Guesses
from serving.guard.regions import Regions, may_ask
from serving.guard.tokens import AccessError, Tokens, create_token, listed, revoke_token, rotate_token

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_token_carries_its_acts_regions_department_and_rate(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    token = create_token(
        path, "石家庄", acts=["history", "classify"], regions=["1301"], department="信用处", rate=5, burst=9, now=NOW
    )
    held = Tokens(path).grant_of(token, NOW)
    assert held == Grant(
        "石家庄", NOW + timedelta(days=365), ("classify", "history"), ("1301",), "信用处", rate=5, burst=9
    )
    (row,) = listed(path)
    assert (row.grant, token in str(row), token.removeprefix("fenlei_") in path.read_text(encoding="utf-8")) == (
        held,
        False,
        False,
    )


def test_a_token_made_before_there_were_scopes_allows_all(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    token = create_token(path, "old", now=NOW)
    line = path.read_text(encoding="utf-8")
    cut = line[: line.index(', "acts"')] + "}\n"
    path.write_text(cut, encoding="utf-8")
    held = Tokens(path).grant_of(token, NOW)
    assert held is not None
    assert held.acts == ("classify", "explain", "history", "operate")


@pytest.mark.parametrize(
    ("acts", "regions", "rate", "said"),
    [
        (["rule"], [], None, "acts must be"),
        ([], [], None, "acts must be"),
        (["classify"], ["Hebei"], None, "regions must be"),
        (["classify"], ["1"], None, "regions must be"),
        (["classify"], ["1301020"], None, "regions must be"),
        (["classify"], [], 0.0, "a rate must be"),
    ],
)
def test_a_scope_that_makes_no_sense_is_not_given(
    tmp_path: Path, acts: list[str], regions: list[str], rate: float | None, said: str
) -> None:
    with pytest.raises(AccessError, match=said):
        create_token(tmp_path / "t.jsonl", "a", acts=acts, regions=regions, rate=rate, now=NOW)
    assert not (tmp_path / "t.jsonl").exists()


def test_old_and_new_token_both_hold_for_the_stated_time_and_then_only_the_new(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    old = create_token(path, "bureau", acts=["classify"], regions=["1302"], now=NOW)
    tokens = Tokens(path)
    assert tokens.name_of(old, NOW) == "bureau"
    new = rotate_token(path, "bureau", overlap=timedelta(days=7), now=NOW)
    week = NOW + timedelta(days=7)
    assert [tokens.name_of(t, week - timedelta(seconds=1)) for t in (old, new)] == ["bureau", "bureau"]
    assert [tokens.name_of(t, week) for t in (old, new)] == [None, "bureau"]
    held = tokens.grant_of(new, week)
    assert held is not None
    assert (held.acts, held.regions) == (("classify",), ("1302",))
    at_once = rotate_token(path, "bureau", overlap=timedelta(0), now=NOW)
    assert [tokens.name_of(t, NOW) for t in (old, new, at_once)] == [None, None, "bureau"]


def test_revoking_ends_the_old_and_the_new_token_and_a_revoked_one_is_not_rotated(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    old = create_token(path, "bureau", now=NOW)
    new = rotate_token(path, "bureau", overlap=timedelta(days=7), now=NOW)
    tokens = Tokens(path)
    revoke_token(path, "bureau", now=NOW)
    assert [tokens.name_of(t, NOW) for t in (old, new)] == [None, None]
    with pytest.raises(AccessError, match="that holds"):
        rotate_token(path, "bureau", overlap=timedelta(days=7), now=NOW)


def test_each_path_belongs_to_an_act() -> None:
    asked = ("/classify", "/what_if", "/enterprises/E1", "/enterprises/E1/sheet", "/status", "/metrics", "/model")
    assert [act_of(path) for path in asked] == [
        "classify",
        "explain",
        "history",
        "explain",
        "operate",
        "operate",
        None,
    ]


def test_a_bucket_gives_its_burst_then_its_rate_and_forgets_the_one_unseen_for_longest() -> None:
    time = [0.0]
    buckets = Buckets(most=2, clock=lambda: time[0])
    assert [buckets.take("a", 2.0, 3) == 0 for _ in range(4)] == [True, True, True, False]
    time[0] = 0.5
    assert [buckets.take("a", 2.0, 3) == 0 for _ in range(2)] == [True, False]
    buckets.take("b", 1.0, 1)
    buckets.take("c", 1.0, 1)
    assert buckets.take("a", 2.0, 3) == 0, "forgotten, so it begins anew"
    time[0] = -5.0
    assert buckets.take("c", 1.0, 1) > 0, "a clock that goes back gives nothing"


def test_wrong_tokens_wait_after_some_and_an_address_with_many_waiting_is_turned_away() -> None:
    guesses = Guesses(3, 2.0, at_once=2, clock=lambda: 0.0)
    assert [guesses.wrong("10.0.0.1") for _ in range(5)] == [0.0, 0.0, 0.0, 2.0, 2.0]
    assert guesses.wrong("10.0.0.2") == 0.0
    for _ in range(2):
        guesses.begin("10.0.0.1")
    assert (guesses.crowded("10.0.0.1"), guesses.crowded("10.0.0.2")) == (True, False)
    guesses.end("10.0.0.1")
    assert not guesses.crowded("10.0.0.1")


def write_regions(path: Path, rows: list[tuple[str, str, int]]) -> None:
    columns = {
        "enterprise_id": [r[0] for r in rows],
        "region": [r[1] for r in rows],
        "version": [r[2] for r in rows],
    }
    pq.write_table(pa.table(columns), path)


def test_an_enterprise_is_where_its_latest_registration_says(tmp_path: Path) -> None:
    path = tmp_path / "registration.parquet"
    write_regions(path, [("E1", "130102", 1), ("E1", "130203", 2), ("E2", "", 1), ("E3", "130102", 1)])
    regions = Regions(path)
    assert [regions.of(e) for e in ("E1", "E2", "E3", "E4")] == ["130203", None, "130102", None]
    assert Regions(None).of("E1") is None


def test_a_file_without_regions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"enterprise_id": ["E1"]}), path)
    with pytest.raises(SourceError, match="region is not there"):
        Regions(path)
    path.write_bytes(b"no parquet")
    with pytest.raises(SourceError, match="no file of regions"):
        Regions(path)


def test_a_token_of_one_region_asks_about_it_alone() -> None:
    limited = Grant("a", NOW, regions=("1301",))
    anywhere = Grant("b", NOW)
    own, other = [{"region": "130102"}], [{"region": "130203"}]
    assert may_ask(limited, "130102", None, looked_up=True)
    assert not may_ask(limited, "130203", None, looked_up=True)
    assert not may_ask(limited, None, None, looked_up=True), "an unknown one is refused as a known one of elsewhere is"
    assert may_ask(limited, None, own, looked_up=False)
    assert not may_ask(limited, None, [*own, *other], looked_up=False)
    assert not may_ask(limited, "130203", own, looked_up=False), "what is known here wins over what the caller says"
    assert not may_ask(limited, None, None, looked_up=False), "bare indicators say nothing of where they are from"
    assert not may_ask(limited, None, [], looked_up=False)
    assert may_ask(anywhere, None, None, looked_up=True)
