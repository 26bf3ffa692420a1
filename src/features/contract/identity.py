"""Resident identity numbers (公民身份号码, GB 11643): found in any text, and masked, in Python and as SQL.

A source's column of codes or ids now and then holds a person's identity number: the owner's, where an individual
business has no code yet, or a holder's in the place of an opaque id. Such a number is never kept, shown or stored.

It is 18 signs long: a district of six digits, a birth date of eight, a serial of three and a check digit. Two
strictnesses, because the two mistakes cost differently. *Recognised*, and so removed, is a number whose province,
birth date and check digit are all right. *Masked*, wherever a value is shown, is whatever has its shape, since a
number that was mistyped still tells who is meant.

Numbers of before 1999 have fifteen digits: a district, a birth date without its century, a serial, and no check digit.
So many other numbers look like them (record numbers, the enterprises' own old registration numbers) that they are only
told where a social credit code belongs, which none of those is either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from stdnum.cn import ric as _gb11643

_PROVINCES = "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]"
"""First two digits of a district, GB/T 2260."""
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_CHECK_DIGITS = "10X98765432"
"""Check digit by the weighted sum of the other seventeen, modulo 11."""

_NUMBER = re.compile(rf"(?:{_PROVINCES})\d{{4}}(?:19|20)\d\d{_DAY}\d{{3}}[\dX]", re.ASCII)
_OF_THE_LAST_CENTURY = re.compile(rf"(?:{_PROVINCES})\d{{4}}19\d\d{_DAY}\d{{3}}[\dX]", re.ASCII)
_RUN = re.compile(r"\d+[Xx]?", re.ASCII)
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\ufeff]")
_SEPARATORS_SQL = r"[\s\-\x{00a0}\x{3000}\x{2010}-\x{2015}\x{feff}]"
_SHAPE = rf"([1-9]\d{{3}})\d{{2}}(?:18|19|20)\d\d{_DAY}\d{{3}}[\dXx]"
_MASKABLE = re.compile(_SHAPE, re.ASCII)
_STARS = "*" * 14
_OLD_SHAPE = rf"(?:{_PROVINCES})\d{{6}}{_DAY}\d{{3}}"
_OLD_NUMBER = re.compile(_OLD_SHAPE, re.ASCII)
_OLD_STARS = "*" * 11
_LENGTH, _OLD_LENGTH = 18, 15

_WIDE, _HALF = "０１２３４５６７８９Ｘｘ", "0123456789Xx"

RECORD_NUMBERS = frozenset({"record_id", "ref_record_id", "draw_id", "plan_id", "document_no", "licence_no"})
"""Columns that number a record. Offices make such numbers of a district, a day and a serial, also in 18 digits, and
one in eleven of them has the check digit of an identity number; their days lie in this century, so that here only a
birth date in the last one tells a person."""

EXPECTED = "no person's identity number (GB 11643); give an opaque id in its place"
"""What a column expects that holds one."""


def _is_number(run: str, *, record_number: bool) -> bool:
    upper = run.upper()
    shape = _OF_THE_LAST_CENTURY if record_number else _NUMBER
    if not shape.fullmatch(upper) or _gb11643.calc_check_digit(upper) != upper[17]:
        return False
    try:
        date(int(upper[6:10]), int(upper[10:12]), int(upper[12:14]))
    except ValueError:
        return False
    return True


def _is_old_number(run: str) -> bool:
    if not _OLD_NUMBER.fullmatch(run):
        return False
    try:
        date(1900 + int(run[6:8]), int(run[8:10]), int(run[10:12]))
    except ValueError:
        return False
    return True


def holds_identity_number(text: str, *, record_number: bool = False, code: bool = False) -> bool:
    """Whether a text is, or contains, a resident identity number whose birth date and check digit are right.

    Parameters
    ----------
    text
        Any text; full-width signs, and blanks or hyphens within the number, are looked through.
    record_number
        Whether the text numbers a record; see `RECORD_NUMBERS`.
    code
        Whether a social credit code belongs there: then numbers of fifteen digits are told, too.

    Examples
    --------
    >>> holds_identity_number("11010519491231002X"), holds_identity_number("110105194912310021")
    (True, False)
    >>> holds_identity_number("91110000600037341L")
    False
    >>> holds_identity_number("110105491231002"), holds_identity_number("110105491231002", code=True)
    (False, True)
    """
    if len(text) < (_OLD_LENGTH if code else _LENGTH):
        return False
    half = text if text.isascii() else unicodedata.normalize("NFKC", text)
    runs = {*_RUN.findall(half), *_RUN.findall(_SEPARATORS.sub("", half))}
    return any(_is_number(run, record_number=record_number) for run in runs if len(run) == _LENGTH) or (
        code and any(_is_old_number(run) for run in runs if len(run) == _OLD_LENGTH)
    )


def any_holds(texts: Iterable[str | None], *, record_number: bool = False, code: bool = False) -> bool:
    """Whether one of many texts holds an identity number; texts that are too short cost nothing."""
    shortest = _OLD_LENGTH if code else _LENGTH
    return any(
        holds_identity_number(t, record_number=record_number, code=code) for t in set(texts) if t and len(t) >= shortest
    )


def masked(text: str, *, code: bool = False) -> str:
    """Return a text with all but the first four signs of each number of the shape of an identity number starred.

    ``code``: the text is a value where a social credit code belongs; it is starred when all of it is a number of
    fifteen digits.

    Examples
    --------
    >>> masked("uscc is '11010519491231002X'")
    "uscc is '1101**************'"
    >>> masked("110105491231002", code=True)
    '1101***********'
    """
    if code and _OLD_NUMBER.fullmatch(old := _SEPARATORS.sub("", text.translate(str.maketrans(_WIDE, _HALF)))):
        return old[:4] + _OLD_STARS
    if len(text) < _LENGTH:
        return text
    half = text.translate(str.maketrans(_WIDE, _HALF))
    for given in (half, _SEPARATORS.sub("", half)):
        if _MASKABLE.search(given):
            return _MASKABLE.sub(lambda number: number[1] + _STARS, given)
    return text


def starred(text: str) -> str:
    """Return a value of a column that may name a person as it may be shown: its first four signs and its last.

    Examples
    --------
    >>> starred("91110000600037341X")
    '9111*************X'
    """
    return text[:4] + "*" * (len(text) - 5) + text[-1:] if len(text) > 5 else "*" * len(text)


def holds_sql(text: str, *, record_number: bool = False, code: bool = False) -> str:
    """SQL condition, in DuckDB's dialect: `holds_identity_number` of the SQL text, which may be null."""
    century = "19" if record_number else "(?:19|20)"
    shape = rf"(?:{_PROVINCES})\d{{4}}{century}\d\d{_DAY}\d{{3}}[\dX]"
    half = f"translate({text}, '{_WIDE}', '{_HALF}')"
    compact = f"regexp_replace({half}, '{_SEPARATORS_SQL}', '', 'g')"
    runs = " || ".join(rf"regexp_extract_all({given}, '\d+[Xx]?')" for given in (half, compact))
    digits = "list_transform(string_split(n[1:17], ''), lambda digit: CAST(digit AS DOUBLE))"
    total = f"CAST(list_dot_product({digits}, {[float(weight) for weight in _WEIGHTS]}) AS INTEGER)"
    valid = (
        f"CASE WHEN regexp_full_match(n, '{shape}')"
        " THEN try_cast(n[7:10] || '-' || n[11:12] || '-' || n[13:14] AS DATE) IS NOT NULL"
        f" AND n[18] = ('{_CHECK_DIGITS}')[{total} % 11 + 1] ELSE false END"
    )
    if code:
        born = "try_cast('19' || n[7:8] || '-' || n[9:10] || '-' || n[11:12] AS DATE)"
        valid = f"({valid} OR (regexp_full_match(n, '{_OLD_SHAPE}') AND {born} IS NOT NULL))"
    upper = f"list_transform(({runs}), lambda run: upper(run))"
    shortest = _OLD_LENGTH if code else _LENGTH
    return (
        f"(CASE WHEN length({text}) >= {shortest} THEN len(list_filter({upper}, lambda n: {valid})) > 0 ELSE false END)"
    )


def masked_sql(text: str, *, code: bool = False) -> str:
    """SQL of `masked` of the SQL text, which may be null."""
    half = f"translate(given, '{_WIDE}', '{_HALF}')"
    cases = " ".join(
        rf"WHEN regexp_matches({t}, '{_SHAPE}') THEN regexp_replace({t}, '{_SHAPE}', '\1{_STARS}', 'g')"
        for t in (half, f"regexp_replace({half}, '{_SEPARATORS_SQL}', '', 'g')")
    )
    old = f"regexp_replace({half}, '{_SEPARATORS_SQL}', '', 'g')"
    short = f"WHEN regexp_full_match({old}, '{_OLD_SHAPE}') THEN left({old}, 4) || '{_OLD_STARS}' " if code else ""
    shown = f"CASE {short}WHEN length(given) < {_LENGTH} THEN given {cases} ELSE given END"
    # A list of one, so that the text is written and computed once.
    return f"list_transform([{text}], lambda given: {shown})[1]"
