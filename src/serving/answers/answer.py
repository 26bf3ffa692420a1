"""Answers: find or compute the row of every item, classify all at once, put errors beside the results.

An unknown enterprise is an error of its own item; the others are answered all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import MappingProxyType

import numpy as np

from features.catalogue.evidence import EVIDENCE
from features.engine.plan import REGISTER
from features.errors import FenleiError, SourceError
from models.scoring.classification import Classification
from models.scoring.overridden import with_overrides
from models.scoring.rows import Cause, Rows
from models.signoff.confirmations import confirmed_cell
from serving.answers.dates import month_is_over
from serving.answers.records import computed
from serving.answers.requests import Item, Kind
from serving.answers.timing import in_time, not_now
from serving.current.served import Served
from serving.current.snapshot import Snapshot
from serving.errors import RequestError


@dataclass(frozen=True)
class Lost:
    """Why one item has no answer, and the HTTP status when it was the only one."""

    what: str
    status: int = 404


Result = Classification | Lost

CLASSIFIED_AT_ONCE = 100
"""Enterprises classified before the clock is looked at again; reasons take milliseconds each with a large model."""


def answer(
    items: Sequence[Item],
    snapshot: Snapshot,
    *,
    top: int = 5,
    single: bool = False,
    until: float | None = None,
    today: date | None = None,
    refused: Mapping[int, Lost] = MappingProxyType({}),
) -> list[Result]:
    """Answer every item, in order.

    Parameters
    ----------
    items
        Checked by `serving.answers.requests.parse`.
    snapshot
        What answers.
    top
        Reasons to give.
    single
        Whether the body was the item itself: then errors don't name ``items[0]``.
    until
        When to give up, as `time.monotonic` counts; None never.
    today
        Day on which overrides must hold; a month that is over is answered with those of its first day. None: of the
        first day of every month asked about.
    refused
        Items that this caller may not ask about, by place: they are not looked at.

    Raises
    ------
    RequestError
        422 if a record's rows don't fit the contract; 503 if the rows or the policies can't be read; 504 if the time is
        over.
    """
    in_time(until)
    places: dict[Kind, list[int]] = {"indicators": [], "record": [], "enterprise": []}
    for i, item in enumerate(items):
        if i not in refused:
            places[item.kind].append(i)
    results: dict[int, Result] = dict(refused)
    parts: list[tuple[list[int], Rows]] = []
    if given := places["indicators"]:
        parts.append((given, _given([items[i] for i in given], snapshot)))
    if given := places["record"]:
        parts.append((given, computed(items, given, snapshot.served.province, single, until)))
    if given := places["enterprise"]:
        found, rows, lost = _stored(items, given, snapshot)
        results |= lost
        parts.append((found, rows))
    for at, rows in parts:
        # Only the table's rows are of a month that may be over; what a call gives is as new as its caller says.
        old = _too_old(snapshot) if at and items[at[0]].kind == "enterprise" else ""
        for i, one in zip(at, _classified(rows, snapshot, top, until, old), strict=True):
            results[i] = _enough(items[i], _overridden(items[i], one, snapshot, today))
    return [results[i] for i in range(len(items))]


def _overridden(item: Item, found: Classification, snapshot: Snapshot, today: date | None) -> Classification:
    """Lay over a class what officials decided: what the current table says holds today, whatever its month."""
    if not snapshot.overrides.decided:
        return found
    past = item.kind != "enterprise" and today is not None and month_is_over(found.cutoff, today)
    on = found.cutoff if today is None or past else today
    return with_overrides([found], snapshot.overrides, on)[0]


def by_rules_instead(
    items: Sequence[Item],
    snapshot: Snapshot,
    top: int,
    single: bool,
    today: date | None = None,
    refused: Mapping[int, Lost] = MappingProxyType({}),
) -> list[Result]:
    """Answer by the rules alone, while the model takes longer than the policy gives it."""
    model = snapshot.served.model
    late = f"model {'' if model is None else model.version} took longer than {snapshot.policy.model_seconds:g} s"
    rules = replace(snapshot, served=Served(snapshot.served.province, why=late, code="model_slow"))
    return answer(items, rules, top=top, single=single, today=today, refused=refused)


def _too_old(snapshot: Snapshot) -> str:
    """Say why the table is too old for the model, nothing where it is not or no model answers anyway."""
    if snapshot.table is None or not snapshot.ready.by_model:
        return ""
    return snapshot.policy.too_old(snapshot.table.cutoff, datetime.now(UTC).date())


def _classified(rows: Rows, snapshot: Snapshot, top: int, until: float | None, old: str = "") -> list[Classification]:
    found: list[Classification] = []
    rows = _confirmed(rows, snapshot)
    for start in range(0, len(rows), CLASSIFIED_AT_ONCE):
        in_time(until)
        some = rows if len(rows) <= CLASSIFIED_AT_ONCE else rows.part(start, start + CLASSIFIED_AT_ONCE)
        try:
            if old:
                found += snapshot.ready.by_rules(some, [Cause("table_too_old", old)] * len(some), top)
            else:
                found += snapshot.ready.classify(some, top=top)
        except FenleiError as err:
            raise not_now(err) from err
    return found


def _confirmed(rows: Rows, snapshot: Snapshot) -> Rows:
    """Return rows in which the evidence of ``signed`` rules holds confirmed records alone (H12.4)."""
    columns = [rule.column for rule in snapshot.rules.determinations.active if rule.signed]
    if not columns:
        return rows
    evidence = [
        {
            name: confirmed_cell(cell, cutoff, snapshot.confirmed) if name in columns else cell
            for name, cell in e.items()
        }
        for e, cutoff in zip(rows.evidence, rows.cutoffs, strict=True)
    ]
    return replace(rows, evidence=evidence)


def _enough(item: Item, found: Classification) -> Result:
    """Refuse a class that rests on next to nothing where the caller could say more."""
    if item.kind == "enterprise" or not found.insufficient:
        return found
    more = "indicators" if item.kind == "indicators" else "tables"
    if item.record is not None and REGISTER in item.record.tables:
        more = f"tables, and a {REGISTER} known before the cut-off: without one the enterprise is unknown"
    return Lost(
        f"insufficient: too few of the indicators that the answer rests on are known ({len(found.missing)} are not);"
        f" give more {more}",
        422,
    )


def _given(items: Sequence[Item], snapshot: Snapshot) -> Rows:
    """Rows of what was given; evidence that was not given is None: not checked."""
    column = snapshot.columns
    values = np.full((len(items), len(column)), np.nan)
    evidence: list[dict[str, str | None]] = []
    for row, item in zip(values, items, strict=True):
        known = {column[name]: value for name, value in (item.indicators or {}).items() if value is not None}
        row[list(known)] = list(known.values())
        said = item.evidence or {}
        evidence.append({name: ";".join(sorted(said[name])) if name in said else None for name in EVIDENCE})
    return Rows(
        [item.enterprise_id or "" for item in items],
        [item.cutoff for item in items if item.cutoff is not None],
        values,
        evidence,
    )


def _stored(
    items: Sequence[Item], places: Sequence[int], snapshot: Snapshot
) -> tuple[list[int], Rows, dict[int, Result]]:
    """Return the items found in the current table, their rows in the same order, and the items that are lost."""
    table = snapshot.table
    if table is None:
        why = Lost(f"enterprises can't be looked up: {snapshot.no_table}", 503)
        return [], Rows([], [], np.empty((0, len(snapshot.columns))), []), dict.fromkeys(places, why)
    at: dict[int, int] = {}
    lost: dict[int, Result] = {}
    for i in places:
        code = items[i].uscc
        if code is not None:
            found = table.places_of(code)
        else:
            one = table.store.place_of(items[i].enterprise_id or "")
            found = [] if one is None else [one]
        if len(found) == 1:
            at[i] = found[0]
        elif found:
            lost[i] = Lost(f"{len(found)} enterprises are registered under this code: ask by enterprise_id", 409)
        else:
            lost[i] = Lost(f"no such enterprise in the indicator table of {table.cutoff}")
    try:
        return list(at), table.rows_at(list(at.values())), lost
    except SourceError as err:
        raise RequestError(503, "the indicator table can't be read just now: ask again") from err
