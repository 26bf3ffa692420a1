"""Near names: what somebody may have meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3
"""Names offered; a longer list is no help."""


def did_you_mean(name: str, among: Iterable[str]) -> str:
    """Return ``; did you mean …?`` with the nearest names, the nearest first, or nothing where none is near.

    Examples
    --------
    >>> did_you_mean("problem_rate_al", ["problem_rate_all", "penalties_3y"])
    '; did you mean problem_rate_all?'
    >>> did_you_mean("horoscope", ["problem_rate_all", "penalties_3y"])
    ''
    """
    known = {each.casefold(): each for each in sorted(among, reverse=True)}
    asked = name.casefold()
    near = get_close_matches(asked, known, n=MOST, cutoff=0.6)
    if near and near[0].startswith(asked):
        # What only lacks its end, such as penalties of penalties_3y, is meant rather than what merely looks alike.
        near = [each for each in near if each.startswith(asked)]
    *others, last = [known[each] for each in near] or [""]
    return f"; did you mean {', '.join(others)}{' or ' if others else ''}{last}?" if last else ""
