"""Items of a call that its token may not ask about: refused one by one, whether or not there is such an enterprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from features.engine.plan import REGISTER
from serving.answers.answer import Lost
from serving.guard.regions import OUTSIDE, Regions, may_ask

if TYPE_CHECKING:
    from serving.answers.requests import Item
    from serving.current.table import CurrentTable
    from serving.guard.call import Call
    from serving.guard.grants import Grant


def outside(items: Sequence[Item], call: Call, regions: Regions, table: CurrentTable | None) -> dict[int, Lost]:
    """Return the items that are refused, by place, and note them for the audit trail.

    Parameters
    ----------
    items, call
        What is asked, and by whom.
    regions
        Where enterprises are.
    table
        The month's table, which knows whose a code is.
    """
    grant = call.grant
    if grant is None or not grant.regions:
        return {}
    refused = {i: Lost(OUTSIDE, 403) for i, item in enumerate(items) if not _may(item, grant, regions, table)}
    call.refused = [call.enterprises[i] for i in refused]
    return refused


def _may(item: Item, grant: Grant, regions: Regions, table: CurrentTable | None) -> bool:
    if item.uscc is not None:
        # Several may be registered under a code: that there are is told only to who may ask about all of them.
        owners = [] if table is None else [table.store.line(k).enterprise_id for k in table.places_of(item.uscc)]
        return bool(owners) and all(grant.covers(regions.of(owner)) for owner in owners)
    rows = None if item.record is None else item.record.tables.get(REGISTER, [])
    return may_ask(grant, regions.of(item.enterprise_id or ""), rows, looked_up=item.kind == "enterprise")
