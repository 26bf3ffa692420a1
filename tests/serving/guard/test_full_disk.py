"""The real service whose audit record has no room left: it refuses rather than answer unlogged."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from serving.guard.audit import AuditLog, verify
from serving.guard.tokens import create_token
from serving.guard.verified import find
from serving.launch import start

from ..conftest import World

pytestmark = pytest.mark.slow

MOST = 400_000
LIMIT = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({MOST}, {MOST}))"
"""No file of the service may grow beyond this; Python lets a write beyond it fail as a full disk does."""


def test_a_service_that_cannot_write_its_record_answers_nobody(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = tmp_path / "audit.jsonl"
    log = AuditLog(audit)
    while audit.stat().st_size < MOST - 8_000:
        log.append({"event": "filled for the test", "with": "x" * 500})
    log.close()
    (tmp_path / "sitecustomize.py").write_text(LIMIT, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    settings = world.settings.model_copy(update={"audit": audit, "tokens": tmp_path / "tokens.jsonl"})
    token = create_token(settings.tokens, "platform")
    question = {"enterprise_id": world.frame.index[0][0]}
    with (
        start(settings) as service,
        httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client,
    ):
        replies = [client.post("/classify", json=question) for _ in range(40)]
        assert httpx.get(f"{service.url}/livez").status_code == 200
    statuses = [reply.status_code for reply in replies]
    answered = statuses.count(200)
    assert 0 < answered < 40
    assert statuses == [200] * answered + [503] * (40 - answered)
    assert all("score" not in reply.json() for reply in replies[answered:])
    assert replies[-1].json()["detail"] == "the call can't be written down, so it is not answered"
    assert verify(audit).ok
    assert [line["status"] for line in find(audit, token="platform")] == [200] * answered
