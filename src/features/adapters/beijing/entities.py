"""Entity resolution: one enterprise per confirmed code; names without one join it where that is safe.

Rows are read day by day in the order in which they became known, and a row keeps the enterprise it got
then: what comes later never moves it. So nothing that is known before a day depends on what is known
later, and an id names the first sighting (its code, else its name). On each day, in this order:

1. a row with a confirmed code (right check character) is that code's enterprise. A code not seen before
   goes to the enterprise that its name stood for without a confirmed code, if there is just one such
   enterprise and one such code; else it is a new enterprise;
2. a name seen with exactly one confirmed code is that code's enterprise;
3. a code with a wrong check character is taken for a slip of whatever all its names on its first day
   stand for, else it is an enterprise of its own, for which a name seen with no other code stands;
4. any other name is an enterprise of its own.

A name seen with two or more confirmed codes is never merged: its rows with a code stay apart by code,
and its rows without one join no enterprise with a confirmed code (counted as ambiguous), because
guessing would lend one firm another's record.

The price is counted: an enterprise that a later row shows to be another one (its name comes with a code
that has an enterprise already) stays apart with what it had; only its later rows join the other.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import groupby

from features.adapters.names import Code

Pair = tuple[str, Code]
"""Normalised name ("" when missing) and code of a row."""


def enterprise_id(key: str) -> str:
    """Opaque, deterministic id of a canonical key."""
    return "BJ" + hashlib.sha256(key.encode()).hexdigest()[:16].upper()


class Resolver:
    """Finds the canonical key of every (name, code) pair, by what has been seen so far."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, set[str]] = defaultdict(set)  # name -> its confirmed codes
        self._owner: dict[str, str] = {}  # name -> whom it stood for when it had no confirmed code
        self._entity: dict[str, str] = {}  # any code -> its enterprise
        self._confirmed: set[str] = set()  # enterprises that have a confirmed code
        self._slips = 0
        self._weak = 0

    def see(self, pairs: Collection[Pair]) -> None:
        """Take in all pairs that became known on one day; days must come in order, pairs need not."""
        self._see_confirmed({(n, c.value) for n, c in pairs if c.sure and c.value})
        self._see_slips({(n, c.value) for n, c in pairs if not c.sure and c.value})
        for name in {n for n, c in pairs if c.value is None}:
            if name not in self._codes:
                self._owner.setdefault(name, f"name:{name}")

    def key(self, name: str, code: Code) -> str:
        """Canonical key of a pair that was seen; it tells the first sighting, ``uscc:…`` or ``name:…``."""
        if code.sure and code.value:
            return self._entity[code.value]
        known = self._codes.get(name, set())
        if len(known) == 1:
            return self._entity[min(known)]
        if code.value is not None:
            return self._entity[code.value]
        owner = self._owner.get(name)
        if owner is not None and not (known and owner in self._confirmed):
            return owner
        return f"name:{name}" if owner != f"name:{name}" else f"name, several codes:{name}"

    def ambiguous(self, name: str, code: Code) -> bool:
        """Whether the row has no code and a name that several confirmed codes share."""
        return code.value is None and len(self._codes.get(name, ())) > 1

    @property
    def counts(self) -> Counter[str]:
        """Figures for the report."""
        apart = {
            owner
            for name, owner in self._owner.items()
            if len(known := self._codes.get(name, set())) == 1 and self._entity[min(known)] != owner
        }
        return Counter(
            {
                "names with several confirmed codes (kept apart)": sum(len(c) > 1 for c in self._codes.values()),
                "codes with a wrong check character": self._weak,
                "codes with a wrong check character, taken for a slip when first seen": self._slips,
                "enterprises that a later row showed to be another (kept apart)": len(apart),
            }
        )

    def _see_confirmed(self, pairs: Iterable[tuple[str, str]]) -> None:
        fresh: defaultdict[str, set[str]] = defaultdict(set)
        for name, value in pairs:
            if name:
                self._codes[name].add(value)
            if value not in self._entity:
                fresh[value].add(name)
        wanted = {
            value: {
                self._owner[n]
                for n in names
                if n in self._owner and self._codes[n] == {value} and self._owner[n] not in self._confirmed
            }
            for value, names in fresh.items()
        }
        claims = Counter(owner for owners in wanted.values() for owner in owners)
        for value, owners in wanted.items():
            lone = len(owners) == 1 and claims[min(owners)] == 1
            self._entity[value] = min(owners) if lone else f"uscc:{value}"
            self._confirmed.add(self._entity[value])

    def _see_slips(self, pairs: Iterable[tuple[str, str]]) -> None:
        names_of: defaultdict[str, set[str]] = defaultdict(set)
        values_of: defaultdict[str, set[str]] = defaultdict(set)
        for name, value in pairs:
            names_of[value].add(name)
            values_of[name].add(value)
        for value, names in names_of.items():
            if value in self._entity:
                continue
            targets = {self._stands_for(n) for n in names} - {None}
            lone = targets.pop() if len(targets) == 1 else None
            shared = any(len(self._codes.get(n, ())) > 1 for n in names)
            self._weak += 1
            self._slips += lone is not None and not shared
            self._entity[value] = lone if lone is not None and not shared else f"uscc:{value}"
        for name, values in values_of.items():
            targets = {self._entity[v] for v in values}
            if name and name not in self._codes and len(targets) == 1:
                self._owner.setdefault(name, min(self._entity[v] for v in values))

    def _stands_for(self, name: str) -> str | None:
        known = self._codes.get(name)
        if known:
            return self._entity[min(known)] if len(known) == 1 else None
        return self._owner.get(name)


def resolve(sightings: Sequence[tuple[date, str, Code]]) -> tuple[list[str], list[bool], Resolver]:
    """Give every row its enterprise as known on the day the row became known.

    Parameters
    ----------
    sightings
        Day known, name and code of every row, in any order.

    Returns
    -------
    tuple
        Canonical key of each row; whether its name was ambiguous then; and the resolver with its counts.
    """
    keys, unclear = [""] * len(sightings), [False] * len(sightings)
    resolver = Resolver()
    order = sorted(range(len(sightings)), key=lambda i: sightings[i][0])
    for _, group in groupby(order, key=lambda i: sightings[i][0]):
        rows = list(group)
        resolver.see({sightings[i][1:] for i in rows})
        for i in rows:
            _, name, code = sightings[i]
            keys[i], unclear[i] = resolver.key(name, code), resolver.ambiguous(name, code)
    return keys, unclear, resolver
