"""An empty BentoML service that takes the same bodies: what the framework itself allows, as it is set by default."""

from __future__ import annotations

from typing import Any

import bentoml
from starlette.requests import Request
from starlette.responses import Response


class Body(bentoml.IODescriptor):
    """The request's bytes, not looked at."""

    raw: bytes = b""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Body:
        """Take the body as it is."""
        return cls(raw=await request.body())


class Nothing(bentoml.IODescriptor):
    """An empty answer."""


@bentoml.service(name="empty", workers=1)
class Empty:
    """Answers every body with an empty object."""

    @bentoml.api(input_spec=Body, output_spec=Nothing)
    async def classify(self, raw: bytes) -> Response:
        """Answer at once."""
        return Response(b"{}", media_type="application/json")
