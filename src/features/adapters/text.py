"""Dates and amounts as Chinese offices publish them: dates in many shapes, money in yuan or ten thousands."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from features.contract.believable import LATEST_DAY, believable

YUAN = 100
"""Fen in one yuan."""
TEN_THOUSAND_YUAN = 1_000_000
"""Fen in one 万元."""

EXCEL_EPOCH = date(1899, 12, 30)
"""Day 0 of spreadsheet serial numbers (serials after February 1900)."""
EXCEL_RANGE = range(20_000, 80_001)
"""Serials read as dates: 1954 to 2119. Other bare numbers are no dates."""

_TIME = r"(?:[T ]*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d+)?)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})\s*[-/.年]\s*(\d{{1,2}})\s*[-/.月]\s*(\d{{1,2}})\s*日?\s*{_TIME}")
_DAY_FIRST = re.compile(rf"(\d{{1,2}})\s*[-/.]\s*(\d{{1,2}})\s*[-/.]\s*(\d{{4}})\s*{_TIME}")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_MONTH = re.compile(r"(\d{4})\s*年度?\s*(\d{1,2})\s*月")
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _month_end(year: int, month: int) -> date | None:
    if not (1 <= month <= 12 and 1 <= year < 9999):
        return None
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


@lru_cache(maxsize=100_000)
def parse_date(text: str | None) -> date | None:
    """Read one published date; the time of day is dropped.

    Understands ``2023-01-09``, ``2023/1/9``, ``2020.01.09``, ``2023年1月9日``, ``20230109``, the
    day-first ``27/12/2024 17:22:38``, spreadsheet serials (``45659``) and, where only a month is
    given (``2021年度2  月``), its last day: the earliest day by which the whole month is over, so
    nothing is known too early.

    Parameters
    ----------
    text
        The cell; ``None`` and junk give ``None``, never an error.

    Returns
    -------
    datetime.date or None
    """
    if text is None:
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    if m := _YEAR_FIRST.fullmatch(text):
        return _date(m[1], m[2], m[3])
    if m := _DAY_FIRST.fullmatch(text):
        return _date(m[3], m[2], m[1])
    if m := _COMPACT.fullmatch(text):
        return _date(m[1], m[2], m[3])
    if m := _MONTH.fullmatch(text):
        return _month_end(int(m[1]), int(m[2]))
    if (m := _SERIAL.fullmatch(text)) and int(m[1]) in EXCEL_RANGE:
        return EXCEL_EPOCH + timedelta(days=int(m[1]))
    return None


def is_no_day(day: date) -> bool:
    """Whether a published date only stands for "not known", as 1900-01-01 does, or for "none", as 9999-12-31."""
    return believable().is_placeholder(day) or day.year == LATEST_DAY.year


def parse_fen(text: str | None, unit: int) -> int | None:
    """Read money exactly.

    Parameters
    ----------
    text
        A plain decimal number; empty cells, ``/`` and the like give ``None``.
    unit
        Fen in one unit of the column: `YUAN` or `TEN_THOUSAND_YUAN`.

    Returns
    -------
    int or None
        Fen; ``None`` when the cell holds no amount, a negative one, a part of a fen, or more than is believable.
    """
    if text is None:
        return None
    try:
        fen = Decimal(unicodedata.normalize("NFKC", text).strip().replace(",", "")) * unit
    except InvalidOperation:
        return None
    if not fen.is_finite() or not 0 <= fen <= believable().greatest_fen or fen != fen.to_integral_value():
        return None
    return int(fen)
