"""Depth of a body: how far objects and lists stand in one another."""

from __future__ import annotations

from typing import Any

DEEPEST = 16
"""The deepest request there is (a row of a record in a batch) has seven levels."""


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
