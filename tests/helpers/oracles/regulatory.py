"""Oracles of the regulatory family."""

from __future__ import annotations

from collections.abc import Callable

from helpers.oracles.world import Rec, Value, World, kinds, last, months_before, oracle, outcome, total

# Lists


@oracle(abnormal_list=None)
def abnormal_listed_now(w: World, e: str) -> Value:
    return int(len(w.open_now("abnormal_list", e)) > 0)


@oracle(abnormal_list=36)
def abnormal_listings_3y(w: World, e: str) -> Value:
    return len(w.recent("abnormal_list", e, 36))


@oracle(abnormal_list=None)
def days_abnormal_listed(w: World, e: str) -> Value:
    days = 0
    for entry in w.open_now("abnormal_list", e):
        days = max(days, (w.cutoff - entry["occurred_at"]).days)
    return days


@oracle(abnormal_list=None)
def abnormal_nearing_3y(w: World, e: str) -> Value:
    started = [entry["occurred_at"] for entry in w.open_now("abnormal_list", e)]
    return int(any(day < months_before(w.cutoff, 30) for day in started))


@oracle(abnormal_list=None)
def abnormal_removal_days_3y(w: World, e: str) -> Value:
    longest = 0
    for entry in w.seen("abnormal_list", e):
        if w.within(entry["ended_on"], 36):
            longest = max(longest, (entry["ended_on"] - entry["occurred_at"]).days)
    return longest


def _reasons(w: World, e: str, *reasons: str) -> int:
    return sum(1 for entry in w.recent("abnormal_list", e, 36) if entry["reason"] in reasons)


@oracle(abnormal_list=36)
def not_contactable_3y(w: World, e: str) -> Value:
    return _reasons(w, e, "not_contactable", "false_information")


@oracle(abnormal_list=36)
def report_listings_3y(w: World, e: str) -> Value:
    return _reasons(w, e, "no_annual_report")


@oracle(serious_list=None)
def serious_list_ever(w: World, e: str) -> Value:
    return int(len(w.seen("serious_list", e)) > 0)


@oracle(serious_list=None)
def serious_list_repaired(w: World, e: str) -> Value:
    count = 0
    for entry in w.seen("serious_list", e):
        if entry["end_reason"] == "repaired" and not w.is_open(entry):
            count += 1
    return count


def _debts(w: World, e: str) -> list[Rec]:
    entries = [b for b in w.seen("blacklists", e) if b["list_kind"] == "judgment_debtor"]
    return [b for b in entries if w.is_open(b) or b["occurred_at"] >= months_before(w.cutoff, 60)]


@oracle(blacklists=None)
def judgment_debtor_5y(w: World, e: str) -> Value:
    return len(_debts(w, e))


@oracle(blacklists=None)
def judgment_debt_5y(w: World, e: str) -> Value:
    return total(_debts(w, e), "amount_fen")


@oracle(blacklists=None)
def other_blacklists_now(w: World, e: str) -> Value:
    return sum(1 for b in w.open_now("blacklists", e) if b["list_kind"] != "judgment_debtor")


# Penalties


@oracle(penalties=12)
def penalties_1y(w: World, e: str) -> Value:
    return len(w.recent("penalties", e, 12))


@oracle(penalties=36)
def penalties_3y(w: World, e: str) -> Value:
    return len(w.recent("penalties", e, 36))


@oracle(penalties=36)
def fines_3y(w: World, e: str) -> Value:
    recent = w.recent("penalties", e, 36)
    return total(recent, "fine_fen") + total(recent, "confiscated_fen")


@oracle(penalties=36)
def largest_fine_3y(w: World, e: str) -> Value:
    return max([p["fine_fen"] for p in w.recent("penalties", e, 36) if p["fine_fen"] is not None], default=0)


@oracle(penalties=36)
def penalty_kinds_3y(w: World, e: str) -> Value:
    return len({kind for p in w.recent("penalties", e, 36) for kind in kinds(p)})


@oracle(penalties=36)
def severe_penalties_3y(w: World, e: str) -> Value:
    severe = {"suspension", "licence_revoked", "business_licence_revoked"}
    return sum(1 for p in w.recent("penalties", e, 36) if severe & set(kinds(p)))


@oracle(penalties=None)
def penalties_ever(w: World, e: str) -> Value:
    return len(w.seen("penalties", e))


@oracle(penalties=None)
def days_since_penalty(w: World, e: str) -> Value:
    return w.days_since(w.seen("penalties", e))


@oracle(penalties=36)
def safety_field_penalties_3y(w: World, e: str) -> Value:
    safety = ("food", "drug", "special_equipment", "product_quality")
    return sum(1 for p in w.recent("penalties", e, 36) if p["field"] in safety)


# Visits


def _found(visits: list[Rec]) -> tuple[int, int]:
    """How many of the visits with a label found a violation, and how many have a label."""
    labels = [label for label in map(outcome, visits) if label is not None]
    return sum(labels), len(labels)


def _arm(w: World, e: str, wanted: Callable[[str], bool]) -> list[Rec]:
    return [v for v in w.seen("inspections", e) if wanted(v["arm"])]


@oracle(inspections=None)
def problem_rate_random(w: World, e: str) -> Value:
    found, visits = _found(_arm(w, e, lambda arm: arm == "random"))
    return (found + 1) / (visits + 9)


@oracle(inspections=36)
def problem_rate_random_3y(w: World, e: str) -> Value:
    found, visits = _found([v for v in w.recent("inspections", e, 36) if v["arm"] == "random"])
    return (found + 1) / (visits + 9)


@oracle(inspections=None)
def problem_rate_targeted(w: World, e: str) -> Value:
    found, visits = _found(_arm(w, e, lambda arm: arm != "random"))
    return (found + 1) / (visits + 4)


@oracle(inspections=None)
def problem_rate_all(w: World, e: str) -> Value:
    found, visits = _found(w.seen("inspections", e))
    return (found + 1) / (visits + 9)


@oracle(inspections=None)
def last_problem_found(w: World, e: str) -> Value:
    labelled = [{**v, "found": outcome(v)} for v in w.seen("inspections", e)]
    return last(labelled, "found") or 0


@oracle(inspections=None)
def days_since_problem(w: World, e: str) -> Value:
    return w.days_since([v for v in w.seen("inspections", e) if outcome(v) == 1])


def _with_code(visits: list[Rec], code: str) -> int:
    return sum(1 for v in visits if code in (v["result_codes"] or "").split(";"))


@oracle(inspections=36)
def visits_refused_3y(w: World, e: str) -> Value:
    return _with_code(w.recent("inspections", e, 36), "8")


@oracle(inspections=36)
def handling_pending_3y(w: World, e: str) -> Value:
    return _with_code(w.recent("inspections", e, 36), "A")


@oracle(inspections=36)
def ordered_corrected_3y(w: World, e: str) -> Value:
    return _with_code(w.recent("inspections", e, 36), "E")


@oracle(inspections=24)
def clean_visits_2y(w: World, e: str) -> Value:
    found, visits = _found([v for v in w.recent("inspections", e, 24) if v["arm"] == "random"])
    return int(visits > 0 and found == 0)


@oracle(inspections=None)
def days_since_clean_visit(w: World, e: str) -> Value:
    return w.days_since([v for v in w.seen("inspections", e) if outcome(v) == 0])


@oracle(inspections=12)
def clean_visits_1y(w: World, e: str) -> Value:
    return sum(1 for v in w.recent("inspections", e, 12) if outcome(v) == 0)


@oracle(inspections=None)
def clean_visits_ever(w: World, e: str) -> Value:
    return sum(1 for v in w.seen("inspections", e) if outcome(v) == 0)


@oracle(draws=36)
def draws_unvisited_3y(w: World, e: str) -> Value:
    missed = ("not_carried_out", "excused", "capped")
    return sum(1 for d in w.recent("draws", e, 36) if d["fate"] in missed)


# Courts, products, talks, repair


@oracle(lawsuits=36)
def lawsuits_defendant_3y(w: World, e: str) -> Value:
    return sum(1 for s in w.recent("lawsuits", e, 36) if s["suit_role"] == "defendant")


@oracle(lawsuits=36)
def lawsuit_amount_3y(w: World, e: str) -> Value:
    return total([s for s in w.recent("lawsuits", e, 36) if s["suit_role"] == "defendant"], "amount_fen")


@oracle(product_samples=24)
def samples_failed_2y(w: World, e: str) -> Value:
    return sum(1 for s in w.recent("product_samples", e, 24) if s["result"] == "failed")


@oracle(product_samples=24)
def samples_failed_share_2y(w: World, e: str) -> Value:
    tested = [s for s in w.recent("product_samples", e, 24) if s["result"] is not None]
    return (sum(1 for s in tested if s["result"] == "failed") + 1) / (len(tested) + 20)


@oracle(recalls=36)
def recalls_ordered_3y(w: World, e: str) -> Value:
    return sum(1 for r in w.recent("recalls", e, 36) if r["recall_kind"] == "ordered")


@oracle(recalls=36)
def recalls_voluntary_3y(w: World, e: str) -> Value:
    return sum(1 for r in w.recent("recalls", e, 36) if r["recall_kind"] == "voluntary")


@oracle(recalls=None)
def recalls_unfinished(w: World, e: str) -> Value:
    return len(w.open_now("recalls", e))


@oracle(certificates=None)
def certificates_valid(w: World, e: str) -> Value:
    count = 0
    for c in w.open_now("certificates", e):
        if c["certificate_status"] == "valid" and (c["valid_to"] is None or c["valid_to"] >= w.cutoff):
            count += 1
    return count


@oracle(certificates=None)
def certificates_withdrawn_3y(w: World, e: str) -> Value:
    gone = ("withdrawn", "suspended")
    return sum(1 for c in w.seen("certificates", e) if c["certificate_status"] in gone and w.within(c["ended_on"], 36))


@oracle(special_equipment=None)
def equipment_in_use(w: World, e: str) -> Value:
    return sum(1 for s in w.seen("special_equipment", e) if s["equipment_status"] == "in_use")


@oracle(special_equipment=None)
def equipment_overdue(w: World, e: str) -> Value:
    overdue = 0
    for s in w.seen("special_equipment", e):
        if s["equipment_status"] == "in_use" and s["inspection_due"] is not None and s["inspection_due"] < w.cutoff:
            overdue += 1
    return overdue


@oracle(warning_talks=12)
def warning_talks_1y(w: World, e: str) -> Value:
    return len(w.recent("warning_talks", e, 12))


@oracle(repairs=36)
def repairs_granted_3y(w: World, e: str) -> Value:
    return sum(1 for r in w.recent("repairs", e, 36) if r["state"] == "granted")


@oracle(objections=36)
def objections_upheld_3y(w: World, e: str) -> Value:
    return sum(1 for o in w.recent("objections", e, 36) if o["state"] == "upheld")
