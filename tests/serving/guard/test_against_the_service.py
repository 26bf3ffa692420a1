"""The real service of two workers before callers who may not, who guess, and who send what nobody should."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyarrow.parquet as pq
import pytest

from helpers.hostile import hostile_bodies
from serving.guard.audit import heads_in
from serving.guard.tokens import create_token, revoke_token, rotate_token
from serving.guard.verified import find, verify_all
from serving.launch import start
from serving.openapi import document

from ..conftest import World

pytestmark = pytest.mark.slow

WATCH = """
import os, sys

def _hook(event, args, log=os.open(os.environ["SOCKET_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"):
        os.write(log, f"{event} {args[0] if event == 'socket.getaddrinfo' else args[1]!r}\\n".encode())

os.write(os.open(os.environ["SOCKET_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT), f"pid {os.getpid()}\\n".encode())
sys.addaudithook(_hook)
"""
"""Run by every Python process of the service before anything else: writes down whom it connects to or looks up."""

HERE = re.compile(r"^\S+ (\('(127\.0\.0\.1|::1)',|b?'[/\0]|'(127\.0\.0\.1|0\.0\.0\.0|::1|localhost)'$|None$)")
"""Who is on this machine, as the watch writes it: addresses, names, paths of sockets."""


@dataclass(frozen=True)
class Guarded:
    """A service with its own tokens and audit trail, and what its processes connected to."""

    url: str
    world: World
    tokens: Path
    audit: Path
    heads: Path
    sockets: Path
    all_acts: str

    def ask(self, body: object, token: str | None = None, **headers: str) -> httpx.Response:
        told = {"Authorization": f"Bearer {token or self.all_acts}", **headers}
        return httpx.post(f"{self.url}/classify", json=body, headers=told, timeout=30)

    def audited(self, since: datetime) -> list[dict[str, object]]:
        return list(find(self.audit, since=since))


@pytest.fixture(scope="module")
def guarded(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("guarded")
    (home / "site").mkdir()
    (home / "site" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    settings = built.settings.model_copy(
        update={
            "tokens": home / "tokens.jsonl",
            "audit": home / "audit" / "audit.jsonl",
            "audit_heads": home / "elsewhere" / "heads.jsonl",
            "regions": built.folder / "checked" / "clean" / "registration.parquet",
            "workers": 2,
        }
    )
    token = create_token(settings.tokens, "platform")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOCKET_LOG", str(home / "sockets.log"))
        patch.setenv("PYTHONPATH", str(home / "site"), prepend=":")
        with start(settings) as service:
            yield Guarded(
                service.url,
                built,
                settings.tokens,
                settings.audit,
                home / "elsewhere" / "heads.jsonl",
                home / "sockets.log",
                token,
            )


@pytest.fixture
def begun() -> datetime:
    return datetime.now(UTC) - timedelta(milliseconds=1)


def region_of(world: World) -> dict[str, str]:
    rows = pq.read_table(world.folder / "checked" / "clean" / "registration.parquet").to_pylist()
    latest = sorted(rows, key=lambda row: (row["version"], row["known_at"], row["record_id"]))
    return {row["enterprise_id"]: row["region"] for row in latest}


def test_whoever_has_no_valid_token_is_refused_and_audited(guarded: Guarded, begun: datetime) -> None:
    question = {"enterprise_id": guarded.world.frame.index[0][0]}
    expired = create_token(guarded.tokens, "expired", days=1, now=datetime.now(UTC) - timedelta(days=2))
    revoked = create_token(guarded.tokens, "revoked")
    assert guarded.ask(question, revoked).status_code == 200
    revoke_token(guarded.tokens, "revoked")
    assert [guarded.ask(question, token).status_code for token in (expired, revoked, "fenlei_guess")] == [401] * 3
    missing = httpx.post(f"{guarded.url}/classify", json=question)
    query = httpx.post(f"{guarded.url}/classify?token={guarded.all_acts}", json=question)
    header = guarded.ask(question, **{"X-Api-Key": guarded.all_acts})
    assert [reply.status_code for reply in (missing, query, header)] == [401] * 3
    lines = guarded.audited(begun)
    assert [line["status"] for line in lines] == [200] + [401] * 6
    assert [line.get("why") for line in lines][1:] == [
        "no valid token",
        "no valid token",
        "no valid token",
        "no token",
        "a token in the query",
        "a token in another header",
    ]
    assert all(line["from"] == "127.0.0.1" for line in lines[1:])
    assert guarded.all_acts not in guarded.audit.parent.joinpath("audit.jsonl").read_text(encoding="utf-8")


def test_a_token_does_what_its_acts_say_and_a_rotated_one_goes_on(guarded: Guarded, begun: datetime) -> None:
    question = {"enterprise_id": guarded.world.frame.index[0][0]}
    old = create_token(guarded.tokens, "asks only", acts=["classify"])
    new = rotate_token(guarded.tokens, "asks only", overlap=timedelta(days=1))
    assert [guarded.ask(question, token).status_code for token in (old, new)] == [200, 200]
    status = httpx.post(f"{guarded.url}/status", headers={"Authorization": f"Bearer {new}"})
    assert (status.status_code, status.json()["detail"]) == (403, "this token may not operate; it may classify")
    (refused,) = [line for line in guarded.audited(begun) if line["status"] == 403]
    assert (refused["token"], refused["why"]) == ("asks only", "no act operate")


def test_an_enterprise_of_another_region_is_refused_as_one_that_is_not_there(guarded: Guarded, begun: datetime) -> None:
    places = region_of(guarded.world)
    ids = [e for e in guarded.world.frame.index.get_level_values("enterprise_id") if places.get(e)]
    own = ids[0]
    prefix = places[own][:4]
    other = next(e for e in ids if not places[e].startswith(prefix))
    token = create_token(guarded.tokens, "one prefecture", regions=[prefix])
    bare = {"cutoff": "2026-01-01", "indicators": {"penalties_3y": 0}}
    items = [{"enterprise_id": e} for e in (own, other, "nobody")] + [{"enterprise_id": "nobody", **bare}]
    reply = guarded.ask({"items": items}, token)
    assert reply.status_code == 200
    answers = reply.json()["items"]
    assert answers[0]["classification"]["enterprise_id"] == own
    errors = [answer["error"] for answer in answers[1:]]
    assert [(e["item"], e["status"]) for e in errors] == [(1, 403), (2, 403), (3, 403)]
    assert len({e["what"] for e in errors}) == 1
    single = guarded.ask({"enterprise_id": other}, token)
    assert (single.status_code, single.json()["detail"]) == (403, errors[0]["what"])
    assert [line.get("refused") for line in guarded.audited(begun)] == [[other, "nobody", "nobody"], [other]]
    assert guarded.ask({"enterprise_id": other}).status_code == 200


def test_a_token_that_asks_too_often_is_told_so(guarded: Guarded) -> None:
    token = create_token(guarded.tokens, "hasty", rate=0.001, burst=4)
    statuses = [guarded.ask({"enterprise_id": "nobody"}, token).status_code for _ in range(8)]
    assert set(statuses) == {404, 429}
    assert statuses.count(404) <= 4


def test_guesses_are_slowed_and_the_right_token_is_not(guarded: Guarded) -> None:
    with httpx.Client(base_url=guarded.url) as client:  # one connection, so one worker
        times = []
        for i in range(12):
            begin = time.monotonic()
            assert client.get("/model", headers={"Authorization": f"Bearer fenlei_{i}"}).status_code == 401
            times.append(time.monotonic() - begin)
        begin = time.monotonic()
        assert client.get("/model", headers={"Authorization": f"Bearer {guarded.all_acts}"}).status_code == 200
        right = time.monotonic() - begin
    assert max(times) >= 2.0
    assert right < 1.5


def test_the_service_speaks_to_nobody(guarded: Guarded) -> None:
    for body in ({"enterprise_id": guarded.world.frame.index[0][0]}, {"enterprise_id": "nobody"}):
        guarded.ask(body)
    lines = guarded.sockets.read_text(encoding="utf-8").splitlines()
    pids = {line.split()[1] for line in lines if line.startswith("pid ")}
    assert len(pids) >= 3, "a supervisor and two workers were watched"
    spoken = [line for line in lines if not line.startswith("pid ")]
    assert [line for line in spoken if not HERE.search(line)] == []
    assert remotes(pids) <= {"0100007F", "00000000", "0" * 32, "0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F"}


def test_the_watch_sees_who_speaks_to_others(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    # Connecting a datagram socket sends nothing; 192.0.2.1 is nobody (RFC 5737).
    code = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9)); s.close()"
    log = tmp_path / "log"
    told = {**os.environ, "PYTHONPATH": str(tmp_path), "SOCKET_LOG": str(log)}
    subprocess.run([sys.executable, "-c", code], env=told, check=False, timeout=60)
    seen = [line for line in log.read_text(encoding="utf-8").splitlines() if not line.startswith("pid ")]
    assert seen == ["socket.connect ('192.0.2.1', 9)"]
    assert HERE.search(seen[0]) is None
    assert HERE.search("socket.getaddrinfo 'example.org'") is None
    assert all(HERE.search(line) for line in ("socket.connect ('127.0.0.1', 9)", "socket.getaddrinfo 'localhost'"))


def remotes(pids: set[str]) -> set[str]:
    """Return the far ends of the TCP sockets that processes hold, as the kernel writes them."""
    inodes = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").glob("*") if Path(f"/proc/{pid}").exists() else ():
            try:
                target = str(fd.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[2].partition(":")[0] for row in rows if row[9] in inodes}


def hostile(guarded: Guarded, n: int) -> None:
    """Send n hostile bodies and some that lie, while another caller asks steadily; everybody gets a declared answer."""
    declared = {int(status) for status in document()["paths"]["/classify"]["post"]["responses"]}
    good, slowest, stop = {"enterprise_id": guarded.world.frame.index[0][0]}, [0.0], threading.Event()
    failed: list[int] = []
    seen: Counter[int] = Counter()

    def steady() -> None:
        with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {guarded.all_acts}"}) as client:
            while not stop.is_set():
                begin = time.monotonic()
                status = client.post("/classify", json=good, timeout=30).status_code
                slowest[0] = max(slowest[0], time.monotonic() - begin)
                if status != 200:
                    failed.append(status)
                time.sleep(0.02)

    caller = threading.Thread(target=steady)
    caller.start()
    try:
        slow = [dribble(guarded) for _ in range(8)]
        headers = {"Authorization": f"Bearer {guarded.all_acts}", "Content-Type": "application/json"}
        with httpx.Client(base_url=guarded.url, headers=headers, timeout=30) as client:
            for body in hostile_bodies(n):
                reply = client.post("/classify", content=body)
                seen[reply.status_code] += 1
                assert reply.status_code in declared, (reply.status_code, body[:200])
                assert reply.status_code < 500, (reply.status_code, body[:200])
                assert reply.status_code == 200 or reply.json()["status"] == reply.status_code
            assert client.post("/classify", content=b" " * (33 * 2**20)).status_code == 413
            wide = b'{"items":[' + b"{}," * (10 * 2**20) + b"{}]}"
            assert client.post("/classify", content=wide).status_code == 413
        for told, sent in ((100, b"{}"), (1, json.dumps(good).encode()), (-5, b"{}"), (10**30, b"{}")):
            assert lie(guarded, told, sent) not in range(500, 600)
        for one in slow:
            one.close()
    finally:
        stop.set()
        caller.join()
    assert seen[422] > n // 2
    assert failed == []
    assert slowest[0] < 5.0
    assert all(one.ok for one in verify_all(guarded.audit, heads=heads_in(guarded.heads)))


def head(guarded: Guarded, length: int) -> bytes:
    lines = (
        "POST /classify HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {guarded.all_acts}",
        f"Content-Length: {length}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connected(guarded: Guarded) -> socket.socket:
    where = urlsplit(guarded.url)
    return socket.create_connection((where.hostname or "", where.port or 0), timeout=15)


def dribble(guarded: Guarded) -> socket.socket:
    """Begin a body and leave it there."""
    line = connected(guarded)
    line.sendall(head(guarded, 1000) + b'{"items": [')
    return line


def lie(guarded: Guarded, told: int, sent: bytes) -> int:
    """Say another length than is sent; returns the status of the first answer, 0 where the connection was closed."""
    with connected(guarded) as line:
        line.sendall(head(guarded, told) + sent)
        line.shutdown(socket.SHUT_WR)
        try:
            answer = line.recv(4096)
        except ConnectionResetError:
            return 0
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_hundreds_of_hostile_bodies_get_declared_answers_and_hold_up_nobody(guarded: Guarded) -> None:
    hostile(guarded, 450)


@pytest.mark.long
def test_ten_thousand_hostile_bodies_get_declared_answers_and_hold_up_nobody(guarded: Guarded) -> None:
    hostile(guarded, 10_000)


def test_every_call_of_both_workers_stands_in_a_chain_that_holds(guarded: Guarded, begun: datetime) -> None:
    enterprise = str(guarded.world.frame.index[1][0])
    for _ in range(20):
        assert guarded.ask({"enterprise_id": enterprise}).status_code == 200
    lines = [line for line in guarded.audited(begun) if line.get("enterprises") == [enterprise]]
    assert len(lines) == 20
    assert all(len(str(line["answer"])) == 64 for line in lines)
    found = verify_all(guarded.audit, heads=heads_in(guarded.heads))
    assert [one.path.name for one in found] == ["audit.jsonl", "audit-2.jsonl"]
    assert all(one.ok and one.lines > 0 for one in found)
