"""Regulatory family 监管信息, what visits found (SAMR (8)).

What visits drive is split by arm and set against the number of visits, so that being looked at is not mistaken for
being bad; and a visit that finds a violation moves no value in a safe direction.
"""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import NEVER, Formula, Rows, combine, shrunk_share
from features.policies import threshold

PRIOR, TARGETED_PRIOR = threshold("problem_prior_visits"), threshold("targeted_prior_visits")


def _problem_rate(visits: Rows, *, of: str) -> Formula:
    found, rated = visits.where("violation = 1"), visits.where("violation IS NOT NULL")
    return shrunk_share(found.count(), rated.count(), bad=1, of=of)


@indicator(
    "regulatory",
    "visits",
    "随机检查历史问题率",
    "share of its random inspections that found a violation",
    direction="raises",
    unit="share",
    policy="SAMR (8)",
)
def problem_rate_random(visits: Rows) -> Formula:
    """Share of its random-arm visits with a result that found a violation.

    As (found + 1) / (visits + $problem_prior_visits): a firm never visited has about the population's rate.
    """
    return _problem_rate(visits.where("arm = 'random'"), of=PRIOR)


@indicator(
    "regulatory",
    "visits",
    "近三年随机检查问题率",
    "share of its random inspections that found a violation, last three years",
    direction="raises",
    unit="share",
    policy="SAMR (8)",
)
def problem_rate_random_3y(visits: Rows) -> Formula:
    """Share of its random-arm visits of 3 years with a result that found a violation.

    As (found + 1) / (visits + $problem_prior_visits).
    """
    return _problem_rate(visits.where("arm = 'random'").within(months=36), of=PRIOR)


@indicator(
    "regulatory",
    "visits",
    "其他检查历史问题率",
    "share of its other inspections that found a violation",
    direction="raises",
    unit="share",
    policy="SAMR (8)",
)
def problem_rate_targeted(visits: Rows) -> Formula:
    """Share of its visits of other arms with a result that found a violation.

    As (found + 1) / (visits + $targeted_prior_visits): targeted visits find more.
    """
    return _problem_rate(visits.where("arm <> 'random'"), of=TARGETED_PRIOR)


@indicator(
    "regulatory",
    "visits",
    "历史检查问题率",
    "share of all its inspections that found a violation",
    direction="raises",
    unit="share",
    policy="SAMR (8)",
)
def problem_rate_all(visits: Rows) -> Formula:
    """Share of all its visits with a result that found a violation, (found + 1) / (visits + $problem_prior_visits)."""
    return _problem_rate(visits, of=PRIOR)


@indicator(
    "regulatory",
    "visits",
    "最近检查是否发现问题",
    "latest inspection found a violation",
    direction="raises",
    unit="0/1",
    policy="SAMR (8)",
)
def last_problem_found(visits: Rows) -> Formula:
    """1 when the latest visit with a result found a violation; 0 also when there was none."""
    return visits.latest("CAST(violation AS BIGINT)", empty=0)


@indicator(
    "regulatory",
    "visits",
    "距最近发现问题天数",
    "days since an inspection last found a violation",
    direction="lowers",
    unit="days",
    policy="SAMR (8)",
)
def days_since_problem(visits: Rows) -> Formula:
    """Days since the latest visit that found a violation, at most 3650; 3650 stands for never."""
    return visits.where("violation = 1").days_since_last(never=NEVER)


@indicator(
    "regulatory",
    "visits",
    "近三年拒绝检查次数",
    "inspections refused in the last three years",
    direction="raises",
    unit="visits",
    policy="SAMR (8)",
)
def visits_refused_3y(visits: Rows) -> Formula:
    """Visits refused (code 8) in the 3 years before the cut-off."""
    return visits.where("list_contains(string_split(result_codes, ';'), '8')").within(months=36).count()


@indicator(
    "regulatory",
    "visits",
    "近三年待处理问题检查数",
    "inspections of the last three years with a problem still to be handled",
    direction="raises",
    unit="visits",
    policy="SAMR (8)",
)
def handling_pending_3y(visits: Rows) -> Formula:
    """Visits of the 3 years before whose problem still awaited handling (code A) by what was known at the cut-off."""
    return visits.where("list_contains(string_split(result_codes, ';'), 'A')").within(months=36).count()


@indicator(
    "regulatory",
    "visits",
    "近三年责令改正次数",
    "orders to correct in the last three years",
    direction="raises",
    unit="visits",
    policy="SAMR (8)",
)
def ordered_corrected_3y(visits: Rows) -> Formula:
    """Visits of the 3 years before that ended in an order to correct (code E)."""
    return visits.where("list_contains(string_split(result_codes, ';'), 'E')").within(months=36).count()


@indicator(
    "regulatory",
    "visits",
    "近两年随机检查无问题",
    "random inspections of the last two years found nothing",
    direction="lowers",
    unit="0/1",
    policy="SAMR (8)",
)
def clean_visits_2y(visits: Rows) -> Formula:
    """1 when random-arm visits of the 2 years before the cut-off had results and none found a violation."""
    drawn = visits.where("arm = 'random'").within(months=24)
    rated, found = drawn.where("violation IS NOT NULL").count(), drawn.where("violation = 1").count()
    return combine("(CASE WHEN {} > 0 AND {} = 0 THEN 1 WHEN {} IS NULL THEN NULL ELSE 0 END)", rated, found, found)


# Only clean visits tell how much it is looked at: counting the others would let a violation found lower the score.


@indicator(
    "regulatory",
    "visits",
    "距最近无问题检查天数",
    "days since an inspection last found nothing",
    direction="either",
    unit="days",
    policy="SAMR (8)",
)
def days_since_clean_visit(visits: Rows) -> Formula:
    """Days since the latest visit that found nothing, at most 3650; 3650 stands for never."""
    return visits.where("violation = 0").days_since_last(never=NEVER)


@indicator(
    "regulatory",
    "visits",
    "近一年无问题检查次数",
    "inspections that found nothing in the last year",
    direction="either",
    unit="visits",
    policy="SAMR (8)",
)
def clean_visits_1y(visits: Rows) -> Formula:
    """Visits in the year before the cut-off that found nothing, whatever the arm."""
    return visits.where("violation = 0").within(months=12).count()


@indicator(
    "regulatory",
    "visits",
    "历次无问题检查次数",
    "inspections that found nothing, ever",
    direction="either",
    unit="visits",
    policy="SAMR (8)",
)
def clean_visits_ever(visits: Rows) -> Formula:
    """All known visits before the cut-off that found nothing."""
    return visits.where("violation = 0").count()


@indicator(
    "regulatory",
    "visits",
    "近三年抽中未检次数",
    "times drawn but not inspected in the last three years",
    direction="either",
    unit="draws",
    policy="SAMR (8)",
)
def draws_unvisited_3y(draws: Rows) -> Formula:
    """Random draws in the 3 years before that led to no visit (excused, capped or not carried out)."""
    return draws.where("fate IN ('not_carried_out', 'excused', 'capped')").within(months=36).count()
