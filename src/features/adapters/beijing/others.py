"""Licences, complaints, registrations and credit evaluations; and the files that have no date."""

from __future__ import annotations

from features.adapters.beijing.rows import (
    BAD_OUTCOME,
    PUBLISHED_LAG_DAYS,
    Cells,
    Draft,
    SourceFile,
    Unmappable,
    known_on,
    number_of,
    when,
    who,
)
from features.adapters.text import parse_date

_GRADES = {"信用良好A": "good", "信用一般B": "medium", "信用不良C": "poor"}

OPEN_END_YEAR = 2099
"""A validity that ends in this year or later means 'no end'."""


def _licence(
    file: str, *, name: str, code: str, number: str, granted: str, valid_to: str, kind: str | None
) -> SourceFile:
    def parse(row: Cells) -> Draft:
        who_name, who_code = who(row, name, code)
        day = when(row, granted)
        until = parse_date(row[valid_to])
        what = kind or ("hazardous" if "危险化学品" in (row["项目名称"] or "") + (row["许可内容"] or "") else "")
        if "烟花爆竹" in (row.get("项目名称") or ""):
            what = "hazardous"
        return Draft(
            who_name,
            who_code,
            day,
            known_on(day, PUBLISHED_LAG_DAYS),
            f"{row[number]}|{day.isoformat()}",
            {
                "licence_no": number_of(row[number]),
                "licence_kind": what or "other",
                "authority_kind": "other",
                "valid_to": until if until and until.year < OPEN_END_YEAR else None,
                # The file says 有效 as of its own, unknown day; a licence is valid when granted.
                "licence_status": "valid",
            },
        )

    columns = (name, code, number, granted, valid_to, *(() if kind else ("项目名称", "许可内容")))
    return SourceFile(file, "licences", columns, parse)


def _complaint(row: Cells) -> Draft:
    name, code = who(row, "企业名称", None)
    day = when(row, "时间")
    return Draft(name, code, day, known_on(day, 1), row["注册号"] or "", {"complaint_kind": "complaint"})


def _registration(row: Cells) -> Draft:
    name, code = who(row, "企业名称", "统一社会信用代码")
    day = when(row, "核准日期")
    return Draft(name, code, day, day, "registration")


def _evaluation(row: Cells) -> Draft:
    name, code = who(row, "机构名称", "统一社会信用代码")
    day = when(row, "认定时间")
    grade = _GRADES.get((row["信用等级"] or "").strip())
    if grade is None:
        raise Unmappable(BAD_OUTCOME)
    return Draft(name, code, day, known_on(day, PUBLISHED_LAG_DAYS), f"{day.isoformat()}|{grade}", {"grade": grade})


OTHERS: tuple[SourceFile, ...] = (
    _licence(
        "permit_safety_production",
        name="企业名称",
        code="行政相对人代码",
        number="证号",
        granted="核发日期",
        valid_to="延期有效期",
        kind="construction_safety",
    ),
    _licence(
        "permit_miyun_safety",
        name="行政相对人名称",
        code="统一社会信用代码",
        number="行政许可决定文书号",
        granted="许可决定日期",
        valid_to="许可截止日期",
        kind=None,
    ),
    SourceFile(
        "complaint_12315_green_channel",
        "complaints",
        ("企业名称", "时间", "注册号"),
        _complaint,
        1,
        "the market regulator's own platform: known the day after it is received [K]",
    ),
    SourceFile(
        "registration_2023_yanqing_miyun",
        "registration",
        ("企业名称", "统一社会信用代码", "核准日期"),
        _registration,
        0,
        "the market regulator's own register: known on the day of approval",
    ),
    SourceFile(
        "credit_rating_research",
        "credit_evaluations",
        ("机构名称", "统一社会信用代码", "信用等级", "认定时间"),
        _evaluation,
    ),
)

LEFT_OUT: dict[str, str] = {
    "list_abnormal_operation": "undated: left out",
    "list_abnormal_operation_miyun": "undated: left out",
    "list_gazelle": "undated: left out",
    "list_tech_sme": "year of the list only, no day of listing: left out",
    "credit_rating_car_rental": "year only: left out",
    "tax_arrears": "undated: left out",
    "insp_food_sampling": "only the day of the last update, which is a later bulk upload: left out",
    "insp_civil_air_defence": "several enterprises share one finding: left out",
    "insp_bda_environment": "says how the case is handled, not what was found: left out",
    "insp_civil_affairs": "dated, but its outcome means something else and nothing else uses it: left out",
    "insp_huairou_market": "dated, but its outcome means something else and nothing else uses it: left out",
}
"""Files that feed no table, and why."""
