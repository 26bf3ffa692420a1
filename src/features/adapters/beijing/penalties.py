"""Penalty files and the tax bureau's list of major violations."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from features.adapters.beijing.rows import (
    DELETED,
    NO_DECISION_DATE,
    PERSON,
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
from features.adapters.text import TEN_THOUSAND_YUAN, YUAN, parse_fen

_FIELDS: tuple[tuple[str, str], ...] = (
    ("应急", "safety"),
    ("安全生产", "safety"),
    ("生态环境", "environment"),
    ("住房和城乡建设", "construction"),
    ("规划", "construction"),
    ("文化", "culture"),
    ("税务", "tax"),
    ("人力资源", "labour"),
)
"""Words of an authority's name that tell the field; the first that fits counts."""

_KINDS: tuple[tuple[str, str], ...] = (
    ("警告", "warning"),
    ("通报批评", "warning"),
    ("罚款", "fine"),
    ("没收", "confiscation"),
    ("停产停业", "suspension"),
    ("吊销营业执照", "business_licence_revoked"),
    ("吊销许可", "licence_revoked"),
)

# A decision number a spreadsheet has turned into 5.58605E+14 names several decisions: no key.
_DESTROYED = re.compile(r"\d(?:\.\d+)?E\+\d+|\d{0,6}", re.IGNORECASE)
_DOCUMENT_NOISE = re.compile(r"[\s()\[\]{}〔〕﹝﹞【】第号,，。-]")


def document_key(text: str | None) -> str | None:
    """Comparable form of a decision number: brackets, spaces, 第 and 号 dropped; ``None`` if unusable."""
    raw = unicodedata.normalize("NFKC", text or "").strip()
    if _DESTROYED.fullmatch(raw):
        return None
    return _DOCUMENT_NOISE.sub("", raw).upper() or None


def penalty_kinds(text: str | None, fine: int | None, confiscated: int | None) -> list[str]:
    """Kinds of a penalty from the published words, else from the amounts, else ``other``."""
    kinds = {kind for word, kind in _KINDS if word in (text or "")}
    if fine:
        kinds.add("fine")
    if confiscated:
        kinds.add("confiscation")
    return sorted(kinds) or ["other"]


def _row_key(row: Cells) -> str:
    text = "|".join(f"{k}={v}" for k, v in sorted(row.items()) if k != "序号")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _reader(
    file: str,
    *,
    name: str,
    day: str,
    code: str | None = None,
    document: str,
    kinds: str | None = None,
    fine: str | None = None,
    confiscated: str | None = None,
    unit: int = TEN_THOUSAND_YUAN,
    authority: str | None = None,
    field: str | None = None,
    published: str | None = None,
    subject_kind: str | None = None,
    deleted: str | None = None,
    region: str | None = None,
) -> SourceFile:
    """Declare one penalty file by its columns."""

    def parse(row: Cells) -> Draft:
        if deleted and (row[deleted] or "").strip() == "1":
            raise Unmappable(DELETED)
        if subject_kind and (row[subject_kind] or "").strip() == "自然人":
            raise Unmappable(PERSON)
        who_name, who_code = who(row, name, code)
        decided = when(row, day)
        fine_fen = parse_fen(row[fine], unit) if fine else None
        confiscated_fen = parse_fen(row[confiscated], unit) if confiscated else None
        office = (row[authority] or "") if authority else ""
        number = document_key(row[document])
        return Draft(
            who_name,
            who_code,
            decided,
            known_on(decided, PUBLISHED_LAG_DAYS, row[published] if published else None),
            f"no|{number}" if number else f"{file}|{_row_key(row)}",
            {
                "document_no": number_of(row[document]) if number else None,
                "authority_kind": "market_regulation" if "市场监督" in office else "other",
                "field": field or next((f for word, f in _FIELDS if word in office), "other"),
                "penalty_kinds": penalty_kinds(row[kinds] if kinds else None, fine_fen, confiscated_fen),
                "fine_fen": fine_fen,
                "confiscated_fen": confiscated_fen,
            },
            region,
        )

    wanted = (
        name,
        code,
        day,
        document,
        kinds,
        fine,
        confiscated,
        authority,
        published,
        subject_kind,
        deleted,
    )
    return SourceFile(f"penalty_{file}", "penalties", tuple(c for c in wanted if c is not None), parse)


def _no_decision_date(row: Cells) -> Draft:
    # 立案日期, where filled, is the day the case was opened: the decision comes up to months later.
    raise Unmappable(NO_DECISION_DATE)


def _tax_list(row: Cells) -> Draft:
    name, code = who(row, "纳税人名称", "纳税人识别号")
    month_end = when(row, "发布时间")
    return Draft(name, code, month_end, month_end, month_end.isoformat(), {"list_kind": "tax"})


_DOCUMENT = "行政处罚决定书文号"
_SUBJECT = "行政相对人名称"

PENALTIES: tuple[SourceFile, ...] = (
    _reader(
        "culture_union",
        name=_SUBJECT,
        code="统一社会信用代码",
        day="处罚决定日期",
        document=_DOCUMENT,
        kinds="处罚类别",
        fine="罚款金额（万元）",
        confiscated="没收违法所得、没收非法财物的金额（万元）",
        field="culture",
        subject_kind="行政相对人类别",
        deleted="是否删除",
    ),
    _reader(
        "emergency",
        name=_SUBJECT,
        code="行政相对人代码",
        day="处罚决定日期",
        document="处罚决定书文号",
        kinds="处罚类别",
        field="safety",
    ),
    _reader(
        "tax",
        name="纳税人名称",
        code="纳税人识别号",
        day="处罚日期",
        document="行政处罚文号",
        fine="罚款金额",
        unit=YUAN,
        field="tax",
    ),
    _reader(
        "tax_bureau",
        name="纳税人名称",
        code="统一社会信用代码",
        day="处罚生效期",
        document="决定书编号",
        field="tax",
    ),
    SourceFile("penalty_environment", "penalties", ("单位名称",), _no_decision_date, 0, "not used"),
    _reader(
        "huairou",
        name=_SUBJECT,
        code="统一社会信用代码",
        day="处罚决定日期",
        document=_DOCUMENT,
        kinds="处罚类别",
        fine="罚款金额（万元）",
        confiscated="没收违法所得、没收非法财务的金额（万元）",
        authority="处罚机关",
        published="上报日期",
        region="110116",
    ),
    _reader(
        "yanqing",
        name=_SUBJECT,
        day="处罚决定日期",
        document=_DOCUMENT,
        kinds="处罚类别",
        fine="罚款金额（万元）",
        authority="处罚机关",
        region="110119",
    ),
    _reader(
        "yanqing_2020",
        name=_SUBJECT,
        code="行政相对人代码1(统一社会信用代码)",
        day="处罚决定日期",
        document=_DOCUMENT,
        kinds="处罚类别",
        fine="罚款金额（万元）",
        confiscated="没收违法所得、没收非法财物的金额（万元）",
        authority="处罚机关",
        region="110119",
    ),
    _reader(
        "planning",
        name=_SUBJECT,
        day="处罚决定日期",
        document=_DOCUMENT,
        authority="处罚机关",
        field="construction",
        published="发布时间",
        subject_kind="行政相对人类别",
    ),
    _reader(
        "planning_2023",
        name=_SUBJECT,
        code="统一社会信用代码",
        day="处罚决定日期",
        document=_DOCUMENT,
        field="construction",
    ),
    _reader(
        "miyun_construction",
        name="行政处罚相对人名称",
        day="处罚决定书决定日期",
        document="处罚决定书文号",
        authority="办案机关",
        field="construction",
        region="110118",
    ),
    SourceFile(
        "major_tax_violation",
        "blacklists",
        ("纳税人名称", "纳税人识别号", "发布时间"),
        _tax_list,
        0,
        "the list gives its month of publication; its last day is used",
    ),
)


def merge_decisions(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the rows of one decision, stacked once per statute or published by two offices.

    The first row counts; kinds are united, and the largest amount is the decision's.
    """

    def largest(column: str) -> int | None:
        return max((r[column] for r in rows if r[column] is not None), default=None)

    return {
        **rows[0],
        "penalty_kinds": sorted({k for r in rows for k in r["penalty_kinds"]} - {"other"}) or ["other"],
        "fine_fen": largest("fine_fen"),
        "confiscated_fen": largest("confiscated_fen"),
    }
