"""Oracles of the societal family."""

from __future__ import annotations

from helpers.oracles.world import Value, World, last, months_before, oracle


def _honest(w: World, e: str, months: int) -> int:
    return sum(1 for c in w.recent("complaints", e, months) if c["outcome"] != "malicious")


@oracle(complaints=12)
def complaints_1y(w: World, e: str) -> Value:
    return _honest(w, e, 12)


@oracle(complaints=3)
def complaints_3m(w: World, e: str) -> Value:
    return _honest(w, e, 3)


@oracle(complaints=6)
def complaints_growth_3m(w: World, e: str) -> Value:
    recent = before = 0
    for c in w.recent("complaints", e, 6):
        if c["outcome"] == "malicious":
            continue
        if c["occurred_at"] >= months_before(w.cutoff, 3):
            recent += 1
        else:
            before += 1
    return recent - before


@oracle(complaints=12)
def complaints_upheld_1y(w: World, e: str) -> Value:
    return sum(1 for c in w.recent("complaints", e, 12) if c["outcome"] == "upheld")


@oracle(complaints=12)
def complaints_upheld_share_1y(w: World, e: str) -> Value:
    settled = [c for c in w.recent("complaints", e, 12) if c["outcome"] in ("upheld", "unfounded", "mediated")]
    upheld = [c for c in settled if c["outcome"] == "upheld"]
    return (len(upheld) + 1) / (len(settled) + 4)


@oracle(complaints=12, annual_reports=None)
def complaints_per_employee_1y(w: World, e: str) -> Value:
    employees = last(w.seen("annual_reports", e), "employees") or 0
    return _honest(w, e, 12) / (employees + 5)


@oracle(complaints=12)
def complaints_malicious_share_1y(w: World, e: str) -> Value:
    year = w.recent("complaints", e, 12)
    malicious = [c for c in year if c["outcome"] == "malicious"]
    return len(malicious) / (len(year) + 3)


@oracle(complaints=12)
def safety_field_complaints_1y(w: World, e: str) -> Value:
    safety = ("food", "drug", "special_equipment", "product_quality")
    return sum(1 for c in w.recent("complaints", e, 12) if c["field"] in safety and c["outcome"] != "malicious")


@oracle(public_opinion=1)
def negative_news_1m(w: World, e: str) -> Value:
    return sum(1 for p in w.recent("public_opinion", e, 1) if p["tone"] == "negative")


@oracle(public_opinion=12)
def negative_news_1y(w: World, e: str) -> Value:
    return sum(1 for p in w.recent("public_opinion", e, 12) if p["tone"] == "negative")


@oracle(public_opinion=12)
def negative_news_share_1y(w: World, e: str) -> Value:
    year = w.recent("public_opinion", e, 12)
    return (sum(1 for p in year if p["tone"] == "negative") + 1) / (len(year) + 4)


@oracle(honours=36)
def honours_3y(w: World, e: str) -> Value:
    return sum(1 for h in w.recent("honours", e, 36) if w.is_open(h))


@oracle(credit_evaluations=None)
def credit_grade_poor(w: World, e: str) -> Value:
    return int(last(w.seen("credit_evaluations", e), "grade") == "poor")


@oracle(credit_evaluations=None)
def credit_grade_good(w: World, e: str) -> Value:
    return int(last(w.seen("credit_evaluations", e), "grade") in ("excellent", "good"))


@oracle(commitments=36)
def commitments_broken_3y(w: World, e: str) -> Value:
    return sum(1 for c in w.recent("commitments", e, 36) if c["state"] == "broken")


@oracle(commitments=36)
def commitments_kept_3y(w: World, e: str) -> Value:
    return sum(1 for c in w.recent("commitments", e, 36) if c["state"] == "kept")
