"""The BentoML service: ``bentoml serve serving.service:Fenlei``, or ``fenlei serve``.

Settings come from environment variables ``FENLEI_*``, see `serving.settings.Settings`. Each worker writes a chain of
the audit record alone. Endpoints: ``POST /classify``, ``POST /what_if``, ``GET /enterprises/{id}`` and its ``/sheet``,
``POST /status``, ``GET /model``, ``GET /metrics``; liveness ``/livez`` and readiness ``/readyz``. BentoML's own log of
calls, tracing, figures and queue are switched off: the guard has its own, which know what was asked.
"""

from __future__ import annotations

import gc
import json
import os
from typing import TYPE_CHECKING, Any

# Read when BentoML and MLflow are imported.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import bentoml
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from models.scoring.classification import Classification
from serving.answers.requests import ClassifyRequest
from serving.guard.call import CALL, Call
from serving.guard.middleware import Guard, Keep
from serving.openapi import document
from serving.settings import Settings

if TYPE_CHECKING:
    from serving.runtime import Runtime


class ClassifyBody(bentoml.IODescriptor):
    """The request's bytes as they came: `serving.answers.requests.parse` reads them, so that errors name item and
    field."""

    raw: bytes = b""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> ClassifyBody:
        """Take the body as it is."""
        return cls(raw=await request.body())

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Document the request as it is meant."""
        return ClassifyRequest.model_json_schema(*args, **kwargs)


class StatusBody(bentoml.IODescriptor):
    """Nothing is asked; a body is ignored."""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> StatusBody:
        """Ignore the body."""
        return cls()


class Lost(bentoml.IODescriptor):
    """Why one item of several has no answer."""

    item: int
    status: int
    what: str


class Result(bentoml.IODescriptor):
    """One item's result."""

    classification: Classification | None = None
    error: Lost | None = None


class ClassifyAnswer(bentoml.IODescriptor):
    """One item: a Classification by itself. Several: `items`, a result for each in the same order."""

    items: list[Result] = Field(default_factory=list)


def _runtime() -> Runtime:
    # BentoML imports this module in its supervisor too, which needs neither MLflow nor a model.
    from serving.runtime import runtime

    return runtime()


def _keep() -> Keep:
    """What the guard of this process is given."""
    held = _runtime()

    async def status(body: bytes, call: Call) -> tuple[int, bytes]:
        return 200, json.dumps(held.status(), ensure_ascii=False).encode()

    async def model(body: bytes, call: Call) -> tuple[int, bytes]:
        return 200, json.dumps(held.model(), ensure_ascii=False).encode()

    async def described(body: bytes, call: Call) -> tuple[int, bytes]:
        return 200, json.dumps(document(), ensure_ascii=False).encode()

    return Keep(
        held.tokens,
        lambda: held.audit,
        held.settings.max_bytes,
        ways={
            "/classify": held.classify,
            "/status": status,
            "/model": model,
            "/docs.json": described,
            **held.enterprises.ways(),
        },
        timeout=held.settings.timeout,
        concurrency=held.settings.concurrency,
        again=held.again,
        metrics=held.metrics,
        figures=held.figures,
        not_ready=held.not_ready,
        access=held.access,
        workers=held.settings.workers,
    )


_SETTINGS = Settings.from_env()


def _guarded(service: Any) -> Any:
    """Put the guard before a BentoML service."""
    service.add_asgi_middleware(Guard, keep=_keep)
    return service


@_guarded
@bentoml.service(
    name="fenlei",
    workers=_SETTINGS.workers,
    # A backstop: the guard's own deadline comes first.
    traffic={"timeout": _SETTINGS.timeout + 5.0},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": [".*"]},
)
class Fenlei:
    """Enterprise credit risk classification 企业信用风险分类."""

    def __init__(self) -> None:
        self._runtime = _runtime()
        self._runtime.audit.append({"event": "worker started"})
        self._runtime.audit.watch()
        _ = self._runtime.regions
        self._runtime.state.start()
        _ = self._runtime.shadow
        # What is here now stays: the collector needn't walk the libraries' objects at every request.
        gc.collect()
        gc.freeze()

    @bentoml.api(input_spec=ClassifyBody, output_spec=ClassifyAnswer)
    async def classify(self, raw: bytes) -> Response:
        """Classify one enterprise, or several in `items`: score, class, source, reasons, direct determinations."""
        status, body = await self._runtime.classify(raw, CALL.get())
        return Response(body, status_code=status, media_type="application/json")

    @bentoml.api(input_spec=StatusBody)
    async def status(self) -> dict[str, Any]:
        """Say what answers now: model or rules, versions, month of the indicator table, head of the audit record."""
        return self._runtime.status()

    @bentoml.on_shutdown
    def close(self) -> None:
        """Let go of the files."""
        self._runtime.close()
