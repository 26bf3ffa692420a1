"""Societal family 社会评价信息: what consumers, media and evaluators say (SAMR (4))."""

from __future__ import annotations

from features.catalogue.bounds import DIFFERENCE
from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows, shrunk_share
from features.policies import threshold

SAFETY_FIELDS = "field IN ('food', 'drug', 'special_equipment', 'product_quality')"
"""Key areas of HB 14."""


def _honest(complaints: Rows) -> Rows:
    return complaints.where("(outcome IS NULL OR outcome <> 'malicious')")


@indicator(
    "societal",
    "complaints",
    "近一年投诉举报数",
    "complaints in the last year",
    direction="raises",
    unit="complaints",
    policy="SAMR (12)",
)
def complaints_1y(complaints: Rows) -> Formula:
    """Complaints and reports in the year before the cut-off, those found malicious left out."""
    return _honest(complaints).within(months=12).count()


@indicator(
    "societal",
    "complaints",
    "近三个月投诉举报数",
    "complaints in the last three months",
    direction="raises",
    unit="complaints",
    policy="SAMR (12)",
)
def complaints_3m(complaints: Rows) -> Formula:
    """Complaints and reports in the 3 months before the cut-off, those found malicious left out."""
    return _honest(complaints).within(months=3).count()


@indicator(
    "societal",
    "complaints",
    "近三个月投诉增长",
    "growth of complaints over three months",
    direction="raises",
    unit="complaints",
    policy="SAMR (12)",
    bounds=DIFFERENCE,
)
def complaints_growth_3m(complaints: Rows) -> Formula:
    """Complaints and reports of the 3 months before the cut-off minus those of the 3 months before them.

    Those found malicious are left out.
    """
    recent = _honest(complaints).within(months=3).count()
    return recent + recent - _honest(complaints).within(months=6).count()


@indicator(
    "societal",
    "complaints",
    "近一年人均投诉举报",
    "complaints per employee in the last year",
    direction="raises",
    unit="per person",
    policy="SAMR (12)",
)
def complaints_per_employee_1y(complaints: Rows, annual_reports: Rows) -> Formula:
    """The year's complaints and reports, malicious ones left out, over the latest reported staff + $staff_prior.

    Staff never reported counts as none.
    """
    staff = annual_reports.latest("employees", empty=0)
    return shrunk_share(_honest(complaints).within(months=12).count(), staff, bad=0, of=threshold("staff_prior"))


@indicator(
    "societal",
    "complaints",
    "近一年重点领域投诉数",
    "complaints in key safety fields in the last year",
    direction="raises",
    unit="complaints",
    policy="HB 14",
)
def safety_field_complaints_1y(complaints: Rows) -> Formula:
    """The year's complaints on food, drugs, special equipment or product quality, malicious ones left out."""
    return _honest(complaints).where(SAFETY_FIELDS).within(months=12).count()


@indicator(
    "societal",
    "complaints",
    "近一年投诉属实占比",
    "share of complaints upheld in the last year",
    direction="raises",
    unit="share",
    policy="SAMR (12)",
)
def complaints_upheld_share_1y(complaints: Rows) -> Formula:
    """Share of the year's complaints upheld, of those upheld, unfounded or mediated.

    As (upheld + 1) / (all + $upheld_prior_complaints).
    """
    upheld = complaints.where("outcome = 'upheld'").within(months=12)
    settled = complaints.where("outcome IN ('upheld', 'unfounded', 'mediated')").within(months=12)
    return shrunk_share(upheld.count(), settled.count(), bad=1, of=threshold("upheld_prior_complaints"))


@indicator(
    "societal",
    "complaints",
    "近一年属实投诉数",
    "complaints upheld in the last year",
    direction="raises",
    unit="complaints",
    policy="SAMR (12)",
)
def complaints_upheld_1y(complaints: Rows) -> Formula:
    """Complaints and reports in the year before the cut-off that were upheld."""
    return complaints.where("outcome = 'upheld'").within(months=12).count()


@indicator(
    "societal",
    "complaints",
    "近一年恶意投诉占比",
    "share of complaints found malicious in the last year",
    direction="lowers",
    unit="share",
    policy="SAMR (12)",
)
def complaints_malicious_share_1y(complaints: Rows) -> Formula:
    """Share of the year's complaints found malicious, malicious / (all + $malicious_prior_complaints)."""
    year = complaints.within(months=12)
    return shrunk_share(
        year.where("outcome = 'malicious'").count(), year.count(), bad=0, of=threshold("malicious_prior_complaints")
    )


@indicator(
    "societal",
    "public opinion",
    "近一月负面舆情数",
    "negative media reports in the last month",
    direction="raises",
    unit="reports",
    policy="HB 12(4)",
)
def negative_news_1m(public_opinion: Rows) -> Formula:
    """Negative media reports in the month before the cut-off."""
    return public_opinion.where("tone = 'negative'").within(months=1).count()


@indicator(
    "societal",
    "public opinion",
    "近一年负面舆情数",
    "negative media reports in the last year",
    direction="raises",
    unit="reports",
    policy="HB 12(4)",
)
def negative_news_1y(public_opinion: Rows) -> Formula:
    """Negative media reports in the year before the cut-off."""
    return public_opinion.where("tone = 'negative'").within(months=12).count()


@indicator(
    "societal",
    "public opinion",
    "近一年负面舆情占比",
    "share of media reports that were negative in the last year",
    direction="raises",
    unit="share",
    policy="HB 12(4)",
)
def negative_news_share_1y(public_opinion: Rows) -> Formula:
    """Share of the year's media reports that are negative, (negative + 1) / (all + $news_prior_reports)."""
    year = public_opinion.within(months=12)
    return shrunk_share(
        year.where("tone = 'negative'").count(), year.count(), bad=1, of=threshold("news_prior_reports")
    )


@indicator(
    "societal",
    "honours and credit",
    "近三年荣誉数",
    "honours of the last three years",
    direction="lowers",
    unit="honours",
    policy="HB 6",
)
def honours_3y(honours: Rows) -> Formula:
    """Honours and rewards of the 3 years before the cut-off that have not ended."""
    return honours.open().within(months=36).count()


@indicator(
    "societal",
    "honours and credit",
    "公共信用评价是否为差",
    "poor public credit evaluation",
    direction="raises",
    unit="0/1",
    policy="SC (6)",
)
def credit_grade_poor(credit_evaluations: Rows) -> Formula:
    """1 when the latest public credit evaluation is poor; 0 also without one."""
    return credit_evaluations.latest("CAST(grade = 'poor' AS BIGINT)", empty=0)


@indicator(
    "societal",
    "honours and credit",
    "公共信用评价是否优良",
    "good or excellent public credit evaluation",
    direction="lowers",
    unit="0/1",
    policy="SC (6)",
)
def credit_grade_good(credit_evaluations: Rows) -> Formula:
    """1 when the latest public credit evaluation is excellent or good."""
    return credit_evaluations.latest("CAST(grade IN ('excellent', 'good') AS BIGINT)", empty=0)


@indicator(
    "societal",
    "honours and credit",
    "近三年违背承诺数",
    "commitments broken in the last three years",
    direction="raises",
    unit="commitments",
    policy="SC (1)",
)
def commitments_broken_3y(commitments: Rows) -> Formula:
    """Credit commitments given in the 3 years before the cut-off that were broken."""
    return commitments.where("state = 'broken'").within(months=36).count()


@indicator(
    "societal",
    "honours and credit",
    "近三年履行承诺数",
    "commitments kept in the last three years",
    direction="lowers",
    unit="commitments",
    policy="SC (1)",
)
def commitments_kept_3y(commitments: Rows) -> Formula:
    """Credit commitments given in the 3 years before the cut-off that were kept."""
    return commitments.where("state = 'kept'").within(months=36).count()
