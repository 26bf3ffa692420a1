"""OpenAPI document of the service: what is asked and answered, made of the very types that read and write it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from models.scoring.classification import Classification
from serving.answers.requests import ClassifyRequest
from serving.errors import PROBLEM_JSON
from serving.guard.paths import LONGEST
from serving.published.asking import WhatIfRequest
from serving.published.told import Enterprise, WhatIfAnswer

PREFIX = "#/components/schemas/{model}"


class Wrong(BaseModel):
    """One thing that is wrong with a request: where, and what was expected."""

    model_config = ConfigDict(extra="forbid")

    where: str
    what: str


class ProblemDetails(BaseModel):
    """Why a call is not answered (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    errors: list[Wrong] = Field(default_factory=list)
    more_errors: int = Field(default=0, description="Problems that are not listed.")


class NoAnswer(BaseModel):
    """Why one item of several has no answer."""

    model_config = ConfigDict(extra="forbid")

    item: int
    status: int
    what: str


class Answered(BaseModel):
    """An item that was answered."""

    model_config = ConfigDict(extra="forbid")

    classification: Classification


class Unanswered(BaseModel):
    """An item that was not; the others are all the same."""

    model_config = ConfigDict(extra="forbid")

    error: NoAnswer


class Results(BaseModel):
    """A result for each item, in the order asked."""

    model_config = ConfigDict(extra="forbid")

    items: list[Answered | Unanswered]


_REFUSED = {
    "400": "The caller's connection or Idempotency-Key can't be used",
    "401": "No valid token",
    "403": "The token does not allow it: another act, or an enterprise of another region",
    "404": "There is no such enterprise",
    "405": "The path is asked otherwise",
    "408": "The body did not come in time",
    "409": "Several enterprises are registered under the code, or a call with this Idempotency-Key is in work",
    "413": "Too long, or too many items",
    "415": "The body is not JSON",
    "422": "The body does not fit; `errors` names fields",
    "429": "Too many calls at once, or of this token, or wrong tokens from this address",
    "500": "A fault of the service",
    "503": "The service can't answer just now",
    "504": "No answer in time",
}


_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[^/]+$"},
    "description": "The enterprise's id, or its unified social credit code.",
}
_LANGUAGE = {
    "name": "language",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["zh", "en"], "default": "zh"},
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    _, asked = models_json_schema([(ClassifyRequest, "validation"), (WhatIfRequest, "validation")], ref_template=PREFIX)
    _, answered = models_json_schema(
        [(one, "serialization") for one in (Classification, Results, Enterprise, WhatIfAnswer, ProblemDetails)],
        ref_template=PREFIX,
    )
    schemas = {**asked["$defs"], **answered["$defs"]}
    request, what_if = schemas.pop("ClassifyRequest"), schemas.pop("WhatIfRequest")
    problem = {PROBLEM_JSON: {"schema": _ref("ProblemDetails")}}
    refused = {status: {"description": what, "content": problem} for status, what in _REFUSED.items()}
    bearer = [{"bearer": list[str]()}]
    one_or_many = {"oneOf": [_ref("Classification"), _ref("Results")]}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        "description": "The same key and body get the same answer for a stated time; another body is refused.",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fenlei",
            "version": "1",
            "description": "Enterprise credit risk classification 企业信用风险分类",
        },
        "paths": {
            "/classify": {
                "post": {
                    "summary": "Classify one enterprise, or several in `items`",
                    "security": bearer,
                    "parameters": [key],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
                    "responses": {
                        "200": _json("One classification, or a result for each item", one_or_many),
                        **refused,
                    },
                }
            },
            "/what_if": {
                "post": {
                    "summary": "What would help one enterprise, or where it would stand after named acts",
                    "security": bearer,
                    "requestBody": {"required": True, "content": {"application/json": {"schema": what_if}}},
                    "responses": {
                        "200": _json("Acts, and score and class before and after", _ref("WhatIfAnswer")),
                        **refused,
                    },
                }
            },
            "/enterprises/{id}": {
                "get": {
                    "summary": "One enterprise: its class now, and every class that was published of it",
                    "security": bearer,
                    "parameters": [_ID],
                    "responses": {"200": _json("The enterprise", _ref("Enterprise")), **refused},
                }
            },
            "/enterprises/{id}/sheet": {
                "get": {
                    "summary": "The page of one enterprise: why it is in its class",
                    "security": bearer,
                    "parameters": [_ID, _LANGUAGE],
                    "responses": {
                        "200": {
                            "description": "One A4 page",
                            "content": {"text/html": {"schema": {"type": "string"}}},
                        },
                        **refused,
                    },
                }
            },
            "/status": {"post": _said("What answers now, and the head of the audit record", bearer, refused)},
            "/model": {"get": _said("The model that answers: version, hashes, who signed it when", bearer, refused)},
            "/metrics": {"get": _text("Figures for Prometheus", bearer, refused)},
            "/livez": {"get": _text("The process is there", [], {})},
            "/readyz": {"get": _text("Calls can be answered", [], {"503": refused["503"]})},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": PREFIX.format(model=name)}


def _json(what: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": schema}}}


def _said(what: str, security: list[Any], refused: dict[str, Any]) -> dict[str, Any]:
    return {"summary": what, "security": security, "responses": {"200": _json(what, {"type": "object"}), **refused}}


def _text(what: str, security: list[Any], refused: dict[str, Any]) -> dict[str, Any]:
    answer = {"description": what, "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {"summary": what, "security": security, "responses": {"200": answer, **refused}}
