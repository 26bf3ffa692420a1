"""Unified social credit codes (统一社会信用代码, GB 32100): repair of spelling, and what is wrong with one.

The check digit is `stdnum.cn.uscc`'s. Its format rule is not used: it wants digits in the first
eight places, but the standard allows letters in the first two (``N2`` rural collectives, ``A1``,
``Y1``), and all 31 signs are taken here in every place but the district's.

`repair` is the one spelling of a code, wherever one comes in: a check, an adapter, a request.
"""

from __future__ import annotations

import re
import unicodedata

import duckdb
from duckdb.sqltypes import VARCHAR
from stdnum.cn import uscc as _gb32100

_SHAPE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ESCAPE = re.compile(r"_x[0-9a-f]{4}_", re.IGNORECASE)
"""How a spreadsheet writes a sign that nobody sees."""


def repair(text: str) -> str:
    """Return the code as it should be spelled: half-width, upper case, without spaces and signs that nobody sees.

    Doing it twice changes nothing. Only the spelling changes, never a sign: a wrong check digit stays wrong, so a
    repaired code can't silently become another enterprise's.

    Examples
    --------
    >>> repair("　９１１１００００ 600037341l")
    '91110000600037341L'
    """
    while (code := _repaired(text)) != text:
        text = code
    return code


def _repaired(text: str) -> str:
    half = unicodedata.normalize("NFKC", _ESCAPE.sub("", text)).upper()
    # Separators and blanks (Z), and what is not printed at all (C): controls, zero-width signs, byte order marks.
    return "".join(sign for sign in half if unicodedata.category(sign)[0] not in "CZ")


def teach(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the function that `repaired_sql` calls."""
    con.create_function("repaired_uscc", repair, [VARCHAR], VARCHAR)


def repaired_sql(code: str) -> str:
    """SQL of `repair` of a code, NULL for an empty one; most codes are well spelled and never leave the engine."""
    return f"CASE WHEN regexp_full_match({code}, '[0-9A-Z]+') THEN {code} ELSE nullif(repaired_uscc({code}), '') END"


def fault(text: str) -> str | None:
    """Say in words what is wrong with a code, or None when it is right.

    Returns
    -------
    str or None
        ``spelling`` (only `repair` is needed), ``format``, or ``check digit``; each with what was
        expected. A wrong check digit is no proof of a wrong code: a few early official codes
        carry one, so callers warn and don't reject.

    Examples
    --------
    >>> fault("91110000600037341L") is None
    True
    >>> fault("91110000600037341X")
    'check digit: ends in X, its signs call for L'
    """
    if not _SHAPE.fullmatch(text):
        if _SHAPE.fullmatch(repair(text)):
            return f"spelling: expected {repair(text)}"
        return "format: expected 18 signs of 0-9A-HJ-NPQRTUWXY with six digits in places 3 to 8"
    right: str = _gb32100.calc_check_digit(text[:17])
    if text[17] != right:
        return f"check digit: ends in {text[17]}, its signs call for {right}"
    return None


def is_valid(text: str) -> bool:
    """Whether the code has the form of GB 32100 and its check digit is right."""
    return fault(text) is None
