"""Single enterprises: the history of one, its page, and what would help it; in threads, within the call's time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Literal, cast

from pydantic import ValidationError

from features.catalogue import catalogue_hash, of_province
from features.engine.record.record import Record
from features.errors import FenleiError
from models.remedies.policy import load_acts
from models.remedies.search import after_acts, remedies_of
from models.remedies.variants import Judge
from models.reporting.case import Case, Texts
from models.reporting.case import Month as PastMonth
from models.reporting.sheet import sheet
from models.scoring.classification import Classification
from serving.answers.answer import answer
from serving.answers.records import computed
from serving.answers.requests import Item
from serving.answers.timing import in_time, not_now
from serving.current.snapshot import Snapshot
from serving.errors import RequestError
from serving.guard.call import Call
from serving.guard.outside import outside
from serving.guard.paths import ENTERPRISE, SHEET, checked_id, language_of
from serving.guard.regions import OUTSIDE, Regions
from serving.published.asking import asked_what_if
from serving.published.history import history_of, id_of_code
from serving.published.told import Enterprise, PublishedClass, WhatIfAnswer
from serving.settings import Settings

Reply = tuple[int, bytes]
HTML = "text/html; charset=utf-8"
ALL_REASONS = 999
"""Reasons for a page, which says itself which it leaves out."""


@dataclass(frozen=True)
class _Found:
    """An enterprise that was looked up: its id, its code where it asked by it, its class now or why there is none."""

    enterprise_id: str
    code: str
    current: Classification | None
    why: str
    history: tuple[PublishedClass, ...]


class Enterprises:
    """Answers what is asked of one enterprise.

    Parameters
    ----------
    settings
        Of the service; ``ledger`` holds the history.
    snapshot, regions
        Give what answers now, and where enterprises are.
    """

    def __init__(self, settings: Settings, snapshot: Callable[[], Snapshot], regions: Callable[[], Regions]) -> None:
        self._settings, self._snapshot, self._regions = settings, snapshot, regions

    @cached_property
    def _lane(self) -> ThreadPoolExecutor:
        """One thread for each kind of question: a long search never holds up a page."""
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="fenlei-enterprise")

    @cached_property
    def _searches(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="fenlei-what-if")

    def ways(self) -> dict[str, Callable[[bytes, Call], Coroutine[Any, Any, Reply]]]:
        """Return what answers which path, as the guard asks."""
        return {
            ENTERPRISE: partial(self._in, lambda: self._lane, self.history),
            SHEET: partial(self._in, lambda: self._lane, self.sheet),
            "/what_if": partial(self._in, lambda: self._searches, self.what_if),
        }

    async def _in(
        self,
        lane: Callable[[], ThreadPoolExecutor],
        work: Callable[[bytes, Call, float], Reply],
        body: bytes,
        call: Call,
    ) -> Reply:
        until = time.monotonic() + self._settings.timeout
        try:
            return await asyncio.get_running_loop().run_in_executor(lane(), work, body, call, until)
        except RequestError as err:
            return err.status, json.dumps(err.as_dict(), ensure_ascii=False).encode()

    def history(self, body: bytes, call: Call, until: float) -> Reply:
        """Answer ``GET /enterprises/{id}``.

        Raises
        ------
        RequestError
            404 for an enterprise that neither the current month nor the ledger knows; 503 without a ledger.
        """
        if self._settings.ledger is None:
            raise RequestError(503, "there is no history: the service is told of no ledger (FENLEI_LEDGER)")
        found = self._find(call, until, top=self._settings.top)
        _note(call, found.current)
        said = Enterprise(
            enterprise_id=found.enterprise_id, current=found.current, no_current=found.why, history=found.history
        )
        return 200, said.model_dump_json().encode()

    def sheet(self, body: bytes, call: Call, until: float) -> Reply:
        """Answer ``GET /enterprises/{id}/sheet?language=zh|en``: the page, as the current month has it.

        Raises
        ------
        RequestError
            404 for an enterprise that the current month does not hold; 503 where there is no month.
        """
        language = cast("Literal['zh', 'en']", language_of(call.query))
        found = self._find(call, until, top=ALL_REASONS)
        if found.current is None:
            raise RequestError(404 if self._snapshot().table is not None else 503, found.why)
        _note(call, found.current)
        snapshot = self._snapshot()
        bands, acts = snapshot.rules.bands, snapshot.served.signed
        months = {
            row.month: row for row in found.history if row.covered and row.month < f"{found.current.cutoff:%Y-%m}"
        }
        signed = Texts(
            tuple(f"{act.action} by {act.by} on {act.on}" for act in acts)
            or ("rules: signed as a policy, not as a model",),
            tuple(f"{_ACTS_ZH.get(act.action, act.action)}：{act.by}，{act.on}" for act in acts)
            or ("规则作为政策发布，不单独签署模型",),
        )
        case = Case(
            found.current,
            bands.cuts,
            bands.closed,
            code=found.code,
            history=tuple(
                PastMonth(datetime.strptime(m, "%Y-%m").replace(tzinfo=UTC).date(), row.score, row.grade)
                for m, row in sorted(months.items())
                if row.covered
            ),
            signed=signed,
        )
        call.kind = HTML
        return 200, sheet(case, language).encode()

    def what_if(self, body: bytes, call: Call, until: float) -> Reply:
        """Answer ``POST /what_if``.

        Raises
        ------
        RequestError
            422 naming what does not fit; 504 where the search takes longer than the call may.
        """
        in_time(until)
        snapshot = self._snapshot()
        province = snapshot.served.province
        asked = asked_what_if(body, [act.id for act in load_acts(province).acts])
        call.enterprises = [asked.enterprise_id]
        if outside([asked.item], call, self._regions(), snapshot.table):
            raise RequestError(403, OUTSIDE)
        computed([asked.item], [0], province, True, until)  # refuses what does not fit the contract
        given = asked.record
        record = Record(asked.enterprise_id, asked.cutoff, given.tables, given.context, given.covers_from)
        model = snapshot.served.model
        try:
            judge = Judge(snapshot.rules, model, lambda: in_time(until))
            if asked.acts:
                result = after_acts(record, judge, asked.acts)
            else:
                [result] = remedies_of([record], judge)
        except FenleiError as err:
            if isinstance(err, RequestError):
                raise
            raise not_now(err) from err
        source: Literal["model", "rules"] = "rules" if model is None else "model"
        versions = {"policy": snapshot.rules.version, "catalogue": catalogue_hash(of_province(province))[:12]}
        if model is not None and snapshot.served.version is not None:
            versions |= {"model": model.version, "registered": snapshot.served.version}
        call.source, call.versions = {source: 1}, {f"{source}.{k}": v for k, v in versions.items()}
        said = WhatIfAnswer(
            source=source, versions=versions, searched=not asked.acts, result=result, answer=result.answer
        )
        return 200, said.model_dump_json().encode()

    def _find(self, call: Call, until: float, top: int) -> _Found:
        """Look an enterprise up, by id or else by code, in the current month and in the ledger."""
        in_time(until)
        snapshot, who = self._snapshot(), checked_id(call.subject)
        call.enterprises = [who]
        today, current, why, code = datetime.now(UTC).date(), None, "", ""
        refused = False
        for name in ("enterprise_id", "uscc"):
            try:
                item = Item.model_validate({name: who})
            except ValidationError:
                continue  # no id, or no code
            if outside([item], call, self._regions(), snapshot.table):
                refused = True
                continue
            [one] = answer([item], snapshot, top=top, single=True, until=until, today=today)
            if isinstance(one, Classification):
                current, code = one, who if name == "uscc" else ""
                break
            if one.status == 409:
                raise RequestError(409, one.what)
            why = one.what
        if current is None and refused:
            # In the same words whether or not it is there; its history is not looked at either.
            raise RequestError(403, OUTSIDE)
        why = "" if current is not None else why or "there is no such id or code"
        enterprise_id = who if current is None else current.enterprise_id
        history = self._history(enterprise_id, who, current is None)
        if current is None and not history and snapshot.table is not None:
            raise RequestError(404, "no such enterprise, neither in the current month nor in the ledger")
        if current is None and not history:
            raise RequestError(503, why)
        return _Found(history[1] if history else enterprise_id, code, current, why, history[0] if history else ())

    def _history(self, enterprise_id: str, who: str, by_code: bool) -> tuple[tuple[PublishedClass, ...], str] | None:
        """Return the published rows and the id they are of, None where there are none."""
        ledger, province = self._settings.ledger, self._settings.province
        if ledger is None:
            return None
        try:
            rows = history_of(ledger, province, enterprise_id)
            if not rows and by_code and len(ids := id_of_code(ledger, province, who)) == 1:
                enterprise_id, rows = ids[0], history_of(ledger, province, ids[0])
        except FenleiError as err:
            raise not_now(err) from err
        return (rows, enterprise_id) if rows else None

    def close(self) -> None:
        """Let go of the threads."""
        for lane in (self._lane, self._searches):
            lane.shutdown(wait=False, cancel_futures=True)


_ACTS_ZH = {"propose": "提请", "back": "提请恢复", "approve": "批准"}


def _note(call: Call, found: Classification | None) -> None:
    """Note for the audit record who answered."""
    if found is not None:
        call.source = {found.source: 1}
        call.versions = {f"{found.source}.{k}": v for k, v in found.versions.items()}
        call.fallback = {found.fallback_code: 1} if found.fallback_code else {}
