"""The audit record: a change anywhere shows, and nothing is lost between threads."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from serving.guard.audit import AuditError, AuditLog, verify


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for i in range(6):
        log.append({"token": "a", "enterprises": [f"E{i}"], "status": 200})
    log.close()
    return path


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def test_an_untouched_record_holds_and_is_continued_after_a_restart(written: Path) -> None:
    head = verify(written).head
    log = AuditLog(written)
    assert log.head == (6, head)
    log.append({"status": 200})
    log.close()
    found = verify(written, head=head)
    assert (found.ok, found.lines) == (True, 7)


def test_a_record_that_is_not_there_is_empty_and_holds(tmp_path: Path) -> None:
    assert verify(tmp_path / "none.jsonl") == verify(tmp_path / "none.jsonl")
    assert verify(tmp_path / "none.jsonl").lines == 0
    assert verify(tmp_path / "none.jsonl").ok


@pytest.mark.parametrize("line", range(6))
def test_an_edited_line_is_named(written: Path, line: int) -> None:
    lines = lines_of(written)
    lines[line] = lines[line].replace(f"E{line}", "E9")
    written.write_text("".join(lines), encoding="utf-8")
    found = verify(written)
    assert not found.ok
    assert f"line {line + 1} was changed" in str(found.problem)
    assert found.lines == line


@pytest.mark.parametrize("edit", ["remove", "repeat", "swap", "rehash"])
def test_lines_removed_put_in_or_moved_show(written: Path, edit: str) -> None:
    lines = lines_of(written)
    if edit == "remove":
        del lines[2]
    elif edit == "repeat":
        lines.insert(2, lines[2])
    elif edit == "swap":
        lines[2], lines[3] = lines[3], lines[2]
    else:  # an edit by one who also makes the line's own hash right
        from models.chain import digest

        entry = json.loads(lines[2]) | {"status": 500}
        lines[2] = json.dumps(entry | {"hash": digest(entry)}) + "\n"
    written.write_text("".join(lines), encoding="utf-8")
    assert not verify(written).ok


def test_a_cut_off_end_shows_against_a_hash_kept_elsewhere(written: Path) -> None:
    head = verify(written).head
    written.write_text("".join(lines_of(written)[:-2]), encoding="utf-8")
    assert verify(written).ok
    assert "is not in the record" in str(verify(written, head=head).problem)


def test_a_line_torn_by_a_stop_is_taken_off_and_that_is_said(written: Path) -> None:
    lines = lines_of(written)
    written.write_text("".join(lines[:-1]) + lines[-1][:40], encoding="utf-8")
    assert "line 6 is torn" in str(verify(written).problem)
    AuditLog(written).close()
    assert verify(written).ok
    assert json.loads(lines_of(written)[-1])["event"] == "torn line removed"


def test_a_record_whose_last_line_does_not_hold_is_not_continued(written: Path) -> None:
    written.write_text("".join(lines_of(written)[:-1]) + '{"number": 5}\n', encoding="utf-8")
    with pytest.raises(AuditError, match="last line does not hold"):
        AuditLog(written)


def test_two_services_cannot_write_one_record(written: Path) -> None:
    log = AuditLog(written)
    with pytest.raises(AuditError, match="in use"):
        AuditLog(written)
    log.close()


def test_threads_share_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    threads = [
        threading.Thread(target=lambda k=k: [log.append({"thread": k, "n": n}) for n in range(200)]) for k in range(8)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    log.close()
    found = verify(path)
    assert (found.ok, found.lines) == (True, 1600)


def test_a_line_longer_than_the_tail_that_is_read_first_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(3):
        log = AuditLog(path)
        log.append({"enterprises": ["E" * 100] * 5000})
        log.close()
    assert verify(path).lines == 3


WRITTEN_BEFORE = (
    '{"enterprises":["E0"],"hash":"53ff8877fc5d76345eb90f406d2e4636435d47ac18b3bf0d7d4824f802f46bda","num'
    'ber":0,"path":"/classify","previous":"00000000000000000000000000000000000000000000000000000000000000'
    '00","source":{"rules":1},"status":200,"time":"2026-01-01T00:00:00.000+00:00","token":"监管平台","version'
    's":{}}\n'
    '{"enterprises":["E1"],"hash":"7d7f965039e8c3826bd46ae1a9847998342522d9b7f80660146cdb7ebf4491f4","num'
    'ber":1,"path":"/classify","previous":"53ff8877fc5d76345eb90f406d2e4636435d47ac18b3bf0d7d4824f802f46b'
    'da","source":{"rules":1},"status":200,"time":"2026-01-02T00:00:00.000+00:00","token":"监管平台","version'
    's":{}}\n'
)
"""Two lines as the audit trail wrote them before it shared its chain with the record of approvals."""


def test_a_trail_written_before_the_chain_was_shared_still_holds_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text(WRITTEN_BEFORE, encoding="utf-8")
    assert (verify(path).ok, verify(path).lines) == (True, 2)
    log = AuditLog(path)
    head = log.append({"path": "/status"})
    log.close()
    assert (verify(path, head=head).ok, verify(path).lines) == (True, 3)
    path.write_text(WRITTEN_BEFORE.replace("E1", "E2"), encoding="utf-8")
    assert (verify(path).ok, verify(path).lines) == (False, 1)
