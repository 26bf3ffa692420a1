"""Faults of the service while clients call steadily, each provoked for real: nothing wrong, nothing unlogged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from features.errors import ConfigError
from features.table.month import read_table
from fenlei.verbs.demo import END
from models.scoring.classification import Classification
from models.signoff import approval, export
from models.signoff.record.demo_people import people
from models.tracking.store import Store
from serving.answers.answer import Result, answer, by_rules_instead
from serving.answers.requests import Item
from serving.current.snapshot import State
from serving.guard.audit import verify
from serving.guard.tokens import create_token
from serving.launch import start
from serving.settings import Settings

Say = Callable[[str], None]
CLIENTS, ASKED = 4, 60
PATIENCE = 60.0
"""Seconds to wait for what must come after a fault."""
PATH = "/classify"


@dataclass
class Seen:
    """What clients saw during one fault.

    Parameters
    ----------
    answered
        By who answered.
    wrong
        Answers that are neither the signed model's nor, with a cause, the rules'.
    refused
        Calls that got another status, by status.
    lost
        Calls whose connection broke while they were in work.
    unreached
        Tries that nobody took, while the process was starting again.
    """

    answered: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    unreached: int = 0


@dataclass(frozen=True)
class Fault:
    """A fault, what clients saw, and whether all held."""

    what: str
    seen: Seen
    unlogged: int
    said: str
    held: bool


Expected = Mapping[str, tuple[tuple[float, str], tuple[float, str]]]
"""By enterprise: score and class by the model, and by the rules."""


class Clients:
    """Threads that ask by id, one call after the other, for as long as they are let."""

    def __init__(self, url: str, token: str, expected: Expected) -> None:
        self._url, self._token, self._expected = url, token, expected
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.seen, self.ids = Seen(), Counter[str]()
        self._threads = [threading.Thread(target=self._ask, args=(k,), daemon=True) for k in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def during(self) -> Seen:
        """Return what was seen since the last look, and begin anew."""
        with self._lock:
            before, self.seen = self.seen, Seen()
        return before

    def _ask(self, number: int) -> None:
        ids = list(self._expected)[number::CLIENTS]
        with httpx.Client(base_url=self._url, headers={"Authorization": f"Bearer {self._token}"}, timeout=30) as client:
            turn = 0
            while not self._stop.is_set():
                who, turn = ids[turn % len(ids)], turn + 1
                try:
                    reply = client.post(PATH, json={"enterprise_id": who, "reasons": False})
                except httpx.ConnectError:
                    with self._lock:
                        self.seen.unreached += 1
                    time.sleep(0.05)
                    continue
                except httpx.TransportError:
                    with self._lock:
                        self.seen.lost += 1
                    continue
                with self._lock:
                    self._judge(who, reply)

    def _judge(self, who: str, reply: httpx.Response) -> None:
        if reply.status_code != 200:
            self.seen.refused[reply.status_code] += 1
            return
        said = Classification.model_validate_json(reply.content)
        self.ids[who] += 1
        self.seen.answered[said.source] += 1
        by_model, by_rules = self._expected[who]
        wanted = by_model if said.source == "model" else by_rules
        good = (said.score, said.grade) == wanted and (said.source == "model" or said.fallback_code is not None)
        self.seen.wrong += not good


def serve_faults(store: Store, table: Path, version: str, home: Path, swaps: int, say: Say) -> list[Fault]:
    """Start the service, let clients ask, provoke one fault after the other, and return what came of each.

    Parameters
    ----------
    store, table, version
        Of a demo (`fenlei.verbs.demo.signed`) that may be destroyed: its approved version and month.
    home
        Folder for tokens, audit record and a copy of the table.
    swaps
        Withdrawals and new approvals, one after the other.

    Raises
    ------
    ConfigError
        If no model answers there.
    """
    current = Path(shutil.copy(table, home / "current.parquet"))
    settings = Settings(
        province="hebei", tracking_uri=store.uri, records=store.records, signers=store.signers, table=current,
        tokens=home / "tokens.jsonl", audit=home / "audit.jsonl", reload_seconds=0.2, recheck_seconds=0.5,
    )  # fmt: skip
    token = create_token(settings.tokens, "bench")
    expected = _expected(settings, table)
    found: list[Fault] = []
    logged: Counter[str] = Counter()
    booster = export.folder_of(store, version) / "booster.txt"
    whole = booster.read_bytes()
    month = current.read_bytes()

    def by(source: str) -> Callable[[Seen], bool]:
        return lambda seen: seen.answered[source] > 0

    def replaced(data: bytes) -> Callable[[], None]:
        def work() -> None:
            fresh = home / "fresh.parquet"
            fresh.write_bytes(data)
            fresh.replace(current)

        return work

    with start(settings) as service, Clients(service.url, token, expected) as clients:

        def tried(what: str, work: Callable[[], object], holds: Callable[[Seen], bool], most_lost: int = 0) -> None:
            say(what)
            time.sleep(1)
            clients.during()
            said = work()
            until = time.monotonic() + PATIENCE
            while not holds(clients.seen) and time.monotonic() < until:
                time.sleep(0.1)
            time.sleep(3)
            seen = clients.during()
            found.append(_fault(what, seen, holds(seen) and seen.lost <= most_lost, said))

        tried("nothing: steady calls", lambda: None, by("model"))
        tried("kill -9 of the worker", lambda: _kill(service.url), by("model"), CLIENTS)
        for k in range(swaps):
            tried(f"withdrawal {k + 1} of {swaps}", lambda: _withdraw(store, version), by("rules"))
            tried(f"new approval {k + 1} of {swaps}", lambda: _approve(store, version), by("model"))
        tried("model file corrupted", lambda: booster.write_bytes(whole.replace(b"=", b"=9", 9)), by("rules"))
        tried("model file mended", lambda: booster.write_bytes(whole), by("model"))
        tried("month's file truncated", lambda: current.write_bytes(month[: len(month) // 2]), by("model"))
        tried("month's file replaced", replaced(month), by("model"))
        tried("MLflow's store deleted", lambda: _lose(store), by("model"))
        tried("kill -9 of the worker, MLflow gone", lambda: _kill(service.url), by("model"), CLIENTS)
    _logged(settings.audit, logged)
    missing = clients.ids - logged
    held = verify(settings.audit)
    said = f"{sum(clients.ids.values()):,} answered, {sum(logged.values()):,} logged; chain " + (
        "holds" if held.ok else f"broken: {held.problem}"
    )
    found.append(Fault("audit record of all", Seen(), sum(missing.values()), said, not missing and held.ok))
    return found


def _fault(what: str, seen: Seen, held: bool, said: object) -> Fault:
    answered = ", ".join(f"{count:,} by {source}" for source, count in sorted(seen.answered.items())) or "none"
    more = [f"{count} got {status}" for status, count in sorted(seen.refused.items())]
    more += [said] if isinstance(said, str) else []
    more += [f"{seen.unreached} tries before it was back"] if seen.unreached else []
    return Fault(what, seen, 0, "; ".join([answered, *more]), held and not seen.wrong)


def _expected(settings: Settings, table: Path) -> Expected:
    snapshot = State(settings).snapshot
    if snapshot.served.model is None:
        raise ConfigError(f"no model answers there: {snapshot.served.why}")
    ids = [str(one) for one in read_table(table)[0].index.get_level_values("enterprise_id")[:ASKED]]
    items = [Item(enterprise_id=one) for one in ids]
    model, rules = answer(items, snapshot, top=0), by_rules_instead(items, snapshot, 0, False)
    return dict(zip(ids, zip(_said(model), _said(rules), strict=True), strict=True))


def _said(results: Sequence[Result]) -> list[tuple[float, str]]:
    return [(one.score, one.grade) for one in results if isinstance(one, Classification)]


def _logged(path: Path, into: Counter[str]) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        said: dict[str, Any] = json.loads(line)
        if said.get("path") == PATH and said.get("status") == 200:
            into.update(said["enterprises"])


def _withdraw(store: Store, version: str) -> None:
    _, _, second = people(_signing(store), END)
    approval.reject(store, version, "a fault is tried", key=second, on=END.isoformat())


def _approve(store: Store, version: str) -> None:
    _, first, second = people(_signing(store), END)
    on = END.isoformat()
    approval.propose(store, version, "a fault was tried", key=first, on=on, accept_unknown="a trial")
    approval.approve(store, version, "a fault was tried", key=second, on=on)


def _signing(store: Store) -> Path:
    assert store.signers is not None  # a demo's
    return store.signers.parent


def _lose(store: Store) -> None:
    assert store.database is not None
    assert store.artifacts is not None
    store.database.unlink()
    shutil.rmtree(store.artifacts)


def _kill(url: str) -> str:
    """Kill the process below the service's supervisor, as the kernel would for lack of memory; says when it is back."""
    port = url.rpartition(":")[2]
    parents, lines = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                lines[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue  # it has ended
    top = [pid for pid, line in lines.items() if "serving.service:Fenlei" in line and f"--port\0{port}" in line]
    below = [pid for pid in lines if parents.get(pid) in top and "worker" in lines[pid]]
    for pid in below or top:
        os.kill(pid, signal.SIGKILL)
    begun = time.monotonic()
    while time.monotonic() < begun + PATIENCE:
        time.sleep(0.2)
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200:
                return f"back after {time.monotonic() - begun:.0f} s"
    return "not back"
