"""Oracles of the basic family."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from helpers.oracles.world import Rec, Value, World, last, months_before, oracle, outcome

SHRINK, PROBLEM_PRIOR = 20, 9  # Hebei's features.toml


@oracle(registration=None)
def registered_capital(w: World, e: str) -> Value:
    capital: int | None = last(w.seen("registration", e), "registered_capital_fen")
    return capital


@oracle(registration=None)
def years_operating(w: World, e: str) -> Value:
    founded = last(w.seen("registration", e), "occurred_at")
    return None if founded is None else (w.cutoff - founded).days / 365.25


@oracle(shareholdings=None)
def corporate_shareholders(w: World, e: str) -> Value:
    return len({s["holder_id"] for s in w.open_now("shareholdings", e) if s["holder_kind"] in ("enterprise", "state")})


@oracle(shareholdings=None)
def shareholders_now(w: World, e: str) -> Value:
    return len({s["holder_id"] for s in w.open_now("shareholdings", e)})


@oracle(shareholdings=None)
def outbound_investments(w: World, e: str) -> Value:
    held = set()
    for share in w.everyone("shareholdings"):
        if share["holder_id"] == e and w.is_open(share):
            held.add(share["enterprise_id"])
    return len(held)


def _flag(w: World, e: str, column: str, test: Callable[[Any], bool]) -> Value:
    value = last(w.seen("registration", e), column)
    return None if value is None else int(test(value))


@oracle(registration=None)
def corporate_owned(w: World, e: str) -> Value:
    return _flag(w, e, "shareholder_type", lambda kind: kind != "natural")


@oracle(registration=None)
def state_held(w: World, e: str) -> Value:
    return _flag(w, e, "shareholder_type", lambda kind: kind == "state")


@oracle(registration=None)
def listed(w: World, e: str) -> Value:
    return _flag(w, e, "listed", bool)


@oracle(registration=None)
def high_tech(w: World, e: str) -> Value:
    return _flag(w, e, "high_tech", bool)


@oracle(registration=None)
def is_company(w: World, e: str) -> Value:
    return _flag(w, e, "enterprise_type", lambda t: t in ("limited_company", "joint_stock", "foreign_invested"))


@oracle(registration=None)
def is_branch(w: World, e: str) -> Value:
    return _flag(w, e, "enterprise_type", lambda t: t == "branch")


@oracle(registration=None)
def has_credit_code(w: World, e: str) -> Value:
    entries = sorted(w.seen("registration", e), key=lambda r: (r["occurred_at"], r["record_id"]))
    return int(entries[-1]["uscc"] is not None) if entries else None


@oracle(branches=None)
def branches_open(w: World, e: str) -> Value:
    return len(w.open_now("branches", e))


Key = Callable[[Rec], str | None]


def _industry(entry: Rec) -> str | None:
    industry: str | None = entry["industry"]
    return industry


def _region(entry: Rec) -> str | None:
    region: str | None = entry["region"]
    return region


def _local(entry: Rec) -> str | None:
    both = entry["region"], entry["industry"]
    return None if None in both else "|".join(both)


def _type(entry: Rec) -> str | None:
    kind: str | None = entry["enterprise_type"]
    return kind


def _weight_random(w: World, visit: Rec) -> Fraction | None:
    """1 / draw probability of a random-arm visit whose draw is known."""
    if visit["arm"] != "random":
        return None
    for draw in w.everyone("draws"):
        if draw["record_id"] == visit["draw_id"]:
            return Fraction(1_000_000, draw["probability_ppm"])
    return None


def _weight_all(w: World, visit: Rec) -> Fraction | None:
    return Fraction(1)


def _weight_1y(w: World, visit: Rec) -> Fraction | None:
    return Fraction(1) if visit["occurred_at"] >= months_before(w.cutoff, 12) else None


def _ratio(w: World, e: str, key: Key, weight: Callable[[World, Rec], Fraction | None]) -> Value:
    """The group's rate over r, the rest's, shrunk to 1: (bad / r + K) / (all + K), K so many of the rest's visits."""
    places = {entry["enterprise_id"]: entry for entry in w.everyone("registration")}
    if e not in places:
        return None
    mine = key(places[e])
    group: list[tuple[Fraction, int]] = []
    rest: list[tuple[Fraction, int]] = []
    for visit in w.everyone("inspections"):
        found, heavy = outcome(visit), weight(w, visit)
        if found is None or heavy is None or visit["enterprise_id"] not in places:
            continue
        own = mine is not None and key(places[visit["enterprise_id"]]) == mine
        (group if own else rest).append((heavy, found))
    if not group and not rest:
        return None
    if not group or not rest:
        return 1.0
    average = sum(heavy for heavy, _ in rest) / len(rest)
    rate = (sum(heavy * found for heavy, found in rest) + average) / (
        sum(heavy for heavy, _ in rest) + PROBLEM_PRIOR * average
    )
    prior = SHRINK * average
    bad, everything = sum(heavy * found for heavy, found in group), sum(heavy for heavy, _ in group)
    return float((bad / rate + prior) / (everything + prior))


def _peer_ratio(name: str, key: Key, weight: Callable[[World, Rec], Fraction | None]) -> None:
    """Register the oracle of a rate ratio; one that weights by draw probability needs the draws."""
    weighted: dict[str, int | None] = {"draws": None} if weight is _weight_random else {}

    def compute(w: World, e: str) -> Value:
        return _ratio(w, e, key, weight)

    compute.__name__ = name
    oracle(registration=None, inspections=None, **weighted)(compute)


_peer_ratio("industry_rate_ratio_random", _industry, _weight_random)
_peer_ratio("industry_rate_ratio_all", _industry, _weight_all)
_peer_ratio("industry_rate_ratio_1y", _industry, _weight_1y)
_peer_ratio("region_rate_ratio_random", _region, _weight_random)
_peer_ratio("region_rate_ratio_all", _region, _weight_all)
_peer_ratio("region_rate_ratio_1y", _region, _weight_1y)
_peer_ratio("local_industry_rate_ratio_random", _local, _weight_random)
_peer_ratio("local_industry_rate_ratio_1y", _local, _weight_1y)
_peer_ratio("type_rate_ratio_random", _type, _weight_random)
