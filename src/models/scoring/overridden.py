"""Overridden classes: what officials decided for single enterprises (HB 8), laid over what was computed.

Who may decide, and the signed record of it, is `models.signoff.overrides`; here is what a decision changes. The score,
its class and the reasons stay as they are; a direct determination (HB 12, 13) stays a floor: the law decides it
directly, and repair or an objection ends it, not a judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.scoring.classification import GRADES, Classification, Grade, Override
from models.scoring.rules.determinations import floor

NONE = -1
"""Grade index of an enterprise without an override."""


@dataclass(frozen=True)
class Decided:
    """An approved override.

    Parameters
    ----------
    number
        Of its proposal in the record.
    enterprise_id, grade
        Whose class, and which.
    instead_of
        Class that was answered when it was proposed.
    reason
        Why.
    since, until
        First day it holds (that of the approval), and the first day it no longer does: its expiry, or the day it was
        ended early.
    """

    number: int
    enterprise_id: str
    grade: Grade
    instead_of: Grade
    reason: str
    since: date
    until: date

    def holds(self, on: date) -> bool:
        """Tell whether it is in force on a day."""
        return self.since <= on < self.until


@dataclass(frozen=True)
class Overrides:
    """The approved overrides of a province, ended ones too; no two of an enterprise hold on one day."""

    decided: tuple[Decided, ...] = ()

    def on(self, day: date) -> dict[str, Decided]:
        """Return those in force on a day, by enterprise."""
        return {one.enterprise_id: one for one in self.decided if one.holds(day)}


NO_OVERRIDES = Overrides()


def override_grades(enterprise_ids: Sequence[str] | pd.Index, overrides: Overrides, on: date) -> NDArray[np.int8]:
    """Return the class that an override in force gives each enterprise: the columnar core of `with_overrides`.

    Parameters
    ----------
    enterprise_ids
        Of n enterprises.
    overrides, on
        Which, and the day.

    Returns
    -------
    array of n
        Place in `GRADES`, or `NONE`. The floors of direct determinations are not looked at (`with_floors`).

    Examples
    --------
    >>> one = Decided(0, "E2", "C", "A", "seen at the door", date(2026, 1, 5), date(2026, 7, 1))
    >>> override_grades(["E1", "E2"], Overrides((one,)), date(2026, 2, 1)).tolist()
    [-1, 2]
    """
    now = overrides.on(on)
    if not now:
        return np.full(len(enterprise_ids), NONE, dtype=np.int8)
    of = np.array([*(GRADES.index(one.grade) for one in now.values()), NONE], dtype=np.int8)
    # Few are overridden: their ids are hashed, and the millions are only looked up; a miss is the last place.
    return of[pd.Index(list(now)).get_indexer(pd.Index(enterprise_ids))]


def with_floors(computed: NDArray[np.int8], overridden: NDArray[np.int8], floors: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return final classes as places in `GRADES`.

    Parameters
    ----------
    computed, overridden
        Class without an override, and `override_grades`; both of shape (n,).
    floors
        Worst class of the direct determinations that were hit, 0 where none was; shape (n,).
    """
    return np.where(overridden == NONE, computed, np.maximum(overridden, floors)).astype(np.int8)


def with_overrides(classifications: Iterable[Classification], overrides: Overrides, on: date) -> list[Classification]:
    """Return classifications with the overrides in force on a day, each shown as what it is.

    Parameters
    ----------
    classifications
        As computed; an override that one already carries is replaced, or taken off where it no longer holds.
    overrides, on
        Which, and the day.
    """
    now = overrides.on(on)
    return [_with(one, now.get(one.enterprise_id)) for one in classifications]


def _with(one: Classification, decided: Decided | None) -> Classification:
    computed = one.grade if one.override is None else one.override.instead_of
    if decided is None:
        return one if one.override is None else one.model_copy(update={"grade": computed, "override": None})
    grade = floor(decided.grade, one.determinations)
    return one.model_copy(update={"grade": grade, "override": _shown(decided, computed, grade)})


def _shown(decided: Decided, computed: Grade, grade: Grade) -> Override:
    held = grade != decided.grade
    return Override(
        number=decided.number,
        grade=decided.grade,
        instead_of=computed,
        reason=decided.reason,
        since=decided.since,
        until=decided.until,
        text_en=(
            f"Set to class {decided.grade} by two officials (HB 8), instead of {computed}, from {decided.since} until "
            f"before {decided.until}: {decided.reason}"
            + (f" A direct determination keeps class {grade}." if held else "")
        ),
        text_zh=(
            f"经两名工作人员研判调整为{decided.grade}类（河北办法第八条），原为{computed}类，自{decided.since}起至"
            f"{decided.until}前有效：{decided.reason}" + (f" 因直接判定，仍为{grade}类。" if held else "")
        ),
    )
