"""Records of money and staff: annual reports, tax, social insurance, property, encumbrances."""

from __future__ import annotations

import numpy as np

from features.contract import codes as c
from simulation.base.months import NEVER
from simulation.base.rng import Bools, Floats, Ints
from simulation.base.rows import NULL, TableRows
from simulation.records.conduct import YEARLY_SLOT, tells
from simulation.records.events import PER_MONTH, Chunk, strike
from simulation.world.latent import probability

Tables = dict[str, TableRows]
GRADE = {code: i for i, code in enumerate(c.TAX_GRADE.codes)}
CERTIFICATE = {code: i for i, code in enumerate(c.CERTIFICATE_STATUS.codes)}
CERTIFICATE_DAYS = 3 * 365
HALF_YEARS = (6, 12)


def staff_at(chunk: Chunk, t: int) -> Ints:
    """Return the staff in a month: it shrinks in distress, and the dormant have none."""
    pop = chunk.pop
    drift = np.exp(
        -0.18 * chunk.latent.distress[:, t] + 0.1 * chunk.world.stream.normal("staff drift", pop.index, t // 6)
    )
    return np.where(chunk.life.dormant[:, t], 0, np.round(pop.staff * drift)).astype(np.int64)


def _yearly_revenue(chunk: Chunk, t: int, year: int) -> Floats:
    """Return the revenue of a year in yuan; shells and the idle have none."""
    pop, s = chunk.pop, chunk.world.stream
    logs = 11.6 + 0.9 * np.log1p(pop.staff) + 0.8 * s.normal("revenue", pop.index)
    logs = logs - 0.25 * chunk.latent.distress[:, t] + 0.2 * s.normal("revenue year", pop.index, year)
    idle = s.uniform("idle", pop.index) < np.where(pop.shell, 0.6, 0.05) + 0.02 * np.clip(
        chunk.latent.misconduct[:, t], 0, 3
    )
    return np.where(idle | chunk.life.dormant[:, t], 0.0, np.exp(np.minimum(logs, 24.0)))


def record_annual_reports(chunk: Chunk, tables: Tables) -> None:
    """Write the annual reports submitted in the history, some amended later."""
    pop, s, cal = chunk.pop, chunk.world.stream, chunk.world.calendar
    table = tables["annual_reports"]
    for year, day in chunk.life.submitted.items():
        t = min(max(cal.month_at(year, 12), 0), cal.months - 1)
        hit = np.flatnonzero((day >= cal.begin) & (day < NEVER))
        who = pop.index[hit]
        revenue = _yearly_revenue(chunk, t, year)[hit]
        d = chunk.latent.distress[hit, t]
        margin = 0.05 - 0.045 * d + 0.06 * s.normal("margin", who, year)
        assets = (revenue * 0.7 + pop.capital[hit] / 400) * np.exp(0.5 * s.normal("assets", who))
        debt = probability(-0.3 + 0.55 * d + 0.6 * s.normal("debt", who, year))
        paid = s.uniform("paid in", who) ** np.where(pop.shell[hit], 6.0, 0.6)
        zero = revenue == 0
        slot = YEARLY_SLOT + year - cal.years.start + 4
        known = day[hit] + s.days("report lag", chunk.world.policy.lags["annual_reports"], who, year)
        table.add(
            who, slot, known, day[hit],
            report_year=year, amended=0, revenue_fen=_fen(revenue), profit_fen=_fen(revenue * margin),
            assets_fen=np.where(zero & (paid < 0.3), 0, _fen(assets)),
            liabilities_fen=np.where(zero, 0, _fen(assets * debt)),
            paid_in_fen=(pop.capital[hit] * paid).astype(np.int64) // 100 * 100,
            tax_fen=_fen(revenue * 0.025), employees=staff_at(chunk, t)[hit],
        )  # fmt: skip
        amends = s.uniform("amends", who, year) < 0.025 + 0.01 * np.clip(chunk.latent.misconduct[hit, t], 0, 3)
        again = known + s.days("amended after", (5, 150), who, year)
        amends &= again < chunk.life.ended[hit]
        factor = np.exp(0.4 * s.normal("amended revenue", who, year))
        table.add(who[amends], slot, again[amends], amended=1, revenue_fen=_fen(revenue * factor)[amends])


def _fen(yuan: Floats) -> Ints:
    return yuan.astype(np.int64) * 100


def _tax_grade(chunk: Chunk, t: int, young: Bools) -> Ints:
    """Return the yearly tax credit grade: a noisy view of conduct and distress."""
    year = chunk.world.calendar.year(t)
    seen = (
        0.5 * chunk.latent.misconduct[:, t]
        + 0.35 * chunk.latent.distress[:, t]
        + 1.05 * chunk.world.stream.normal("tax grade", chunk.pop.index, year)
    )
    grade = np.array([GRADE[g] for g in ("A", "B", "C", "D")])[np.searchsorted([-0.85, 1.4, 2.3], seen)]
    return np.where(young & (grade <= GRADE["B"]), GRADE["M"], grade)


def record_tax_and_insurance(chunk: Chunk, tables: Tables) -> None:
    """Write tax and insured staff by half-years."""
    pop, s, cal = chunk.pop, chunk.world.stream, chunk.world.calendar
    lags = chunk.world.policy.lags
    for t in range(cal.months):
        if cal.calendar_month(t) not in HALF_YEARS:
            continue
        day, slot = int(cal.starts[t + 1]) - 1, t * PER_MONTH
        d, m = chunk.latent.distress[:, t], chunk.latent.misconduct[:, t]
        half = _yearly_revenue(chunk, t, cal.year(t)) * 0.5
        young = (day - pop.founded) < 3 * 365
        owes = s.uniform("arrears", pop.index, t) < probability(-3.9 + 0.8 * d + 0.4 * m)
        arrears = np.where(
            owes, _fen(np.maximum(half * 0.02, 500.0) * np.exp(s.normal("arrears size", pop.index, t))), 0
        )
        files = chunk.life.exists[:, t] & (chunk.life.ended > day)
        files &= chunk.life.active[:, t] | (s.uniform("idle filer", pop.index, t) < 0.4)
        who = pop.index[files]
        tables["tax"].add(
            who, slot, day + s.days("tax lag", lags["tax"], who, t), day,
            tax_paid_fen=_fen(half * 0.03 * np.exp(0.3 * s.normal("tax paid", pop.index, t)))[files],
            arrears_fen=arrears[files], credit_grade=_tax_grade(chunk, t, young)[files],
        )  # fmt: skip
        covered = probability(1.3 - 0.4 * m + 0.7 * s.normal("coverage", pop.index))
        insured = np.round(staff_at(chunk, t) * covered).astype(np.int64)
        unpaid = files & (insured > 0) & (s.uniform("unpaid", pop.index, t) < probability(-4.0 + 0.9 * d + 0.3 * m))
        amount = np.where(unpaid, insured * 80_000 * (1 + s.below("unpaid months", 5, pop.index, t)), 0)
        tables["social_insurance"].add(
            who, slot, day + s.days("insurance lag", lags["social_insurance"], who, t), day,
            insured_staff=insured[files], unpaid_fen=amount[files],
        )  # fmt: skip


def record_certificates(chunk: Chunk, tables: Tables) -> None:
    """Write certificates for three years, some suspended or withdrawn for bad conduct."""
    e = strike(chunk, "certificate", most=1)
    who, known = chunk.who(e), e.day + chunk.lag("certificates", e)
    tables["certificates"].add(
        who, e.slot, known, e.day, valid_to=e.day + CERTIFICATE_DAYS - 1, certificate_status=CERTIFICATE["valid"]
    )
    bad = chunk.uniform("certificate lost", e) < tells(chunk, "certificate_lost", e)
    day = e.day + chunk.span("certificate lost day", (60, 900), e)
    bad &= day < chunk.life.ended[e.row]
    withdrawn = chunk.uniform("withdrawn", e) < 0.6
    status = np.where(withdrawn, CERTIFICATE["withdrawn"], CERTIFICATE["suspended"])
    ended = np.where(withdrawn, day, NULL)
    tables["certificates"].add(who[bad], e.slot[bad], day[bad] + 9, certificate_status=status[bad], ended_on=ended[bad])
    over = ~bad & (e.day + CERTIFICATE_DAYS < chunk.world.calendar.end)
    end = e.day + CERTIFICATE_DAYS
    tables["certificates"].add(
        who[over], e.slot[over], end[over] + 1, certificate_status=CERTIFICATE["expired"], ended_on=end[over]
    )


def record_property(chunk: Chunk, tables: Tables) -> None:
    """Write intellectual property, pledges, freezes and mortgages."""
    cal = chunk.world.calendar
    e = strike(chunk, "intellectual_property", most=3)
    known = e.day + chunk.lag("intellectual_property", e)
    kind = chunk.pick("ip kind", [5, 2, 3], e)
    tables["intellectual_property"].add(chunk.who(e), e.slot, known, e.day, ip_kind=kind)
    lapses = chunk.uniform("ip lapses", e) < 0.1
    end = e.day + chunk.span("ip days", (300, 1500), e)
    lapses &= end < cal.end
    tables["intellectual_property"].add(chunk.who(e)[lapses], e.slot[lapses], end[lapses] + 20, ended_on=end[lapses])

    e = strike(chunk, "encumbrance", dormant_too=True)
    d = chunk.distress(e)
    frozen = chunk.uniform("frozen", e) < probability(-1.2 + 0.8 * d)
    other = np.array([0, 2, 3])[chunk.pick("encumbrance kind", [4, 5, 1], e)]
    kind = np.where(frozen, 1, other)
    logs = np.exp(np.minimum(13.0 + 0.6 * chunk.pop.size[e.row] + chunk.normal("pledged", e), 23.0))
    known = e.day + chunk.lag("encumbrances", e)
    tables["encumbrances"].add(
        chunk.who(e), e.slot, known, e.day, encumbrance_kind=kind, amount_fen=_fen(logs), ended_on=NULL
    )
    end = e.day + chunk.span("encumbrance days", (120, 1400), e)
    over = end < cal.end
    tables["encumbrances"].add(chunk.who(e)[over], e.slot[over], end[over] + 5, ended_on=end[over])
