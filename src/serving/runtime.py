"""Runtime of one service process: settings, tokens, audit record and what is being served."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from features.catalogue import catalogue_hash, of_province
from serving.answers.answer import Lost, answer, in_time
from serving.answers.requests import Item, parse
from serving.current.snapshot import State
from serving.current.table import known_of
from serving.errors import Problem, RequestError
from serving.guard.audit import AuditLog
from serving.guard.call import Call
from serving.guard.tokens import Tokens
from serving.settings import Settings

LIGHT_BYTES = 2**20
LIGHT_ITEMS = 10
"""A call of at most so many bytes and items is light: it never waits behind a heavy one."""

Reply = tuple[int, bytes]
"""HTTP status and body."""


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
    def light(self) -> ThreadPoolExecutor:
        """Where light calls are answered, so that the event loop stays free; DuckDB and LightGBM let go of the GIL."""
        return ThreadPoolExecutor(max_workers=2, thread_name_prefix="fenlei-light")

    @cached_property
    def heavy(self) -> ThreadPoolExecutor:
        """Where heavy calls are answered, one after the other."""
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="fenlei-heavy")

    async def classify(self, raw: bytes, call: Call) -> Reply:
        """Answer the body of ``POST /classify``; returns HTTP status and body, the same bytes for the same input until
        something that it rests on changes: model, rules, table or an override.

        The deadline travels with the call: what waits in a queue beyond it, or is not yet begun, is not done.
        """
        until = time.monotonic() + self.settings.timeout
        loop = asyncio.get_running_loop()
        lane = self.light if len(raw) <= LIGHT_BYTES else self.heavy
        try:
            items, single = await loop.run_in_executor(lane, self._read, raw, call, until)
            if len(items) > LIGHT_ITEMS:
                lane = self.heavy
            return await loop.run_in_executor(lane, self._answer, items, single, call, until)
        except RequestError as err:
            return err.status, _json(err.as_dict())

    def _read(self, raw: bytes, call: Call, until: float) -> tuple[list[Item], bool]:
        in_time(until)
        items, single = parse(raw, self.settings.max_items, known_of(self.settings.province))
        call.enterprises = [item.enterprise_id or item.uscc or "" for item in items]
        _bounded(items, single, self.settings)
        return items, single

    def _answer(self, items: Sequence[Item], single: bool, call: Call, until: float) -> Reply:
        today = datetime.now(UTC).date()  # an override ends on its day, whether or not anything was reloaded
        results = answer(items, self.state.snapshot, top=self.settings.top, single=single, until=until, today=today)
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
            "policy": snapshot.rules.version,
            "catalogue": catalogue_hash(of_province(served.province))[:12],
            "table": None if table is None else {"cutoff": table.cutoff.isoformat(), "enterprises": table.rows},
            "no_table": snapshot.no_table or None,
            "overrides": len(snapshot.overrides.on(datetime.now(UTC).date())),
            "no_overrides": snapshot.no_overrides or None,
            "max_items": self.settings.max_items,
            "max_records": self.settings.max_records,
            "max_rows": self.settings.max_rows,
            "audit": {"lines": lines, "head": head},
        }

    def close(self) -> None:
        """Stop the watch and let go of the files."""
        self.state.stop()
        self.light.shutdown(wait=False, cancel_futures=True)
        self.heavy.shutdown(wait=False, cancel_futures=True)
        self.audit.close()


def _bounded(items: Sequence[Item], single: bool, settings: Settings) -> None:
    """Refuse more records, or rows in them, than are answered well within the time.

    Raises
    ------
    RequestError
        422 naming the limit.
    """
    given = [item.record for item in items if item.record is not None]
    if len(given) > settings.max_records:
        problem = Problem("items", f"{len(given)} records, at most {settings.max_records} in one call")
        raise RequestError(422, "too many records in one call: split them over several", (problem,))
    rows = sum(len(r) for record in given for part in (record.tables, record.context) for r in part.values())
    if rows > settings.max_rows:
        problem = Problem("record" if single else "items", f"{rows} rows, at most {settings.max_rows} in one call")
        raise RequestError(422, "too many rows in one call: split them over several", (problem,))


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=1)
def runtime() -> Runtime:
    """Return the runtime of this process, set by its environment variables."""
    return Runtime(Settings.from_env())
