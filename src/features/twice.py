"""Keys given twice in one JSON object, of which readers silently keep the last."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

Place = tuple[int | str, ...]
"""Where a key stands: keys and positions on the way to it, and the key itself."""


class _Object(dict[str, Any]):
    """An object of which keys were given more than once."""

    twice: tuple[str, ...] = ()


def keys_given_twice(text: str | bytes) -> list[Place]:
    """Return the places of all keys that stand more than once in the same object, in the order of the text.

    Parameters
    ----------
    text
        JSON that has been read already, so that it is known to be well formed and not too deep.

    Examples
    --------
    >>> keys_given_twice('{"items": [{"id": 1}, {"id": 1, "id": 2}]}')
    [('items', 1, 'id')]
    """
    found = False

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        kept = dict(pairs)
        if len(kept) == len(pairs):
            return kept
        found = True
        marked = _Object(kept)
        marked.twice = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return marked

    # No number is looked at: Python refuses whole ones of thousands of digits, other readers don't.
    body = json.loads(text, object_pairs_hook=made, parse_int=float)
    return list(_places(body, ())) if found else []


def _places(value: Any, way: Place) -> Iterator[Place]:
    if isinstance(value, _Object):
        yield from ((*way, key) for key in value.twice)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*way, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _places(inner, (*way, place))
