"""The audit trail over several files and workers: nothing in it changes unseen, and nothing is answered without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.errors import FenleiError
from serving.guard.audit import AuditError, AuditLog, heads_in, note
from serving.guard.parts import asked_to_rotate, files_of, part_name
from serving.guard.verified import find, verify, verify_all


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """A trail of three files of four lines and more, its heads kept in another folder."""
    path = tmp_path / "here" / "audit.jsonl"
    log = AuditLog(path, flush=0, heads=tmp_path / "there" / "heads.jsonl")
    for part in range(3):
        for i in range(4):
            log.append({"token": "a", "enterprises": [f"E{part}{i}"], "status": 200})
        if part < 2:
            log.rotate()
    log.close()
    return path


def heads_of(path: Path) -> list[dict[str, object]]:
    return list(heads_in(path.parent.parent / "there" / "heads.jsonl"))


def test_a_file_put_aside_is_gone_on_from_with_its_last_hash(turned: Path) -> None:
    first, second, last = files_of(turned)
    assert [f.name for f in (first, second, last)] == [
        "audit.000000000000.jsonl",
        "audit.000000000004.jsonl",
        "audit.jsonl",
    ]
    ends = json.loads(first.read_text(encoding="utf-8").splitlines()[-1])
    begins = json.loads(second.read_text(encoding="utf-8").splitlines()[0])
    assert (begins["previous"], begins["number"]) == (ends["hash"], 4)
    found = verify_all(turned, heads=heads_of(turned))
    assert [(one.ok, one.lines) for one in found] == [(True, 14)]
    again = AuditLog(turned)
    assert again.head == (14, found[0].head)
    again.close()


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("edit", ["edit", "delete", "swap", "cut", "lose"])
def test_any_change_in_any_file_shows_against_the_heads_kept_elsewhere(turned: Path, which: int, edit: str) -> None:
    file = files_of(turned)[which]
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if edit == "edit":
        lines[-1] = lines[-1].replace('"status":200', '"status":403')
    elif edit == "delete":
        del lines[1]
    elif edit == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif edit == "cut":
        del lines[-1]
    if edit == "lose":
        file.unlink()
    else:
        file.write_text("".join(lines), encoding="utf-8")
    assert not all(one.ok for one in verify_all(turned, heads=heads_of(turned)))


def test_a_whole_chain_that_is_gone_shows_against_its_head(turned: Path) -> None:
    heads = heads_of(turned)
    for file in files_of(turned):
        file.unlink()
    (found,) = verify_all(turned, heads=heads)
    assert "is not in the record" in str(found.problem)


def test_a_stop_between_the_two_names_of_a_file_loses_nothing(turned: Path) -> None:
    lines, head = verify(turned).lines, verify(turned).head
    begun = json.loads(turned.read_text(encoding="utf-8").splitlines()[0])["number"]
    os.link(turned, part_name(turned, begun))
    log = AuditLog(turned)
    assert log.head == (lines, head)
    log.append({"status": 200})
    log.close()
    assert (verify(turned).ok, verify(turned).lines) == (True, lines + 1)


def test_a_file_is_put_aside_by_its_size_and_when_somebody_asks_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, flush=0.05, most_bytes=4096)
    log.watch()
    for i in range(60):
        log.append({"enterprises": [f"E{i}"], "status": 200})
    by_size = len(files_of(path))
    assert by_size > 2
    asked_to_rotate(path).touch()
    until = time.monotonic() + 10
    while asked_to_rotate(path).exists() and time.monotonic() < until:
        log.append({"status": 200})
        time.sleep(0.01)
    log.close()
    assert len(files_of(path)) > by_size
    assert verify(path).ok
    assert len(find(path, enterprise="E7")) == 1


def test_threads_lose_no_line_while_files_are_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    threads = [
        threading.Thread(target=lambda k=k: [log.append({"enterprises": [f"{k}-{n}"]}) for n in range(100)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(5):
        log.rotate()
    for thread in threads:
        thread.join()
    log.close()
    assert verify(path).ok
    asked = [line["enterprises"][0] for line in find(path) if "enterprises" in line]
    assert sorted(asked) == sorted(f"{k}-{n}" for k in range(4) for n in range(100))


def test_each_worker_has_a_chain_of_its_own_and_one_started_anew_goes_on_in_a_free_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    first, second = AuditLog.of_worker(path, 2), AuditLog.of_worker(path, 2)
    assert [log.path.name for log in (first, second)] == ["audit.jsonl", "audit-2.jsonl"]
    with pytest.raises(AuditError, match="in use"):
        AuditLog.of_worker(path, 2)
    second.append({"enterprises": ["E2"]})
    first.append({"enterprises": ["E1"]})
    first.close()
    anew = AuditLog.of_worker(path, 2)
    assert anew.head[0] == 1
    anew.close()
    second.close()
    note(path, "token revoked", token="bureau")
    found = verify_all(path)
    assert [(one.path.name, one.ok, one.lines) for one in found] == [
        ("audit.jsonl", True, 1),
        ("audit-2.jsonl", True, 1),
        ("audit-admin.jsonl", True, 1),
    ]
    # By time; of one millisecond in any order.
    assert sorted(line["chain"] for line in find(path)) == ["audit-2.jsonl", "audit-admin.jsonl", "audit.jsonl"]


def test_lines_are_found_by_enterprise_token_and_time(tmp_path: Path) -> None:
    path, start = tmp_path / "audit.jsonl", datetime(2026, 1, 2, tzinfo=UTC)
    log = AuditLog(path)
    for i in range(6):
        log.append({"token": "ab"[i % 2], "enterprises": [f"E{i % 3}"]}, now=start + timedelta(hours=i))
    log.close()
    assert [line["number"] for line in find(path, enterprise="E1")] == [1, 4]
    assert [line["number"] for line in find(path, token="a")] == [0, 2, 4]
    between = find(path, since=start + timedelta(hours=2), until=start + timedelta(hours=4))
    assert [line["number"] for line in between] == [2, 3]
    with pytest.raises(FenleiError, match="time zone"):
        find(path, since=datetime(2026, 1, 2))  # the fault that is looked for


def test_a_head_that_cannot_be_kept_leaves_the_file_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, heads=tmp_path / "there" / "heads.jsonl")
    log.append({"status": 200})
    (tmp_path / "there" / "heads.jsonl").unlink()
    (tmp_path / "there" / "heads.jsonl").mkdir()
    with pytest.raises(AuditError, match="can't be kept there"):
        log.rotate()
    log.append({"status": 200})
    log.close()
    assert files_of(path) == [path]
    assert (verify(path).ok, verify(path).lines) == (True, 2)


FULL = """
import resource, signal, sys
from pathlib import Path
from serving.guard.audit import AuditError, AuditLog

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
log, written = AuditLog(Path(sys.argv[1])), 0
try:
    for _ in range(100):
        log.append({"enterprises": ["E1"], "status": 200})
        written += 1
except AuditError:
    print(written)
"""


def test_a_full_disk_ends_the_record_at_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    written = int(done.stdout)
    assert 0 < written < 100
    assert (verify(path).ok, verify(path).lines) == (True, written)
    AuditLog(path).append({"status": 200})
