"""Oracles of the dynamic family."""

from __future__ import annotations

from datetime import date

from helpers.oracles.world import Rec, Value, World, last, months_before, oracle

# Licences


def _in_force(w: World, e: str) -> list[Rec]:
    return [
        licence
        for licence in w.open_now("licences", e)
        if licence["licence_status"] == "valid" and (licence["valid_to"] is None or licence["valid_to"] >= w.cutoff)
    ]


@oracle(licences=None)
def licences_held(w: World, e: str) -> Value:
    return len(_in_force(w, e))


@oracle(licences=None)
def safety_licences_held(w: World, e: str) -> Value:
    key = ("food", "drug", "special_equipment", "industrial_product", "hazardous")
    return sum(1 for licence in _in_force(w, e) if licence["licence_kind"] in key)


@oracle(licences=None)
def licences_expired(w: World, e: str) -> Value:
    count = 0
    for licence in w.open_now("licences", e):
        ran_out = licence["valid_to"] is not None and licence["valid_to"] < w.cutoff
        if ran_out and licence["licence_status"] == "valid":
            count += 1
    return count


@oracle(licences=None)
def licences_expiring(w: World, e: str) -> Value:
    dated = [licence for licence in _in_force(w, e) if licence["valid_to"] is not None]
    return sum(1 for licence in dated if licence["valid_to"] < w.in_days(90))


@oracle(licences=None)
def licences_revoked_3y(w: World, e: str) -> Value:
    gone = ("revoked", "withdrawn")
    return sum(1 for r in w.seen("licences", e) if r["licence_status"] in gone and w.within(r["ended_on"], 36))


# Changes and filings


def _changes(w: World, e: str, item: str | None) -> int:
    return sum(1 for c in w.recent("changes", e, 12) if item is None or c["item"] == item)


@oracle(changes=12)
def representative_changes_1y(w: World, e: str) -> Value:
    return _changes(w, e, "legal_representative")


@oracle(changes=12)
def name_changes_1y(w: World, e: str) -> Value:
    return _changes(w, e, "name")


@oracle(changes=12)
def address_changes_1y(w: World, e: str) -> Value:
    return _changes(w, e, "address")


@oracle(changes=12)
def scope_changes_1y(w: World, e: str) -> Value:
    return _changes(w, e, "scope")


@oracle(changes=12)
def shareholder_changes_1y(w: World, e: str) -> Value:
    return _changes(w, e, "shareholders")


@oracle(changes=12)
def changes_1y(w: World, e: str) -> Value:
    return _changes(w, e, None)


@oracle(changes=36)
def capital_jumps_3y(w: World, e: str) -> Value:
    jumps = 0
    for change in w.recent("changes", e, 36):
        before, after = change["before_fen"], change["after_fen"]
        if change["item"] != "capital" or before is None or after is None or before == after:
            continue
        if after >= 2 * before or before >= 2 * after:
            jumps += 1
    return jumps


@oracle(changes=None)
def days_since_change(w: World, e: str) -> Value:
    return w.days_since(w.seen("changes", e))


@oracle(shareholdings=None)
def shareholders_left_1y(w: World, e: str) -> Value:
    return len({s["holder_id"] for s in w.seen("shareholdings", e) if w.within(s["ended_on"], 12)})


@oracle(registration=None)
def in_liquidation(w: World, e: str) -> Value:
    status = last(w.seen("registration", e), "status")
    return None if status is None else int(status == "liquidating")


@oracle(filings=None)
def voluntary_filings(w: World, e: str) -> Value:
    return sum(1 for f in w.seen("filings", e) if f["filing_kind"] == "voluntary_information")


# Annual reports and finances


@oracle(annual_reports=None)
def annual_report_late(w: World, e: str) -> Value:
    reports = sorted(w.seen("annual_reports", e), key=lambda r: (r["occurred_at"], r["record_id"]))
    return int(reports[-1]["occurred_at"] > date(reports[-1]["report_year"] + 1, 6, 30)) if reports else 0


def _last_year_due(w: World) -> int:
    """The latest year whose report could have been missed: from 1 July on last year, else the one before."""
    return w.cutoff.year - 1 if w.cutoff >= date(w.cutoff.year, 7, 1) else w.cutoff.year - 2


@oracle(annual_reports=36, registration=None)
def annual_reports_missed_3y(w: World, e: str) -> Value:
    founded = last(w.seen("registration", e), "occurred_at")
    if founded is None:
        return None
    final = _last_year_due(w)
    given = {r["report_year"] for r in w.seen("annual_reports", e)}
    return sum(1 for year in (final - 2, final - 1, final) if year >= founded.year and year not in given)


@oracle(annual_reports=36)
def annual_reports_amended_3y(w: World, e: str) -> Value:
    return sum(1 for r in w.recent("annual_reports", e, 36) if r["amended"])


@oracle(annual_reports=None)
def all_zero_report(w: World, e: str) -> Value:
    stated: list[tuple[date, str, int]] = []
    for r in w.seen("annual_reports", e):
        values = (r["revenue_fen"], r["assets_fen"], r["employees"])
        if any(v is not None and v != 0 for v in values):
            stated.append((r["occurred_at"], r["record_id"], 0))
        elif None not in values:
            stated.append((r["occurred_at"], r["record_id"], 1))
    return max(stated)[2] if stated else 0


@oracle(annual_reports=None)
def revenue(w: World, e: str) -> Value:
    stated: int | None = last(w.seen("annual_reports", e), "revenue_fen")
    return stated


def _revenue_of(w: World, e: str, year: int) -> int | None:
    stated: int | None = last([r for r in w.seen("annual_reports", e) if r["report_year"] == year], "revenue_fen")
    return stated


@oracle(annual_reports=None)
def revenue_change(w: World, e: str) -> Value:
    final = _last_year_due(w)
    now, before = _revenue_of(w, e, final), _revenue_of(w, e, final - 1)
    return None if now is None or not before else (now - before) / before


@oracle(annual_reports=36)
def loss_years_3y(w: World, e: str) -> Value:
    reports = w.recent("annual_reports", e, 36)
    return len({r["report_year"] for r in reports if r["profit_fen"] is not None and r["profit_fen"] < 0})


@oracle(annual_reports=None)
def debt_ratio(w: World, e: str) -> Value:
    both = [r for r in w.seen("annual_reports", e) if r["liabilities_fen"] is not None and r["assets_fen"] is not None]
    debt, assets = last(both, "liabilities_fen"), last(both, "assets_fen")
    return None if not assets else debt / assets


@oracle(shareholdings=None)
def paid_in_ratio(w: World, e: str) -> Value:
    paid = subscribed = 0
    for share in w.open_now("shareholdings", e):
        if share["paid_in_fen"] is not None and share["subscribed_fen"] is not None:
            paid += share["paid_in_fen"]
            subscribed += share["subscribed_fen"]
    return None if subscribed == 0 else paid / subscribed


@oracle(registration=None, social_insurance=None)
def large_capital_no_staff(w: World, e: str) -> Value:
    capital = last(w.seen("registration", e), "registered_capital_fen")
    if capital is None:
        return None
    staff = last(w.seen("social_insurance", e), "insured_staff") or 0
    return int(capital >= 10_000_000 * 100 and staff == 0)


# Staff and tax


@oracle(social_insurance=None)
def insured_staff(w: World, e: str) -> Value:
    return last(w.seen("social_insurance", e), "insured_staff") or 0


@oracle(social_insurance=12)
def insured_staff_change_1y(w: World, e: str) -> Value:
    periods = w.seen("social_insurance", e)
    year_ago = months_before(w.cutoff, 12)
    now = last([p for p in periods if p["occurred_at"] >= year_ago], "insured_staff")
    before = last([p for p in periods if p["occurred_at"] < year_ago], "insured_staff")
    return None if now is None or before is None else now - before


@oracle(social_insurance=None)
def insurance_arrears(w: World, e: str) -> Value:
    return last(w.seen("social_insurance", e), "unpaid_fen") or 0


@oracle(tax=None)
def tax_paid(w: World, e: str) -> Value:
    return last(w.seen("tax", e), "tax_paid_fen") or 0


@oracle(tax=None)
def tax_arrears(w: World, e: str) -> Value:
    return last(w.seen("tax", e), "arrears_fen") or 0


@oracle(tax=None)
def tax_grade_a(w: World, e: str) -> Value:
    return int(last(w.seen("tax", e), "credit_grade") == "A")


@oracle(tax=None)
def tax_grade_poor(w: World, e: str) -> Value:
    return int(last(w.seen("tax", e), "credit_grade") in ("C", "D"))


# Intellectual property and encumbrances


def _rights(w: World, e: str, *kinds: str) -> int:
    return sum(1 for r in w.open_now("intellectual_property", e) if r["ip_kind"] in kinds)


@oracle(intellectual_property=None)
def intellectual_property_held(w: World, e: str) -> Value:
    return _rights(w, e, "trademark", "patent", "software")


@oracle(intellectual_property=None)
def trademarks_held(w: World, e: str) -> Value:
    return _rights(w, e, "trademark")


@oracle(intellectual_property=None)
def patents_held(w: World, e: str) -> Value:
    return _rights(w, e, "patent")


@oracle(intellectual_property=None)
def software_held(w: World, e: str) -> Value:
    return _rights(w, e, "software")


def _encumbered(w: World, e: str, kind: str) -> int:
    return sum(1 for r in w.open_now("encumbrances", e) if r["encumbrance_kind"] == kind)


@oracle(encumbrances=None)
def equity_freezes_now(w: World, e: str) -> Value:
    return _encumbered(w, e, "equity_freeze")


@oracle(encumbrances=None)
def equity_pledges_now(w: World, e: str) -> Value:
    return _encumbered(w, e, "equity_pledge")


@oracle(encumbrances=None)
def chattel_mortgages_now(w: World, e: str) -> Value:
    return _encumbered(w, e, "chattel_mortgage")


@oracle(encumbrances=None)
def ip_pledges_now(w: World, e: str) -> Value:
    return _encumbered(w, e, "ip_pledge")
