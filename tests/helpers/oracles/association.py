"""Oracles of the association family: an enterprise's neighbours, found by asking everyone."""

from __future__ import annotations

from collections.abc import Callable

from helpers.oracles.world import Value, World, months_before, oracle

BAD: dict[str, int | None] = {
    "registration": None,
    "abnormal_list": None,
    "serious_list": None,
    "blacklists": None,
    "penalties": 36,
}
"""What must be known of all enterprises before one may be called good: lists and register now, penalties of 3 years."""


def _representatives(w: World, e: str) -> set[str]:
    posts = w.open_now("persons_roles", e)
    return {p["person_id"] for p in posts if p["role"] == "legal_representative"}


def _holders(w: World, e: str) -> set[str]:
    """Persons and enterprises with a share in it."""
    return {s["holder_id"] for s in w.open_now("shareholdings", e) if s["holder_kind"] in ("person", "enterprise")}


def neighbours(w: World, e: str) -> dict[str, set[str]]:
    """Other enterprises by link."""
    links: dict[str, set[str]] = {"representative": set(), "shareholder": set(), "investor": set(), "investee": set()}
    heads, holders = _representatives(w, e), _holders(w, e)
    for post in w.everyone("persons_roles"):
        if post["person_id"] in heads and post["role"] == "legal_representative" and w.is_open(post):
            links["representative"].add(post["enterprise_id"])
    for share in w.everyone("shareholdings"):
        if not w.is_open(share):
            continue
        if share["holder_id"] in holders:
            links["shareholder"].add(share["enterprise_id"])
        if share["holder_id"] == e:
            links["investee"].add(share["enterprise_id"])
        if share["enterprise_id"] == e and share["holder_kind"] == "enterprise":
            links["investor"].add(share["holder_id"])
    return {link: found - {e} for link, found in links.items()}


def related(w: World, e: str) -> set[str]:
    """All its neighbours, by any link."""
    return set().union(*neighbours(w, e).values())


def _revoked(w: World, e: str) -> bool:
    return any(r["status"] == "revoked" for r in w.seen("registration", e))


def _abnormal(w: World, e: str) -> bool:
    return bool(w.open_now("abnormal_list", e))


def _debtor(w: World, e: str) -> bool:
    return any(b["list_kind"] == "judgment_debtor" for b in w.open_now("blacklists", e))


def _blacklisted(w: World, e: str) -> bool:
    other = any(b["list_kind"] != "judgment_debtor" for b in w.open_now("blacklists", e))
    return other or bool(w.open_now("serious_list", e))


def _penalties(w: World, e: str) -> int:
    return sum(1 for p in w.seen("penalties", e) if p["occurred_at"] >= months_before(w.cutoff, 36))


def bad(w: World, e: str) -> bool:
    """Revoked, on any list now, or penalised in 3 years."""
    return _revoked(w, e) or _abnormal(w, e) or _debtor(w, e) or _blacklisted(w, e) or _penalties(w, e) > 0


def _share(w: World, e: str, test: Callable[[World, str], bool]) -> float:
    others = related(w, e)
    return (sum(1 for o in others if test(w, o)) + 1) / (len(others) + 9)


@oracle(persons_roles=None, shareholdings=None)
def firms_per_representative(w: World, e: str) -> Value:
    return len(neighbours(w, e)["representative"])


@oracle(persons_roles=None, shareholdings=None)
def firms_per_shareholder(w: World, e: str) -> Value:
    return len(neighbours(w, e)["shareholder"])


@oracle(persons_roles=None, shareholdings=None)
def related_enterprises(w: World, e: str) -> Value:
    return len(related(w, e))


@oracle(persons_roles=None, shareholdings=None, **BAD)
def related_bad_share(w: World, e: str) -> Value:
    return _share(w, e, bad)


@oracle(persons_roles=None, shareholdings=None, registration=None)
def related_revoked_share(w: World, e: str) -> Value:
    return _share(w, e, _revoked)


@oracle(persons_roles=None, shareholdings=None, abnormal_list=None)
def related_abnormal_share(w: World, e: str) -> Value:
    return _share(w, e, _abnormal)


@oracle(persons_roles=None, shareholdings=None, serious_list=None, blacklists=None)
def related_blacklisted_share(w: World, e: str) -> Value:
    return _share(w, e, _blacklisted)


@oracle(persons_roles=None, shareholdings=None, blacklists=None)
def related_debtor_share(w: World, e: str) -> Value:
    return _share(w, e, _debtor)


@oracle(persons_roles=None, shareholdings=None, penalties=36)
def related_penalised_share(w: World, e: str) -> Value:
    return _share(w, e, lambda world, other: _penalties(world, other) > 0)


@oracle(persons_roles=None, shareholdings=None, penalties=36)
def related_penalties_3y(w: World, e: str) -> Value:
    return max((_penalties(w, o) for o in related(w, e)), default=0)


@oracle(persons_roles=None, shareholdings=None, **BAD)
def two_hop_bad_share(w: World, e: str) -> Value:
    """Paths of two links to others than itself: those that end at a bad enterprise, of all."""
    paths = bad_paths = 0
    for middle in related(w, e):
        for end in related(w, middle) - {e}:
            paths += 1
            bad_paths += bad(w, end)
    return (bad_paths + 1) / (paths + 9)


def _same(w: World, e: str, column: str) -> list[str]:
    """Other enterprises whose register entry has the same value, as often as they have it."""
    mine = [r[column] for r in w.seen("registration", e) if r[column] is not None]
    others = []
    for value in mine:
        for entry in w.everyone("registration"):
            if entry["enterprise_id"] != e and entry[column] == value:
                others.append(entry["enterprise_id"])
    return others


@oracle(registration=None)
def address_cluster_size(w: World, e: str) -> Value:
    return len(_same(w, e, "address_id"))


@oracle(registration=None)
def same_day_batch(w: World, e: str) -> Value:
    founded = {r["enterprise_id"]: r["occurred_at"] for r in w.everyone("registration")}
    return sum(1 for other in _same(w, e, "address_id") if founded[other] == founded[e])


@oracle(registration=None)
def shared_phone(w: World, e: str) -> Value:
    return len(_same(w, e, "phone_id"))


@oracle(registration=None)
def shared_agent(w: World, e: str) -> Value:
    return len(_same(w, e, "agent_id"))
