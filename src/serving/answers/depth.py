"""Depth and width of a body: how far objects and lists stand in one another, and how many there are."""

from __future__ import annotations

from typing import Any

DEEPEST = 16
"""The deepest request there is (a row of a record in a batch) has seven levels."""


IN_AN_ITEM = 50
"""Objects and lists that one item may open besides the rows of records: its parts, and the evidence of each rule."""


def too_wide(raw: bytes, items: int, rows: int) -> bool:
    """Tell, before it is read, whether a body opens more objects and lists than any call that is answered.

    Reading ten million empty objects takes a gigabyte and holds up everybody else; counting their brackets does not.

    Parameters
    ----------
    raw
        The body as it came.
    items, rows
        Enterprises, and rows in their records, that a call may have.

    Examples
    --------
    >>> too_wide(b"[" + b"{}," * 100 + b"1]", items=1, rows=1), too_wide(b"[{}]", items=1, rows=1)
    (True, False)
    """
    return raw.count(b"{") + raw.count(b"[") > rows + IN_AN_ITEM * items


def too_deep(body: Any, most: int = DEEPEST) -> bool:
    """Tell whether objects and lists stand in one another further than ``most`` levels.

    Examples
    --------
    >>> too_deep([[1]], most=2), too_deep([[[1]]], most=2)
    (False, True)
    """
    level = [body] if type(body) in (dict, list) else []
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True
