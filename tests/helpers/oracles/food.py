"""Oracles of the food sector's indicators, written from their texts in Hebei's ``sectors/food.toml``."""

from __future__ import annotations

from helpers.oracles.world import Rec, Value, World, kinds, last, oracle, outcome, total


def _food_licences(w: World, e: str) -> list[Rec]:
    """Valid food licences that were neither given back nor ended, run out or not."""
    return [
        licence
        for licence in w.open_now("licences", e)
        if licence["licence_kind"] == "food" and licence["licence_status"] == "valid"
    ]


@oracle(licences=None)
def food_licences_held(w: World, e: str) -> Value:
    return sum(1 for x in _food_licences(w, e) if x["valid_to"] is None or x["valid_to"] >= w.cutoff)


@oracle(licences=None)
def food_licences_expired(w: World, e: str) -> Value:
    return sum(1 for x in _food_licences(w, e) if x["valid_to"] is not None and x["valid_to"] < w.cutoff)


@oracle(licences=None)
def food_licences_expiring(w: World, e: str) -> Value:
    dated = [x["valid_to"] for x in _food_licences(w, e) if x["valid_to"] is not None]
    return sum(1 for day in dated if w.cutoff <= day < w.in_days(60))


@oracle(licences=None)
def food_licences_revoked_3y(w: World, e: str) -> Value:
    count = 0
    for x in w.seen("licences", e):
        gone = x["licence_status"] in ("revoked", "withdrawn")
        count += x["licence_kind"] == "food" and gone and w.within(x["ended_on"], 36)
    return count


def _food(w: World, table: str, e: str, months: int) -> list[Rec]:
    return [r for r in w.recent(table, e, months) if r["field"] == "food"]


@oracle(penalties=36)
def food_penalties_3y(w: World, e: str) -> Value:
    return len(_food(w, "penalties", e, 36))


@oracle(penalties=36)
def food_fines_3y(w: World, e: str) -> Value:
    return total(_food(w, "penalties", e, 36), "fine_fen")


@oracle(penalties=36)
def food_stopped_3y(w: World, e: str) -> Value:
    stops = {"suspension", "licence_revoked", "business_licence_revoked"}
    return int(any(stops & set(kinds(p)) for p in _food(w, "penalties", e, 36)))


def _breaks_food_law(visit: Rec) -> bool:
    return "3" in (visit["result_codes"] or "").split(";")


def _food_law_share(visits: list[Rec], prior: int) -> float:
    labelled = [v for v in visits if outcome(v) is not None]
    return (sum(1 for v in labelled if _breaks_food_law(v)) + 1) / (len(labelled) + prior)


@oracle(inspections=None)
def food_law_share_random(w: World, e: str) -> Value:
    return _food_law_share([v for v in w.seen("inspections", e) if v["arm"] == "random"], 30)


@oracle(inspections=None)
def food_law_share_targeted(w: World, e: str) -> Value:
    return _food_law_share([v for v in w.seen("inspections", e) if v["arm"] != "random"], 10)


@oracle(inspections=None)
def food_law_latest(w: World, e: str) -> Value:
    labelled = [{**v, "food_law": int(_breaks_food_law(v))} for v in w.seen("inspections", e) if outcome(v) is not None]
    return last(labelled, "food_law") or 0


@oracle(product_samples=24)
def food_samples_failed_2y(w: World, e: str) -> Value:
    return sum(1 for s in _food(w, "product_samples", e, 24) if s["result"] == "failed")


@oracle(product_samples=24)
def food_samples_failed_share_2y(w: World, e: str) -> Value:
    tested = [s for s in _food(w, "product_samples", e, 24) if s["result"] is not None]
    return (sum(1 for s in tested if s["result"] == "failed") + 1) / (len(tested) + 30)


@oracle(product_samples=None)
def food_days_since_failed_sample(w: World, e: str) -> Value:
    return w.days_since([s for s in w.seen("product_samples", e) if s["field"] == "food" and s["result"] == "failed"])


@oracle(recalls=36)
def food_recalls_ordered_3y(w: World, e: str) -> Value:
    return sum(1 for r in _food(w, "recalls", e, 36) if r["recall_kind"] == "ordered")


@oracle(recalls=36)
def food_recalls_grave_3y(w: World, e: str) -> Value:
    return sum(1 for r in _food(w, "recalls", e, 36) if r["recall_level"] == "first")


@oracle(complaints=12)
def food_complaints_1y(w: World, e: str) -> Value:
    return sum(1 for c in _food(w, "complaints", e, 12) if c["outcome"] != "malicious")


@oracle(complaints=12)
def food_complaints_upheld_1y(w: World, e: str) -> Value:
    return sum(1 for c in _food(w, "complaints", e, 12) if c["outcome"] == "upheld")


def belongs(w: World, e: str) -> bool:
    """Whether an enterprise belongs to the sector: by its trade, or by a licence that was not taken or given back."""
    trades = [r["industry"] for r in w.seen("registration", e) if r["industry"] is not None]
    by_trade = any(trade.startswith(("C13", "C14", "C15", "H62")) for trade in trades)
    return by_trade or len(_food_licences(w, e)) > 0
