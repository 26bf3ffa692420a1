"""Hints: what a value that can't be read looks like, and what its source should do.

Nothing is guessed: the value stays in quarantine, and the hint says what would bring it out. A hint never repeats
the value, so it can stand in a report and on a screen.
"""

from __future__ import annotations

from features.check.days import SAY_ZONE, is_moment
from features.check.money import SAY_UNIT, YUAN
from features.check.reading import literal
from features.contract import Column
from features.contract.manifest import Form

_WRITE = "write days as YYYY-MM-DD"

_DAYS: tuple[tuple[str, str], ...] = (
    (r"[2-7]\d{4}(\.\d+)?", f"it looks like Excel's day number: give the column the format YYYY-MM-DD, or {_WRITE}"),
    (r"(19|20)\d{6}", f"it looks like YYYYMMDD: {_WRITE}"),
    (r"\d{9,10}(\.\d+)?|\d{12,13}", f"it looks like a count of seconds since 1970: {_WRITE}"),
    (
        r"\d{1,2}[/.-]\d{1,2}[/.-](19|20)?\d{2}( .*)?",
        f"it looks like a day written DD/MM/YYYY or MM/DD/YYYY, which can't be told apart: {_WRITE}",
    ),
    (
        r"(19|20)\d{2}([/.]\d{1,2}[/.]\d{1,2}|-(\d-\d{1,2}|\d{2}-\d)|年\d{1,2}月\d{1,2}日)([ T].*)?",
        f"it looks like a day with the year first: {_WRITE}, with two digits for month and day",
    ),
)
"""Form of the text, and what is said of it; the first that fits counts."""

_DECIMALS = r"[+-]?\d+\.\d*"
_DRESSED = r"[¥￥]? ?[+-]?\d{1,3}([,，]\d{3})*(\.\d*)? ?(元|万元|亿元)?"


def hint(column: Column, shown: str, form: Form) -> str | None:
    """Return the SQL of the hint for a value of a column that can't be read, NULL for no idea; None: none ever.

    Parameters
    ----------
    shown
        SQL of the value as text.
    form
        How the source says that it writes values.
    """
    if column.type == "date":
        zone = f"WHEN {is_moment(shown)} THEN {literal('it is a time with a zone: ' + SAY_ZONE)} "
        looks = " ".join(f"WHEN regexp_full_match({shown}, {literal(r)}) THEN {literal(text)}" for r, text in _DAYS)
        return f"CASE {zone if form.timezone is None else ''}{looks} END"
    if column.type == "fen":
        unit = f"WHEN regexp_full_match({shown}, {literal(_DECIMALS)}) THEN {literal(SAY_UNIT)} "
        if form.money == "yuan":
            exact = literal("it has more digits than its type holds exactly: write amounts as DECIMAL(18,2) or text")
            unit = f"WHEN regexp_full_match({shown}, {literal(YUAN)}) THEN {exact} "
        dressed = literal("it looks like an amount with signs or words around it: write digits alone")
        return (
            f"CASE {unit if form.money != 'fen' else ''}"
            f"WHEN regexp_full_match({shown}, {literal(_DRESSED)}) AND NOT regexp_full_match({shown}, '[0-9.+-]*') "
            f"THEN {dressed} END"
        )
    return None
