"""Corrections of records: taken back, declared wrong, objected to, repaired."""

from __future__ import annotations

import numpy as np

from features.contract import codes as c
from simulation.base.rng import Ints
from simulation.base.rows import KEEP, STATE, Records, TableRows
from simulation.records.conduct import PLACE, REPAIR, REVOCATION_SLOT
from simulation.world.population import World

Tables = dict[str, TableRows]
OBJECTION = {code: i for i, code in enumerate(c.OBJECTION_STATE.codes)}
PENALTY_REPAIR = 20
"""Slots of penalty repairs within a month lie behind those of the abnormal list."""


def _after(world: World, purpose: str, span: tuple[int, int], r: Records) -> Ints:
    return world.stream.days(purpose, span, r.enterprise, r.slot)


def correct(world: World, tables: Tables) -> None:
    """Add the later versions that take records back or mark an objection (HB 11), and repairs (SC 13)."""
    objections: list[tuple[Ints, ...]] = []
    for name, table in tables.items():
        _take_back(world, name, table, objections)
    _record_objections(world, tables, objections)
    _repair_penalties(world, tables)


def _take_back(world: World, name: str, table: TableRows, objections: list[tuple[Ints, ...]]) -> None:
    p = world.policy.corrections
    shares = {
        "wrong": p.wrong.get(name, 0.0),
        "revoked": p.revoked.get(name, 0.0),
        "unlawful": p.unlawful.get(name, 0.0),
        "barred": p.barred.get(name, 0.0),
        "objected": p.objected.get(name, 0.0),
    }
    if not any(shares.values()):
        return
    r = table.records()
    if not len(r):
        return
    u = world.stream.uniform("fate of " + name, r.enterprise, r.slot)
    day = r.known + _after(world, "taken back " + name, p.days, r)
    least = 0.0
    for state, share in shares.items():
        hit = (u >= least) & (u < least + share)
        least += share
        table.add(r.enterprise[hit], r.slot[hit], day[hit], record_state=STATE[state])
        if state != "objected":
            continue
        settled = day + _after(world, "settled " + name, p.settle_days, r)
        upheld = world.stream.uniform("upheld " + name, r.enterprise, r.slot) < p.upheld
        # An objection that holds makes the record wrong, or corrects it and leaves it standing.
        corrects = upheld & (world.stream.uniform("corrected " + name, r.enterprise, r.slot) < 0.5)
        state_then = np.where(upheld & ~corrects, STATE["wrong"], STATE["active"])
        own = {}
        if name == "penalties":
            halved = r.values["fine_fen"] // 200 * 100
            own["fine_fen"] = np.where(corrects, halved, KEEP)[hit]
        else:
            state_then = np.where(upheld, STATE["wrong"], STATE["active"])
        table.add(r.enterprise[hit], r.slot[hit], settled[hit], record_state=state_then[hit], **own)
        place = np.full(len(r), PLACE[name])
        objections.append(tuple(x[hit] for x in (r.enterprise, day, settled, upheld * 1, place, r.slot)))


def _record_objections(world: World, tables: Tables, parts: list[tuple[Ints, ...]]) -> None:
    """Write the objections, numbered within each enterprise."""
    if not parts:
        return
    who, day, settled, upheld, place, slot = (np.concatenate(x) for x in zip(*parts, strict=True))
    order = np.lexsort((slot, place, day, who))
    who, day, settled, upheld, place, slot = (x[order] for x in (who, day, settled, upheld, place, slot))
    new = np.ones(len(who), dtype=np.bool_)
    new[1:] = who[1:] != who[:-1]
    count = np.arange(len(who)) - np.maximum.accumulate(np.where(new, np.arange(len(who)), 0))
    raised = day - world.stream.days("raised", world.policy.lags["objections"], who, count)
    table = tables["objections"]
    table.add(who, count, day, raised, ref_table=place, ref_record_id=slot, state=OBJECTION["open"])
    state = np.where(upheld == 1, OBJECTION["upheld"], OBJECTION["rejected"])
    table.add(who, count, settled, state=state)


def _repair_penalties(world: World, tables: Tables) -> None:
    """Write repairs applied for after a penalty."""
    p, s = world.policy.corrections, world.stream
    r = tables["penalties"].records()
    if not len(r):
        return
    asks = (s.uniform("repairs penalty", r.enterprise, r.slot) < p.repair_penalty) & (r.slot < REVOCATION_SLOT)
    applied = np.maximum(r.occurred + _after(world, "repair after", (120, 500), r), r.known)
    decided = applied + _after(world, "repair decided", (5, 30), r)
    refused = s.uniform("repair refused", r.enterprise, r.slot) < p.repair_refused
    state = np.where(refused, REPAIR["refused"], REPAIR["granted"])
    who, slot = r.enterprise[asks], r.slot[asks] + PENALTY_REPAIR
    tables["repairs"].add(
        who, slot, applied[asks] + 1, applied[asks],
        ref_table=PLACE["penalties"], ref_record_id=r.slot[asks], state=REPAIR["applied"],
    )  # fmt: skip
    tables["repairs"].add(who, slot, decided[asks], state=state[asks])
