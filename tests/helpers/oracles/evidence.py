"""Oracles of the evidence columns: which records hit which rule of HB 12 and 13."""

from __future__ import annotations

from collections.abc import Callable

from helpers.oracles.world import World, kinds, months_before


def _text(hits: list[str]) -> str:
    return ";".join(sorted(hits))


def _penalties(w: World, e: str, kind: str) -> list[str]:
    return [
        f"penalties:{p['record_id']}"
        for p in w.seen("penalties", e, direct=True)
        if p["authority_kind"] == "market_regulation"
        and kind in kinds(p)
        and p["occurred_at"] >= months_before(w.cutoff, 36)
    ]


def suspended(w: World, e: str) -> str:
    """H12.2: ordered by the market regulator to suspend, in 3 years."""
    return _text(_penalties(w, e, "suspension"))


def licence_revoked(w: World, e: str) -> str:
    """H12.3: the market regulator revoked a licence in 3 years, by a penalty or on the licence itself."""
    hits = _penalties(w, e, "licence_revoked")
    for licence in w.seen("licences", e, direct=True):
        ours = licence["authority_kind"] == "market_regulation" and licence["licence_status"] == "revoked"
        if ours and w.within(licence["ended_on"], 36):
            hits.append(f"licences:{licence['record_id']}")
    return _text(hits)


def bad_press(w: World, e: str) -> str:
    """H12.4: negative reports of high attention, confirmed by a human, in 3 months."""
    hits = []
    for report in w.seen("public_opinion", e, direct=True):
        strong = report["tone"] == "negative" and report["attention"] == "high" and report["confirmed"]
        if strong and report["occurred_at"] >= months_before(w.cutoff, 3):
            hits.append(f"public_opinion:{report['record_id']}")
    return _text(hits)


def serious(w: World, e: str) -> str:
    """H13.1: on the serious-violation list now."""
    entries = w.seen("serious_list", e, direct=True)
    return _text([f"serious_list:{s['record_id']}" for s in entries if w.is_open(s)])


def _listed(w: World, e: str, *, debtor: bool) -> str:
    hits = []
    for entry in w.seen("blacklists", e, direct=True):
        if w.is_open(entry) and (entry["list_kind"] == "judgment_debtor") == debtor:
            hits.append(f"blacklists:{entry['record_id']}")
    return _text(hits)


def debtor(w: World, e: str) -> str:
    """H13.2: on the courts' list now."""
    return _listed(w, e, debtor=True)


def blacklisted(w: World, e: str) -> str:
    """H13.3: on another department's list now."""
    return _listed(w, e, debtor=False)


EVIDENCE_ORACLES: dict[str, Callable[[World, str], str]] = {
    "evidence_H12_2": suspended,
    "evidence_H12_3": licence_revoked,
    "evidence_H12_4": bad_press,
    "evidence_H13_1": serious,
    "evidence_H13_2": debtor,
    "evidence_H13_3": blacklisted,
}
