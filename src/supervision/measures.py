"""Measures by field and class (HB 18, 19), the stricter of class and sector grade (SAMR (9)), with the article."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.contract import codes
from features.near import did_you_mean
from features.policy import Policy, load_policy
from models.arrays import Ints
from models.scoring.classification import GRADES, Grade

FIELDS: tuple[str, ...] = tuple(codes.FIELD.codes)
"""Fields of the contract, in its order: bit k of a mask stands for the k-th."""

Must = Literal["", "yearly", "special_action"]


class Measure(Policy):
    """What a field's office does with a class.

    Parameters
    ----------
    zh, en
        In a few words.
    least, most
        Visits in ``months`` months; None where the article gives no number.
    must
        "yearly" for full coverage, "special_action" where it is asked for in special actions.
    """

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    least: int | None = Field(default=None, ge=1, le=52)
    most: int | None = Field(default=None, ge=1, le=52)
    months: int = Field(default=12, ge=1, le=120)
    must: Must = ""

    @model_validator(mode="after")
    def _possible(self) -> Measure:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least {self.least} is more than most {self.most}")
        if self.least is not None and self.months != 12:
            raise ValueError("least is a number a year: leave months out")
        return self


class FieldMeasures(Policy):
    """Measures of one field, class by class, and the article."""

    article: str = Field(min_length=1)
    A: Measure
    B: Measure
    C: Measure
    D: Measure

    def of(self, grade: Grade) -> Measure:
        """Return a class's measure."""
        return {"A": self.A, "B": self.B, "C": self.C, "D": self.D}[grade]


class MeasuresPolicy(Policy):
    """``measures.toml``: measures by field, and how a sector's own grade is read as a class.

    Parameters
    ----------
    sector_cuts
        A grade's place among its department's grades (level / levels) up to which it reads as A, B and C.
    everywhere
        Fields that every enterprise is in.
    order
        Fields with licences or registers of their own: the first that an enterprise is in is its main field.
    fields
        Measures by field; ``other`` holds for the fields that have none.
    """

    sector_cuts: tuple[float, float, float]
    everywhere: tuple[str, ...]
    order: tuple[str, ...]
    fields: dict[str, FieldMeasures]

    @model_validator(mode="after")
    def _known(self) -> MeasuresPolicy:
        named = [*self.everywhere, *self.order, *self.fields]
        if lost := [name for name in named if name not in FIELDS]:
            raise ValueError(f"{lost[0]!r} is no field of the contract{did_you_mean(lost[0], list(FIELDS))}")
        if "other" not in self.fields:
            raise ValueError("fields: 'other' is missing: it holds for the fields that have no measures")
        if not 0 < self.sector_cuts[0] < self.sector_cuts[1] < self.sector_cuts[2] < 1:
            raise ValueError("sector_cuts must rise between 0 and 1")
        return self

    def of(self, field: str) -> FieldMeasures:
        """Return a field's measures, or those of other fields."""
        return self.fields.get(field, self.fields["other"])

    def stricter(self, grade: Ints, sector: Ints, field: int) -> Ints:
        """Return 0 for A to 3 for D: the stricter of class and sector grade in one field.

        Parameters
        ----------
        grade
            General class, 0 for A to 3 for D.
        sector
            Sector grades, two bits a field (`packed_sql`).
        field
            Number of the field.
        """
        return np.asarray(np.maximum(grade, (sector >> (2 * field)) & 3))

    def strictest(self, grade: Ints, sector: Ints) -> Ints:
        """Return the strictest of class and the sector grades of all fields: it sets an enterprise's share of draws."""
        found = grade
        for k in range(len(FIELDS)):
            found = self.stricter(found, sector, k)
        return found

    def packed_sql(self, field: str, place: str) -> str:
        """SQL of a sector grade as a class, 0 for A to 3 for D, at two bits of its field's own; to be joined by OR."""
        cases = " ".join(f"WHEN {place} <= {cut!r} THEN {k}" for k, cut in enumerate(self.sector_cuts))
        shifts = " ".join(f"WHEN '{name}' THEN {2 * k}" for k, name in enumerate(FIELDS))
        return f"CAST(CASE {cases} ELSE 3 END AS BIGINT) << (CASE {field} {shifts} END)"

    def main_field(self, mask: Ints) -> Ints:
        """Return the number of the main field of each mask; those in none of ``order``: of ``other``."""
        found = np.full(len(mask), FIELDS.index("other"), dtype=np.int64)
        for name in reversed(self.order):
            k = FIELDS.index(name)
            found[(mask >> k) & 1 == 1] = k
        return found

    @property
    def everyone(self) -> int:
        """Mask of the fields that every enterprise is in."""
        return sum(1 << FIELDS.index(name) for name in self.everywhere)

    def visits_asked(self, mask: Ints, grade: Ints, sector: Ints, special: tuple[str, ...]) -> Ints:
        """Return the visits a year that the articles ask for, at least.

        Parameters
        ----------
        mask
            Fields of each enterprise.
        grade
            0 for A to 3 for D.
        sector
            Sector grades, two bits a field.
        special
            Fields whose special action runs.
        """
        asked = np.zeros(len(mask), dtype=np.int64)
        for k, name in enumerate(FIELDS):
            row = np.zeros(len(GRADES), dtype=np.int64)
            for g, letter in enumerate(GRADES):
                one = self.of(name).of(letter)
                must = one.must == "yearly" or (one.must == "special_action" and name in special)
                row[g] = max(one.least or 0, int(must))
            if row.any():
                inside = ((mask | self.everyone) >> k) & 1 == 1
                asked = np.where(inside, np.maximum(asked, row[self.stricter(grade, sector, k)]), asked)
        return asked


def load_measures(province: str) -> MeasuresPolicy:
    """Load ``data/policies/<province>/measures.toml``."""
    return load_policy(province, "measures", MeasuresPolicy)


@dataclass(frozen=True)
class Applied:
    """A measure as it holds for one enterprise.

    Parameters
    ----------
    field, grade
        Where, and by which class: the stricter of the general class and the sector's grade there.
    by
        "class" or "sector grade": what set it.
    measure, article
        What is done, and where it stands.
    """

    field: str
    grade: Grade
    by: Literal["class", "sector grade"]
    measure: Measure
    article: str

    @property
    def field_zh(self) -> str:
        """Chinese name of the field."""
        return codes.FIELD.codes[self.field][1]


def fields_of(mask: int) -> tuple[str, ...]:
    """Return the names of a mask's fields.

    Examples
    --------
    >>> fields_of(0b101)
    ('food', 'special_equipment')
    """
    return tuple(name for k, name in enumerate(FIELDS) if mask >> k & 1)


def measures_for(policy: MeasuresPolicy, grade: Grade, mask: int, sector: int) -> list[Applied]:
    """Return the measures that hold for one enterprise, field by field, its own fields first.

    Parameters
    ----------
    policy
        Measures of its province.
    grade
        Its general class.
    mask
        Fields that it is in, besides those that everybody is in.
    sector
        Departments' own grades as classes, two bits a field.
    """
    own = [name for name in (*policy.order, *FIELDS) if mask >> FIELDS.index(name) & 1]
    out = []
    for name in dict.fromkeys((*own, *policy.everywhere)):
        strict = max(GRADES.index(grade), sector >> (2 * FIELDS.index(name)) & 3)
        letter = GRADES[strict]
        by: Literal["class", "sector grade"] = "sector grade" if strict > GRADES.index(grade) else "class"
        found = policy.of(name)
        out.append(Applied(name, letter, by, found.of(letter), found.article))
    return out


def measures_table(rows: pd.DataFrame, policy: MeasuresPolicy) -> pd.DataFrame:
    """Return the measures of many enterprises, one row an enterprise and field.

    Parameters
    ----------
    rows
        ``enterprise_id``, ``grade``, ``fields`` (a mask) and ``sector`` (two bits a field), one row an enterprise.
    policy
        Measures of the province.
    """
    out = [
        (who, a.field, a.field_zh, grade, a.grade, a.by, a.measure.zh, a.measure.en, a.measure.least, a.measure.most,
         a.measure.months, a.measure.must, a.article)
        for who, grade, mask, sector in zip(
            rows["enterprise_id"], rows["grade"], rows["fields"].tolist(), rows["sector"].tolist(), strict=True
        )
        for a in measures_for(policy, grade, int(mask), int(sector))
    ]  # fmt: skip
    names = ["enterprise_id", "field", "field_zh", "grade", "measure_grade", "by", "measure_zh", "measure_en", "least",
             "most", "months", "must", "article"]  # fmt: skip
    return pd.DataFrame(out, columns=names).astype({"least": "Int64", "most": "Int64"})
