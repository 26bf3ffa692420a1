"""Whether MLflow answers is asked before the work, takes seconds, and the answer names where it was looked for."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from fenlei.cli import main
from models.tracking import runs
from models.tracking.reach import StoreError, check_store
from models.tracking.store import Store


class Broken(BaseHTTPRequestHandler):
    """A server that answers everything with the same refusal."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_store_that_is_there_is_let_through_and_a_missing_one_is_not_made(empty_store: Path, tmp_path: Path) -> None:
    check_store(Store.in_folder(tmp_path / "none" / "yet"))
    assert not list(tmp_path.iterdir())
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    check_store(Store.in_folder(tmp_path))


def test_a_broken_database_is_named(empty_store: Path, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database, but long enough to look like one\n" * 100)
    with pytest.raises(StoreError, match=r"sqlite:///.*mlflow\.db can't be used: .*file is not a database"):
        check_store(Store.in_folder(tmp_path))
    whole = empty_store.read_bytes()
    (tmp_path / "mlflow.db").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match=r"mlflow\.db can't be used: "):
        check_store(Store.in_folder(tmp_path))


def test_a_folder_in_place_of_the_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        check_store(Store.in_folder(tmp_path))


def test_a_server_that_is_down_is_named_without_its_password(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(StoreError) as caught:
        check_store(Store.named(f"http://who:secret@127.0.0.1:{port}", tmp_path))
    assert f"MLflow at http://127.0.0.1:{port} can't be used: " in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_no_mlflow_is_named(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), Broken)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.raises(StoreError, match=r"MLflow at http://127\.0\.0\.1:\d+ can't be used: "):
            check_store(Store.named(f"http://127.0.0.1:{server.server_port}", tmp_path))
        # It is MLflow that is refused, with the name and password: the server itself was found.
        with pytest.raises(StoreError, match="404"):
            check_store(Store.named(f"http://who:secret@127.0.0.1:{server.server_port}", tmp_path))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_uri_of_no_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="MLflow at carrier://pigeon can't be used: "):
        check_store(Store.named("carrier://pigeon", tmp_path))


class Dying(BaseHTTPRequestHandler):
    """A server of MLflow's answers that it has learned by heart, which hangs up once they are used up."""

    left = 0
    answers: ClassVar[dict[str, object]] = {
        "experiments/get-by-name": {"experiment": {"experiment_id": "1", "name": "study"}},
        "runs/create": {"run": {"info": {"run_id": "r1", "experiment_id": "1", "status": "RUNNING"}, "data": {}}},
    }

    def do_GET(self) -> None:
        if type(self).left < 1:
            self.connection.close()
            return
        type(self).left -= 1
        path = self.path.partition("?")[0].partition("/mlflow/")[2]
        body = json.dumps(self.answers.get(path, {})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server that dies after `Dying.left` answers; MLflow then asks it once, not for minutes."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = HTTPServer(("127.0.0.1", 0), Dying)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_dies_midway_ends_a_verb_in_a_message_and_exit_2(
    dying: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Dying, "left", 2)  # whether it is there, and whether it is MLflow
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dying)
    monkeypatch.setattr("sys.argv", ["fenlei", "compare"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith(f"error: MLflow at {dying} can't be used: ")
    assert Dying.left == 0


def test_a_run_that_fails_after_its_server_died_fails_for_its_own_reason(
    dying: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Dying, "left", 2)  # the study's experiment, and its run

    def work() -> None:
        with runs.run(Store.named(dying, tmp_path), "study", "a run") as run_id:
            raise ZeroDivisionError(f"the reason of {run_id}")

    with pytest.raises(ZeroDivisionError, match="the reason of r1"):
        work()
