"""Launch of the service as a process of its own: for the demo, the tests, and ``fenlei serve``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import ConfigError, FenleiError
from features.places import check_output
from serving.current.snapshot import load_policies
from serving.guard.tokens import Tokens
from serving.settings import Settings

START_SECONDS = 90.0
"""How long a start may take: importing MLflow and BentoML is most of it."""


class LaunchError(FenleiError):
    """The service did not start."""


@dataclass(frozen=True)
class Running:
    """A service that answers.

    Parameters
    ----------
    url
        Its address, without a slash at the end.
    log
        File with what it printed.
    """

    url: str
    log: Path

    def post(self, path: str, body: Any, token: str) -> tuple[int, Any]:
        """Send JSON and return status and JSON answer."""
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status), json.load(answer)
        except urllib.error.HTTPError as err:
            with err:
                return err.code, json.load(err)


def free_port() -> int:
    """Return a port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, home: Path) -> dict[str, str]:
    """Return the environment of the service process; ``home`` is BentoML's own folder, one for each service."""
    store = settings.store
    told = settings.model_copy(update={"tracking_uri": store.uri, "records": store.records, "signers": store.signers})
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("FENLEI_")},
        **told.as_env(),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(home),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # One thread a request: LightGBM's team of threads costs more than a few rows do, and calls run side by side.
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }


def command(port: int, host: str = "127.0.0.1") -> list[str]:
    """Return the command line of the service."""
    return [sys.executable, "-m", "bentoml", "serve", "serving.service:Fenlei", "--host", host, "--port", str(port)]


def check(settings: Settings) -> None:
    """Find what would stop the service before it is started.

    Raises
    ------
    FenleiError
        If the province's policies or the token file are wrong, or the audit record can't be written.
    """
    load_policies(settings.province)
    check_output(settings.audit)
    if settings.audit_heads is not None:
        check_output(settings.audit_heads)
    if settings.regions is not None and not settings.regions.is_file():
        raise ConfigError(f"{settings.regions}: no such file of regions")
    Tokens(settings.tokens).name_of("")


@contextmanager
def start(settings: Settings, port: int | None = None) -> Iterator[Running]:
    """Start the service, wait until it is ready, stop it at the end.

    Parameters
    ----------
    settings
        What the service is told.
    port
        Of 127.0.0.1; None takes a free one.

    Raises
    ------
    LaunchError
        If it ends or is not ready in time; the message ends with what it printed.
    """
    check(settings)
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="fenlei-service-", ignore_cleanup_errors=True) as home:
        log = Path(home) / "service.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command(port),
                env=environment(settings, Path(home)),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            running = Running(f"http://127.0.0.1:{port}", log)
            _wait(running, process)
            yield running
        finally:
            _stop(process)


def run_forever(settings: Settings, port: int, host: str = "127.0.0.1") -> int:
    """Run the service in the foreground until it is stopped; returns its exit code.

    Raises
    ------
    FenleiError
        If the province's policies or the token file are wrong.
    """
    check(settings)
    with tempfile.TemporaryDirectory(prefix="fenlei-service-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            command(port, host), env=environment(settings, Path(home)), cwd=home, start_new_session=True
        )
        before = signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            signal.signal(signal.SIGTERM, before)
            _stop(process)


def _wait(running: Running, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise LaunchError(f"the service ended with {process.returncode}:\n{_tail(running.log)}")
        try:
            with urllib.request.urlopen(running.url + "/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:  # not listening yet, or listening and not ready
            time.sleep(0.1)
    raise LaunchError(f"the service was not ready after {START_SECONDS:.0f} s:\n{_tail(running.log)}")


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its workers; whatever doesn't listen is killed."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
