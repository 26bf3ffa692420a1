"""Oracles of what happened near an enterprise: every event's distance, measured."""

from __future__ import annotations

from math import hypot

from helpers.oracles.world import Value, World, last, oracle


def _near(w: World, e: str, kind: str | None, distance: int, months: int) -> Value:
    seen = w.seen("positions", e)
    if not seen:
        return None
    latest = max(seen, key=lambda r: (r["occurred_at"], r["record_id"]))
    assert latest["east_m"] == last(seen, "east_m")
    count = 0
    for event in w.everyone("place_events"):
        if w.within(event["occurred_at"], months) and kind in (None, event["kind"]):
            away = hypot(event["east_m"] - latest["east_m"], event["north_m"] - latest["north_m"])
            count += away <= distance
    return count


def _declare(name: str, kind: str | None, distance: int, months: int) -> None:
    """Register the oracle of one count."""

    def compute(w: World, e: str) -> Value:
        return _near(w, e, kind, distance, months)

    compute.__name__ = name
    oracle(positions=None, place_events=months)(compute)


for _months in (3, 12):
    for _distance in (500, 1000, 2000):
        _declare(f"nearby_events_{_distance}m_{_months}m", None, _distance, _months)
for _kind in ("crime", "sanitation", "accident"):
    _declare(f"nearby_{_kind}_1000m_12m", _kind, 1000, 12)
