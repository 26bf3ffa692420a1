"""Who is who: one enterprise per confirmed code; names without one join it where that is safe.

The rules, in this order:

1. a row with a confirmed code (right check character) is that code's enterprise;
2. a name seen with exactly one confirmed code is that code's enterprise;
3. a code with a wrong check character is taken for a slip of the confirmed code that all its names
   point to, else it is an enterprise of its own, to which names seen with no other code belong;
4. any other name is an enterprise of its own.

A name seen with two or more confirmed codes is never merged: its rows with a code stay apart by
code, and its rows without one form an enterprise of their own (counted as ambiguous), because
guessing would lend one firm another's record.
Identity may rest on a later row (a code first published in 2024 for a name seen in 2021): that says
who it is, not how it behaved.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable

from features.adapters.names import Code


def enterprise_id(key: str) -> str:
    """Opaque, deterministic id of a canonical key."""
    return "BJ" + hashlib.sha256(key.encode()).hexdigest()[:16].upper()


class Resolver:
    """Finds the canonical key of every (name, code) pair.

    Parameters
    ----------
    pairs
        All pairs of the sources; their order does not matter.
    """

    def __init__(self, pairs: Iterable[tuple[str, Code]]) -> None:
        sure: defaultdict[str, set[str]] = defaultdict(set)
        weak: defaultdict[str, set[str]] = defaultdict(set)
        names_of_weak: defaultdict[str, set[str]] = defaultdict(set)
        self.counts: Counter[str] = Counter()
        for name, code in set(pairs):
            if code.sure:
                sure[name].add(code.value or "")
            elif code.value:
                weak[name].add(code.value)
                names_of_weak[code.value].add(name)
        sure.pop("", None)
        self._ambiguous = {n for n, codes in sure.items() if len(codes) > 1}
        self._by_name = {n: f"uscc:{min(codes)}" for n, codes in sure.items() if len(codes) == 1}
        self._by_weak: dict[str, str] = {}
        for value, names in sorted(names_of_weak.items()):
            targets = {self._by_name[n] for n in names if n in self._by_name}
            lone = len(targets) == 1 and not names & self._ambiguous
            self._by_weak[value] = targets.pop() if lone else f"uscc:{value}"
        for name, values in weak.items():
            targets = {self._by_weak[v] for v in values}
            if name and name not in self._by_name and name not in self._ambiguous and len(targets) == 1:
                self._by_name[name] = targets.pop()
        self.counts["names with several confirmed codes (kept apart)"] = len(self._ambiguous)
        self.counts["codes with a wrong check character"] = len(self._by_weak)
        self.counts["codes with a wrong check character, taken for a slip of another"] = sum(
            key != f"uscc:{value}" for value, key in self._by_weak.items()
        )

    def key(self, name: str, code: Code) -> str:
        """Canonical key of a row: ``uscc:…`` or ``name:…``."""
        if code.sure:
            return f"uscc:{code.value}"
        if name in self._by_name:
            return self._by_name[name]
        if code.value is not None:
            return self._by_weak[code.value]
        return f"name:{name}"

    def ambiguous(self, name: str, code: Code) -> bool:
        """Whether the row has no code and a name that several confirmed codes share."""
        return code.value is None and name in self._ambiguous
