"""Oracles of recent peer rates: every visit known is asked how old it is and whose peer it was made at."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor

from helpers.oracles.world import Rec, Value, World, oracle, outcome

SHRINK = 20
"""Visits by which a group's rate is shrunken into the one before (features.toml)."""
PRIOR = 9
"""Visits, one with a finding, that the rate of all begins with, and by which an enterprise's own is shrunken."""
MILLION = 1_000_000

Key = Callable[[Rec], object]


def _local(entry: Rec) -> object:
    both = entry["region"], entry["industry"]
    return None if None in both else both


CHAIN: dict[str, Key] = {
    "industry": lambda entry: entry["industry"],
    "type": lambda entry: entry["enterprise_type"],
    "region": lambda entry: entry["region"],
    "local": _local,
    "address": lambda entry: entry["address_id"],
    "own": lambda entry: entry["enterprise_id"],
}
"""What peers have in common, from wide to narrow."""


def _weight(age: int, half: int) -> Fraction:
    """1 on its day, half of that after every half-life, evenly less in between; in whole millionths."""
    halvings, days = divmod(age, half)
    if halvings >= 20:
        return Fraction(0)
    begin, end = Fraction(1, 2**halvings), Fraction(1, 2 ** (halvings + 1))
    return Fraction(floor(MILLION * (begin + (end - begin) * Fraction(days, half))), MILLION)


def _sums(visits: list[tuple[Rec, Fraction, int]]) -> tuple[Fraction, Fraction]:
    """Weight of all and of those that found a violation."""
    return sum((w for _, w, _ in visits), Fraction(0)), sum((w * found for _, w, found in visits), Fraction(0))


def _ratio(w: World, e: str, last: str, half: int) -> Value:
    places = {entry["enterprise_id"]: entry for entry in w.everyone("registration")}
    if e not in places:
        return None
    visits = [
        (places[v["enterprise_id"]], _weight((w.cutoff - v["occurred_at"]).days, half), found)
        for v in w.everyone("inspections")
        if (found := outcome(v)) is not None and v["enterprise_id"] in places
    ]
    others, bad = _sums([v for v in visits if v[0]["enterprise_id"] != e])
    level = (bad + 1) / (others + PRIOR)
    ratio = Fraction(1)
    for name, key in CHAIN.items():
        mine = key(places[e])
        everything, worse = _sums([v for v in visits if mine is not None and key(v[0]) == mine])
        strength = PRIOR if name == "own" else SHRINK
        ratio = Fraction(floor(MILLION * (worse / level + strength * ratio) / (everything + strength)), MILLION)
        if name == last:
            break
    return float(ratio)


def _recent(level: str, half: int) -> None:
    """Register the oracle of one level and half-life."""

    def compute(w: World, e: str) -> Value:
        return _ratio(w, e, level, half)

    compute.__name__ = f"recent_{level}_ratio_{half}d"
    oracle(registration=None, inspections=None)(compute)


for _half in (30, 600):
    for _level in CHAIN:
        _recent(_level, _half)
