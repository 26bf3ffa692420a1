"""Serving: the approved model beside the rules, as an HTTP service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.answers.fallback import classify
    from serving.client import AsyncClient, Client
    from serving.current.served import Served
    from serving.guard.tokens import Tokens, create_token, revoke_token
    from serving.settings import Settings
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "AsyncClient": "serving.client",
            "Client": "serving.client",
            "Served": "serving.current.served",
            "Settings": "serving.settings",
            "Tokens": "serving.guard.tokens",
            "classify": "serving.answers.fallback",
            "create_token": "serving.guard.tokens",
            "revoke_token": "serving.guard.tokens",
        },
    )

__all__ = ["AsyncClient", "Client", "Served", "Settings", "Tokens", "classify", "create_token", "revoke_token"]
