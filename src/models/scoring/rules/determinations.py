"""Direct determinations (HB 12, 13): classes that records decide, laid under the score as floors.

The rules' conditions are evidence columns that features computes beside the indicators, so every caller gets
the same floors; the policy says which rules count and what class they give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import pandas as pd
from pydantic import model_validator

from features.errors import WrongKey
from features.policy import Policy, load_policy
from models.scoring.classification import GRADES, Determination, Grade, worse


class Rule(Policy):
    """One direct rule.

    ``needs_confirmation``: the evidence column holds only records that a human has confirmed; ``signed``: of those only
    the ones that stand in the signed record of confirmations count (`models.signoff.confirmations`), which the caller
    sees to. ``article`` is for the reader; how far back a rule looks is the ``evidence_months`` of ``features.toml``.
    ``evidence``: the column that features computes, where it is not called by the rule's id.
    """

    id: str
    grade: Grade
    enabled: bool
    article: str
    en: str
    zh: str
    needs_confirmation: bool = False
    signed: bool = False
    note: str = ""
    evidence: str | None = None

    @property
    def column(self) -> str:
        """Name of its evidence column."""
        return self.evidence or f"evidence_{self.id.replace('.', '_')}"


class Determinations(Policy):
    """A province's direct rules, or none; ``data/policies/<province>/determinations.toml``."""

    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Determinations:
        ids = [rule.id for rule in self.rules]
        for place, each in enumerate(ids):
            if each in ids[:place]:
                raise WrongKey(f"rules given more than once: {each}", "rules", place, "id")
        return self

    @property
    def active(self) -> tuple[Rule, ...]:
        """The enabled rules, D before C, then in the policy's order."""
        on = [rule for rule in self.rules if rule.enabled]
        return tuple(sorted(on, key=lambda rule: -GRADES.index(rule.grade)))

    def hits(self, frame: pd.DataFrame) -> tuple[list[tuple[Determination, ...]], list[tuple[str, ...]]]:
        """Find which rules every row hits.

        Parameters
        ----------
        frame : DataFrame of n rows
            Evidence columns: records "table:record_id" joined by ";", "" when there are none.

        Returns
        -------
        hits : list of n tuples of Determination, D rules first
        unchecked : list of n tuples of column names
            Evidence columns that are absent or null in the row: those rules could not be looked at.
        """
        hits: list[list[Determination]] = [[] for _ in range(len(frame))]
        unchecked: list[list[str]] = [[] for _ in range(len(frame))]
        for rule in self.active:
            if rule.column not in frame.columns:
                for row in unchecked:
                    row.append(rule.column)
                continue
            for i, evidence in enumerate(frame[rule.column].tolist()):
                if not isinstance(evidence, str):
                    unchecked[i].append(rule.column)
                    continue
                records = tuple(r for r in evidence.split(";") if r)
                if records:
                    hits[i].append(_determination(rule, records))
        return [tuple(h) for h in hits], [tuple(u) for u in unchecked]


def row_hits(
    active: Sequence[Rule], evidence: Mapping[str, str | None]
) -> tuple[tuple[Determination, ...], tuple[str, ...]]:
    """Find which of the active rules one row hits, and which could not be looked at; as `Determinations.hits`.

    Parameters
    ----------
    active
        `Determinations.active`.
    evidence
        Evidence column to records joined by ``;``; absent or None: not checked.
    """
    hits: list[Determination] = []
    unchecked: list[str] = []
    for rule in active:
        text = evidence.get(rule.column)
        if text is None:
            unchecked.append(rule.column)
        elif records := tuple(r for r in text.split(";") if r):
            hits.append(_determination(rule, records))
    return tuple(hits), tuple(unchecked)


def floor(score_grade: Grade, hits: tuple[Determination, ...]) -> Grade:
    """Return the class after the direct rules: the worst of the score's and theirs."""
    return reduce(worse, (hit.grade for hit in hits), score_grade)


def load_determinations(province: str) -> Determinations:
    """Load ``data/policies/<province>/determinations.toml``."""
    return load_policy(province, "determinations", Determinations)


def _determination(rule: Rule, records: tuple[str, ...]) -> Determination:
    return Determination(
        rule=rule.id,
        grade=rule.grade,
        evidence=records,
        text_en=f"{rule.en} ({rule.article}): class {rule.grade}. Records: {', '.join(records)}.",
        text_zh=f"{rule.zh}（{rule.article}），直接判定为{rule.grade}类。依据记录：{'、'.join(records)}。",
    )
