"""Runtime of one service process: settings, tokens, audit record and what is being served."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache, partial

from features.catalogue import catalogue_hash, of_province
from features.errors import FenleiError
from models.scoring.classification import GRADES, Classification
from serving.answers.answer import Lost, Result, answer, by_rules_instead
from serving.answers.depth import too_wide
from serving.answers.options import Options
from serving.answers.quick import Quick
from serving.answers.requests import Asked, Item
from serving.answers.timing import in_time
from serving.current.policy import AccessPolicy, serving_policy
from serving.current.snapshot import Snapshot, State
from serving.enterprises import Enterprises
from serving.errors import Problem, RequestError
from serving.guard.again import Again
from serving.guard.audit import AuditLog
from serving.guard.call import Call
from serving.guard.outside import outside
from serving.guard.regions import Regions
from serving.guard.tokens import Tokens
from serving.metrics import Metrics
from serving.published.months import Months
from serving.settings import Settings
from serving.shadow.beside import Shadow, registered_model

log = logging.getLogger("fenlei.serving")

SMALL_BYTES = 2**16
"""A body of at most so many bytes is read where it arrives: handing it to a thread would take longer."""

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
        self.metrics = Metrics()
        self.again = Again(settings.idempotency_seconds)
        self._late: set[asyncio.Future[list[Result]]] = set()
        self._reading: tuple[Snapshot, Quick] | None = None

    @cached_property
    def audit(self) -> AuditLog:
        """The audit record's chain that this process holds alone."""
        policy, told = serving_policy(self.settings.province), self.settings
        return AuditLog.of_worker(
            told.audit, told.workers, flush=policy.audit_flush, most_bytes=policy.audit_bytes, heads=told.audit_heads
        )

    @cached_property
    def access(self) -> AccessPolicy:
        """How often a caller may ask; a change holds from the next start."""
        return serving_policy(self.settings.province).access

    @cached_property
    def regions(self) -> Regions:
        """Where enterprises are."""
        return Regions(self.settings.regions)

    @cached_property
    def state(self) -> State:
        """What is being served."""
        ledger = self.settings.ledger
        if ledger is None:
            return State(self.settings)
        return State(self.settings, Months(ledger, self.settings.province, self.settings.rows))

    @cached_property
    def enterprises(self) -> Enterprises:
        """What is told of single enterprises beside a class: history, page, what would help."""
        return Enterprises(self.settings, lambda: self.state.snapshot, lambda: self.regions)

    @cached_property
    def shadow(self) -> Shadow | None:
        """A proposed version that scores beside the one that answers, where the settings name one."""
        version, store = self.settings.shadow, self.settings.store
        if version is None:
            return None
        load = partial(registered_model, store, version, self.settings.province)
        made = Shadow(load, version, self.settings.shadow_file, self.metrics.shadow)
        made.start()
        return made

    @cached_property
    def light(self) -> ThreadPoolExecutor:
        """Where light calls are answered, so that the event loop stays free; DuckDB and LightGBM let go of the GIL."""
        return ThreadPoolExecutor(max_workers=2, thread_name_prefix="fenlei-light")

    @cached_property
    def heavy(self) -> ThreadPoolExecutor:
        """Where heavy calls are answered, one after the other."""
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="fenlei-heavy")

    @cached_property
    def spare(self) -> ThreadPoolExecutor:
        """Where the rules answer while a model is late."""
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="fenlei-rules")

    async def classify(self, raw: bytes, call: Call) -> Reply:
        """Answer the body of ``POST /classify``; returns HTTP status and body, the same bytes for the same input until
        something that it rests on changes: model, rules, table or an override.

        The deadline travels with the call: what waits in a queue beyond it, or is not yet begun, is not done.
        """
        until = time.monotonic() + self.settings.timeout
        loop = asyncio.get_running_loop()
        snapshot = self.state.snapshot
        try:
            if len(raw) <= SMALL_BYTES:
                asked = self._read(raw, call, snapshot, until)
            else:
                lane = self.light if len(raw) <= LIGHT_BYTES else self.heavy
                asked = await loop.run_in_executor(lane, self._read, raw, call, snapshot, until)
            light = len(raw) <= LIGHT_BYTES and len(asked.items) <= LIGHT_ITEMS
            refused = outside(asked.items, call, self.regions, snapshot.table)
            results = await self._results(asked, snapshot, until, refused, light=light)
            if light and self.shadow is not None:
                self.shadow.offer(asked.items, snapshot, results)
            return self._reply(asked, results, call)
        except RequestError as err:
            return err.status, _json(err.as_dict())

    async def _results(
        self, asked: Asked, snapshot: Snapshot, until: float, refused: Mapping[int, Lost], *, light: bool
    ) -> list[Result]:
        """Answer a call in its lane; where the model of a light one is late, the rules answer meanwhile."""
        loop = asyncio.get_running_loop()
        top = asked.options.top(self.settings.top)
        lane = self.light if light else self.heavy
        today = datetime.now(UTC).date()  # an override ends on its day, whether or not anything was reloaded
        watched = light and snapshot.ready.by_model and all(item.record is None for item in asked.items)
        if watched and self._late:
            return await loop.run_in_executor(
                self.spare, by_rules_instead, asked.items, snapshot, top, asked.single, today, refused
            )
        work = loop.run_in_executor(
            lane,
            lambda: answer(
                asked.items, snapshot, top=top, single=asked.single, until=until, today=today, refused=refused
            ),
        )
        if not watched:
            return await work
        seconds = min(snapshot.policy.model_seconds, until - time.monotonic())
        done, _ = await asyncio.wait({work}, timeout=seconds)
        if done:
            return work.result()
        log.warning("model_slow: no answer within %.3g s; the rules answer until it is back", seconds)
        # Until it comes back nobody else waits for this model; its answer is thrown away.
        self._late.add(work)
        work.add_done_callback(self._back)
        return await loop.run_in_executor(
            self.spare, by_rules_instead, asked.items, snapshot, top, asked.single, today, refused
        )

    def _back(self, work: asyncio.Future[list[Result]]) -> None:
        self._late.discard(work)
        if not work.cancelled():
            work.exception()  # looked at, so that nobody reports it as never retrieved

    def _read(self, raw: bytes, call: Call, snapshot: Snapshot, until: float) -> Asked:
        in_time(until)
        if self._reading is None or self._reading[0] is not snapshot:
            self._reading = snapshot, Quick(snapshot.catalogue, self.settings.max_items)
        if too_wide(raw, self.settings.max_items, self.settings.max_rows):
            raise RequestError(413, "the body has more parts than any call may: split it over several calls")
        asked = self._reading[1].read(raw)
        call.enterprises = [item.enterprise_id or item.uscc or "" for item in asked.items]
        _bounded(asked.items, asked.single, self.settings)
        return asked

    def _reply(self, asked: Asked, results: Sequence[Result], call: Call) -> Reply:
        for result in results:
            if not isinstance(result, Lost):
                call.source[result.source] = call.source.get(result.source, 0) + 1
                call.versions |= {f"{result.source}.{k}": v for k, v in result.versions.items()}
                if result.fallback_code is not None:
                    call.fallback[result.fallback_code] = call.fallback.get(result.fallback_code, 0) + 1
                self.metrics.answer(result)
        if asked.single:
            only = results[0]
            if isinstance(only, Lost):
                return only.status, _json(RequestError(only.status, only.what).as_dict())
            return 200, _answered(only, asked.options)
        parts = [
            _json({"error": {"item": i, "status": r.status, "what": r.what}})
            if isinstance(r, Lost)
            else b'{"classification":' + _answered(r, asked.options) + b"}"
            for i, r in enumerate(results)
        ]
        return 200, b'{"items":[' + b",".join(parts) + b"]}"

    def not_ready(self) -> str:
        """Say why calls can't be answered, nothing where they can; without a table, those by indicators still can."""
        for what, look in (
            ("the policies can't be read", lambda: self.state.snapshot),
            ("the audit record can't be written", lambda: self.audit.head),
            ("the token file can't be read", lambda: self.tokens.name_of("")),
        ):
            try:
                look()
            except FenleiError as err:
                log.error("not ready: %s", err)
                return what
        return ""

    def model(self) -> dict[str, object]:
        """Return what is known of the model that answers: version, hashes, who signed it when, what it promises."""
        served = self.state.snapshot.served
        model = served.model
        if model is None:
            return {"source": "rules", "fallback": served.why, "fallback_code": served.code}
        bands = model.bands
        return {
            "source": "model",
            "registered": served.version,
            "version": model.version,
            "content_hash": model.content_hash,
            "catalogue_hash": model.catalogue_hash,
            "policy_hash": model.policy_hash,
            "province": model.province,
            "arm": model.arm,
            "indicators": list(model.indicator_names),
            "signed": [{"action": s.action, "by": s.by, "on": s.on} for s in served.signed],
            "contract": {
                "cuts": list(bands.cuts),
                "closed": bands.closed,
                "promised": {grade: list(bands.promised(grade)) for grade in GRADES},
            },
        }

    def figures(self) -> bytes:
        """Return the metrics as Prometheus reads them."""
        snapshot = self.state.snapshot
        approved = [date.fromisoformat(s.on) for s in snapshot.served.signed if s.action == "approve"]
        month = None if snapshot.table is None else snapshot.table.cutoff
        return self.metrics.text(month=month, approved=approved[-1] if approved else None)

    def status(self) -> dict[str, object]:
        """Return what answers now, and the newest hash of the audit record, for keeping elsewhere."""
        snapshot = self.state.snapshot
        served, table = snapshot.served, snapshot.table
        lines, head = self.audit.head
        return {
            "source": "model" if served.model else "rules",
            "fallback": None if served.model else served.why,
            "fallback_code": None if served.model else served.code,
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
            "audit": {"chain": self.audit.path.name, "lines": lines, "head": head},
        }

    def close(self) -> None:
        """Stop the watch and let go of the files."""
        self.state.stop()
        for lane in (self.light, self.heavy, self.spare):
            lane.shutdown(wait=False, cancel_futures=True)
        self.enterprises.close()
        if self.shadow is not None:
            self.shadow.close()
        self.audit.close()


def _answered(found: Classification, options: Options) -> bytes:
    return options.worded(found).to_json().encode()


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
