"""The servers that ours is measured beside, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from models.tracking.store import Store
from models.tracking.versions import bundle
from serving.launch import LaunchError, free_port

START_SECONDS = 180.0


@contextmanager
def empty_endpoint(home: Path) -> Iterator[int]:
    """Run an empty BentoML endpoint; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", "fenlei.bench.serve.empty:Empty"]
    with _running(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        {"BENTOML_HOME": str(home / "bento")},
        home,
        port,
        "/livez",
    ):
        yield port


@contextmanager
def mlflow_server(store: Store, version: str, home: Path) -> Iterator[int]:
    """Run ``mlflow models serve`` of a registered version, with one worker as ours; gives its port."""
    port = free_port()
    model = bundle(store, version).resolve().parents[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local"]
    with _running(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
        {"MLFLOW_TRACKING_URI": store.uri},
        home,
        port,
        "/ping",
    ):
        yield port


@contextmanager
def _running(command: Sequence[str], more: dict[str, str], home: Path, port: int, ready: str) -> Iterator[None]:
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **more,
    }
    env["PATH"] = str(Path(sys.executable).parent) + os.pathsep + env.get("PATH", "")
    log = home / f"{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=env, cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process, log)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise LaunchError(f"{url} did not answer:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
