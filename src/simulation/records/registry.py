"""Records of the register: entry and status, people, holders, branches, licences, changes, filings."""

from __future__ import annotations

import numpy as np

from features.contract import codes as c
from simulation.base.months import NEVER
from simulation.base.rng import Bools, Ints
from simulation.base.rows import NULL, TableRows
from simulation.records.events import Chunk, Events, strike
from simulation.world.life import STATUS
from simulation.world.population import GROUP_BASE, NEW_BASE, founding_day

Tables = dict[str, TableRows]
INITIAL = 8000
"""Slots from here on hold what an enterprise has from its beginning."""
FIRST_LICENCE, OTHER_LICENCE = 8000, 8100
LICENCE_DAYS = 5 * 365
LATE_RENEWAL = (100, 800)
LICENCE = {code: i for i, code in enumerate(c.LICENCE_KIND.codes)}
LICENCE_STATUS = {code: i for i, code in enumerate(c.LICENCE_STATUS.codes)}
ROLE = {code: i for i, code in enumerate(c.ROLE.codes)}
HOLDER = {code: i for i, code in enumerate(c.HOLDER_KIND.codes)}
ITEMS = list(c.CHANGE_ITEM.codes)
FILING = {code: i for i, code in enumerate(c.FILING_KIND.codes)}
BRANCH_TYPE = list(c.ENTERPRISE_TYPE.codes).index("branch")
EQUIPMENT_SECTIONS = ("C", "D", "B", "H", "K", "Q")


def record_registration(chunk: Chunk, tables: Tables) -> None:
    """Write the entry in the register and its changes of status."""
    pop, life, s = chunk.pop, chunk.life, chunk.world.stream
    lag = s.days("registration lag", chunk.world.policy.lags["registration"], pop.index)
    table = tables["registration"]
    table.add(
        pop.index, 0, pop.founded + lag, pop.founded,
        uscc=0, name=0, enterprise_type=pop.type, industry=pop.industry, region=pop.region,
        registered_capital_fen=np.where(pop.type == BRANCH_TYPE, NULL, pop.capital),
        shareholder_type=pop.shareholder, status=STATUS["active"], status_since=pop.founded,
        listed=pop.listed * 1, high_tech=pop.high_tech * 1, address_id=pop.address, phone_id=pop.phone,
        agent_id=np.where(pop.agent < 0, NULL, pop.agent),
    )  # fmt: skip
    for day, status in ((life.liquidating, STATUS["liquidating"]), (life.ended, life.status)):
        hit = day < NEVER
        now = np.broadcast_to(status, hit.shape)
        table.add(pop.index[hit], 0, day[hit] + lag[hit], status=now[hit], status_since=day[hit])
    hit = life.liquidating < NEVER
    tables["filings"].add(
        pop.index[hit], 9000, life.liquidating[hit] + 2, life.liquidating[hit], filing_kind=FILING["liquidation_group"]
    )


def _before(e: Events, slots: Ints, first: int) -> Ints:
    """Return the slot of the same enterprise's event before each event; ``first`` for its first."""
    same = np.zeros(len(e), dtype=np.bool_)
    same[1:] = e.row[1:] == e.row[:-1]
    return np.where(same, np.concatenate([slots[:1], slots[:-1]]), first)


def _doublings(chunk: Chunk, e: Events) -> tuple[Ints, Ints]:
    """Return registered capital before and after each change, halvings and doublings added up."""
    step = np.array([1.0, 2.0, 3.0, -1.0])[chunk.pick("capital step", [5, 2, 1, 1.5], e)]
    total = np.cumsum(step)
    new = _before(e, np.arange(len(e)), -1) < 0
    start = np.maximum.accumulate(np.where(new, np.arange(len(e)), 0))
    after = np.clip(total - total[start] + step[start], -4, 12)
    before = np.where(new, 0.0, np.concatenate([after[:1], after[:-1]]))
    capital = chunk.pop.capital[e.row]
    return (capital * 2.0**before).astype(np.int64), (capital * 2.0**after).astype(np.int64)


def record_changes(chunk: Chunk, tables: Tables) -> None:
    """Write changes of registered items, each with its version of the register entry, post or share."""
    s = chunk.world.stream
    roles, holders = tables["persons_roles"], tables["shareholdings"]
    for number, item in enumerate(ITEMS):
        kind = {"legal_representative": "representative"}.get(item, item)
        e = strike(chunk, f"change_{kind}", offset=4 * number, most=1)
        if item in ("capital", "shareholders"):
            e = e.where(chunk.pop.type[e.row] != BRANCH_TYPE)
        who, known = chunk.who(e), e.day + chunk.span(f"change lag {item}", chunk.world.policy.lags["changes"], e)
        before = after = np.full(len(e), NULL)
        if item == "name":
            tables["registration"].add(who, 0, known, name=1 + e.month)
        elif item == "address":
            tables["registration"].add(who, 0, known, address_id=NEW_BASE + who * 240 + e.month)
        elif item == "capital":
            before, after = _doublings(chunk, e)
            tables["registration"].add(who, 0, known, registered_capital_fen=after)
        elif item == "legal_representative":
            known_elsewhere = chunk.uniform("serial representative", e) < 0.25
            serial = GROUP_BASE + s.below("other group", chunk.world.groups, who, e.slot)
            person = np.where(known_elsewhere, serial, NEW_BASE + who * 240 + e.month)
            roles.add(who, _before(e, e.slot, INITIAL), known, ended_on=e.day)
            roles.add(who, e.slot, known, e.day, person_id=person, role=ROLE["legal_representative"])
        elif item == "shareholders":
            share = s.days("share", (100, 700), who) * 1000
            holders.add(who, _before(e, e.slot, INITIAL), known, ended_on=e.day)
            holders.add(
                who, e.slot, known, e.day,
                holder_kind=HOLDER["person"], holder_id=NEW_BASE + who * 240 + e.month, share_ppm=share,
                subscribed_fen=chunk.pop.capital[e.row] // 1000 * (share // 1000), paid_in_fen=0,
            )  # fmt: skip
        tables["changes"].add(who, e.slot, known, e.day, item=number, before_fen=before, after_fen=after)
    e = strike(chunk, "filing")
    kinds = ("articles", "managers", "liaison", "voluntary_information", "confirmation", "ruling")
    filed = np.array([FILING[k] for k in kinds])[chunk.pick("filing kind", [4, 4, 4, 2, 0.4, 0.2], e)]
    tables["filings"].add(chunk.who(e), e.slot, e.day + chunk.lag("filings", e), e.day, filing_kind=filed)


def record_people_and_holders(chunk: Chunk, tables: Tables) -> None:
    """Write the posts and shares an enterprise has from its beginning."""
    pop, s = chunk.pop, chunk.world.stream
    known = pop.founded + s.days("role lag", chunk.world.policy.lags["persons_roles"], pop.index)
    roles, holders = tables["persons_roles"], tables["shareholdings"]
    roles.add(pop.index, INITIAL, known, pop.founded, person_id=pop.representative, role=ROLE["legal_representative"])
    for number, role in enumerate(("supervisor", "manager", "director", "director"), start=1):
        at_all = s.uniform(f"has {role} {number}", pop.index) < (0.8, 0.35, 0.15, 0.08)[number - 1] + 0.08 * pop.size
        at_all &= pop.type != BRANCH_TYPE
        own = pop.index * 8 + number
        shared = s.uniform(f"shared {role} {number}", pop.index) < 0.08
        person = np.where(shared, GROUP_BASE + pop.group, own)
        roles.add(
            pop.index[at_all], INITIAL + number, known[at_all], pop.founded[at_all],
            person_id=person[at_all], role=ROLE[role],
        )  # fmt: skip

    company = pop.type != BRANCH_TYPE
    share = s.days("share", (100, 700), pop.index) * 1000
    owned = (pop.owner >= 0) & company & (s.uniform("owner holds", pop.index) < 0.75)
    owner_share = np.where(owned, s.days("owner share", (100, 290), pop.index) * 1000, 0)
    paid = s.uniform("paid in", pop.index) ** np.where(pop.shell, 6.0, 0.6)
    since = np.maximum(pop.founded, founding_day(chunk.world, np.maximum(pop.owner, 0)))
    kind = np.select(
        [pop.shareholder == 2, pop.shareholder == 3], [HOLDER["state"], HOLDER["foreign"]], HOLDER["person"]
    )
    rest = 1_000_000 - share - owner_share
    for slot, which, kinds, holder, ppm, day in (
        (0, company, np.full(len(pop), HOLDER["person"]), pop.index * 8 + 7, share, pop.founded),
        (1, company, kind, np.where(kind == HOLDER["person"], pop.representative, pop.index), rest, pop.founded),
        (2, owned, np.full(len(pop), HOLDER["enterprise"]), pop.owner, owner_share, since),
    ):
        subscribed = pop.capital // 1000 * (ppm // 1000)
        holders.add(
            pop.index[which], INITIAL + slot, (day + 3)[which], day[which],
            holder_kind=kinds[which], holder_id=holder[which], share_ppm=ppm[which],
            subscribed_fen=subscribed[which], paid_in_fen=(subscribed * paid).astype(np.int64)[which] // 100 * 100,
        )  # fmt: skip


def licence_grant(chunk: Chunk) -> Ints:
    """Return the day the industry's licence current at the beginning was granted; ``NEVER`` without."""
    pop, s, cal = chunk.pop, chunk.world.stream, chunk.world.calendar
    needs = np.array([bool(i.licence) for i in chunk.world.policy.industries])[pop.industry]
    needs = needs & (s.uniform("licensed", pop.index) < 0.85)
    first = pop.founded + s.days("licence wait", (1, 20), pop.index)
    # Some have gone on for a while with an expired one when the history begins.
    oldest = int(LICENCE_DAYS * (1.0 + chunk.world.policy.life.licence_lapsed_at_start))
    renewed = cal.begin - s.below("licence age", oldest, pop.index)
    return np.where(needs, np.maximum(first, renewed), NEVER)


def licence_periods(chunk: Chunk) -> list[tuple[Bools, Ints]]:
    """Return, for each turn, who holds the industry's licence then and the day it was granted."""
    pop, s, cal = chunk.pop, chunk.world.stream, chunk.world.calendar
    last = np.minimum(chunk.life.ended, cal.end)
    day, periods = licence_grant(chunk), []
    while (here := day < last).any():
        periods.append((here, day))
        turn = len(periods)
        t = np.clip(cal.month_of(day + LICENCE_DAYS), 0, cal.months - 1)
        bad = np.take_along_axis(chunk.latent.misconduct, t[:, None], axis=1)[:, 0]
        renews = s.uniform("renewal", pop.index, turn) < chunk.world.policy.life.licence_renewed - 0.07 * bad
        wait = s.days("renewal day", (-40, 60), pop.index, turn)
        # Most of those who forget are told in the end.
        late = s.uniform("late renewal", pop.index, turn) < chunk.world.policy.life.licence_late_renewed
        wait = np.where(renews, wait, s.days("late renewal day", LATE_RENEWAL, pop.index, turn))
        day = np.where(here & (renews | late), day + LICENCE_DAYS + wait, NEVER)
    return periods


def licence_lapsed(chunk: Chunk) -> Bools:
    """Say in which months an enterprise that needs a licence goes on with an expired one, (n, months)."""
    begins = chunk.world.calendar.starts[None, :-1]
    had = np.zeros((len(chunk.pop), chunk.world.calendar.months), dtype=np.bool_)
    valid = had.copy()
    for here, day in licence_periods(chunk):
        began = here[:, None] & (day[:, None] <= begins)
        had |= began
        valid |= began & (begins < day[:, None] + LICENCE_DAYS)
    return had & ~valid


def record_licences(chunk: Chunk, tables: Tables) -> None:
    """Write licences and their renewals."""
    pop, life, s, cal = chunk.pop, chunk.life, chunk.world.stream, chunk.world.calendar
    kinds = [LICENCE[i.licence] if i.licence else LICENCE["other"] for i in chunk.world.policy.industries]
    kind = np.array(kinds)[pop.industry]
    authority = np.where(np.isin(kind, [LICENCE[k] for k in ("food", "drug", "special_equipment")]), 0, 1)
    authority = np.where(kind == LICENCE["industrial_product"], 0, authority)
    lag = s.days("licence lag", chunk.world.policy.lags["licences"], pop.index)
    last = np.minimum(life.ended, cal.end)
    for turn, (here, day) in enumerate(licence_periods(chunk)):
        tables["licences"].add(
            pop.index[here], FIRST_LICENCE + turn, (day + lag)[here], day[here],
            licence_no=FIRST_LICENCE + turn, licence_kind=kind[here], authority_kind=authority[here],
            valid_to=(day + LICENCE_DAYS - 1)[here], licence_status=LICENCE_STATUS["valid"],
        )  # fmt: skip

    other = s.uniform("other licence", pop.index) < 0.12 * np.exp(0.3 * pop.size)
    day = np.maximum(pop.founded + 30, cal.begin - s.below("other licence age", 900, pop.index))
    here = other & (day < last)
    tables["licences"].add(
        pop.index[here], OTHER_LICENCE, (day + lag)[here], day[here],
        licence_no=OTHER_LICENCE, licence_kind=LICENCE["other"], authority_kind=1,
        valid_to=(day + s.days("other licence years", (365, 2200), pop.index))[here],
        licence_status=LICENCE_STATUS["valid"],
    )  # fmt: skip
    closed = here & (life.ended < cal.end) & (life.ended > day + 20)
    tables["licences"].add(
        pop.index[closed], OTHER_LICENCE, life.ended[closed] + 5,
        licence_status=LICENCE_STATUS["surrendered"], ended_on=life.ended[closed],
    )  # fmt: skip


def record_branches_and_equipment(chunk: Chunk, tables: Tables) -> None:
    """Write branches and special equipment with its yearly inspections."""
    pop, life, s, cal = chunk.pop, chunk.life, chunk.world.stream, chunk.world.calendar
    e = strike(chunk, "branch", most=2)
    districts = chunk.world.policy.population.districts
    place = s.below("branch place", districts, chunk.who(e), e.slot)
    region = 990_001 + 100 * (1 + place // 10) + place % 10
    known = e.day + chunk.lag("branches", e)
    tables["branches"].add(chunk.who(e), e.slot, known, e.day, region=region)
    end = e.day + chunk.span("branch days", (200, 4000), e)
    closed = end < np.minimum(cal.end, life.ended[e.row])
    tables["branches"].add(chunk.who(e)[closed], e.slot[closed], end[closed] + 5, ended_on=end[closed])
    for number in range(3):
        early = s.uniform("early branch", pop.index, number) < 0.05 * np.exp(0.8 * np.minimum(pop.size, 3.0))
        day = pop.founded + s.days("early branch day", (40, 900), pop.index, number)
        early &= (day < np.minimum(cal.end, life.ended)) & (pop.type != BRANCH_TYPE)
        tables["branches"].add(pop.index[early], INITIAL + number, day[early] + 6, day[early], region=pop.region[early])

    section = np.array([i.code[0] for i in chunk.world.policy.industries])[pop.industry]
    machine = np.isin(section, EQUIPMENT_SECTIONS)
    for number in range(4):
        has = s.uniform("equipment", pop.index, number) < 0.09 * machine * np.exp(0.7 * np.minimum(pop.size, 3.0))
        day = np.maximum(pop.founded + 30, cal.begin - s.below("equipment age", 3000, pop.index, number))
        has &= day < np.minimum(cal.end, life.ended) - 30
        i, first = np.flatnonzero(has), day[has]
        kind = s.choice("equipment kind", [4, 1, 2, 1.5, 2], pop.index[i], number)
        tables["special_equipment"].add(
            pop.index[i], INITIAL + number, first + 10, first,
            equipment_kind=kind, inspection_due=first + 365, equipment_status=0,
        )  # fmt: skip
        for turn in range(1, 1 + (cal.end - cal.begin) // 365 + 9):
            t = np.clip(cal.month_of(first + 365 * turn), 0, cal.months - 1)
            late = s.uniform("equipment late", pop.index[i], number * 100 + turn) < 0.10 + 0.06 * np.clip(
                chunk.latent.misconduct[i, t], -1.5, 3.0
            )
            done = ~late & (first + 365 * turn < np.minimum(cal.end, life.ended[i]))
            # An inspection left out leaves the old due date standing until the next one.
            tables["special_equipment"].add(
                pop.index[i][done], INITIAL + number, (first + 365 * turn)[done],
                inspection_due=(first + 365 * (turn + 1))[done],
            )  # fmt: skip
