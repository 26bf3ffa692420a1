"""What one service process holds: settings, tokens, audit record and what is being served."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache

from features.catalogue import CATALOGUE, catalogue_hash
from models.classify import load_rules
from serving.access import Tokens
from serving.answer import Lost, answer
from serving.audit import AuditLog
from serving.errors import RequestError
from serving.middleware import Call
from serving.requests import parse
from serving.settings import Settings
from serving.state import State


class Runtime:
    """One service process; opens its files when they are first needed.

    BentoML imports the service in its supervisor too, which must not take hold of the audit record.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens = Tokens(settings.tokens)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit record, held by this process alone."""
        return AuditLog(self.settings.audit)

    @cached_property
    def state(self) -> State:
        """What is being served."""
        return State(self.settings)

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        """Where answers are computed, so that the event loop stays free; DuckDB and LightGBM let go of the GIL."""
        return ThreadPoolExecutor(max_workers=2, thread_name_prefix="fenlei-answer")

    def classify(self, raw: bytes, call: Call) -> tuple[int, bytes]:
        """Answer the body of ``POST /classify``; returns HTTP status and body, the same bytes for the same input."""
        settings = self.settings
        try:
            items, single = parse(raw, settings.max_items)
            call.enterprises = [item.enterprise_id or item.uscc or "" for item in items]
            results = answer(items, self.state.snapshot, top=settings.top, single=single)
        except RequestError as err:
            return err.status, _json(err.as_dict())
        for result in results:
            if not isinstance(result, Lost):
                call.source[result.source] = call.source.get(result.source, 0) + 1
                call.versions |= {f"{result.source}.{k}": v for k, v in result.versions.items()}
        if single:
            only = results[0]
            if isinstance(only, Lost):
                return only.status, _json({"error": only.what})
            return 200, only.to_json().encode()
        parts = [
            _json({"error": {"item": i, "status": r.status, "what": r.what}})
            if isinstance(r, Lost)
            else b'{"classification":' + r.to_json().encode() + b"}"
            for i, r in enumerate(results)
        ]
        return 200, b'{"items":[' + b",".join(parts) + b"]}"

    def status(self) -> dict[str, object]:
        """Return what answers now, and the newest hash of the audit record, for keeping elsewhere."""
        snapshot = self.state.snapshot
        served, table = snapshot.served, snapshot.table
        lines, head = self.audit.head
        return {
            "source": "model" if served.model else "rules",
            "fallback": None if served.model else served.why,
            "model": None
            if served.model is None
            else {
                "registered": served.version,
                "version": served.model.version,
                "indicators": len(served.model.indicator_names),
                "arm": served.model.arm,
            },
            "province": served.province,
            "policy": load_rules(served.province).version,
            "catalogue": catalogue_hash(CATALOGUE)[:12],
            "table": None if table is None else {"cutoff": table.cutoff.isoformat(), "enterprises": table.rows},
            "no_table": snapshot.no_table or None,
            "max_items": self.settings.max_items,
            "audit": {"lines": lines, "head": head},
        }

    def close(self) -> None:
        """Stop the watch and let go of the files."""
        self.state.stop()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.audit.close()


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=1)
def runtime() -> Runtime:
    """Return the runtime of this process, set by its environment variables."""
    return Runtime(Settings.from_env())
