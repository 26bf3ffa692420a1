"""Reminders to an enterprise (SAMR (11)): which of its records asks what of it, by when and where.

A reminder names record and duty, never a score, a class or points (HB 5): it is made from records and policy alone, and
nothing that scores is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.contract import TABLES
from features.engine.record.record import Record
from features.policies import FeaturesPolicy, features_policy
from features.policy import Policy, load_policy
from models.remedies.changes import Row, as_known, matching, missing_reports
from models.remedies.policy import Matching
from models.remedies.result import zh_day


class Office(Policy):
    """Where to turn to, in both languages."""

    en: str
    zh: str


class Reminding(Policy):
    """One kind of reminder: the records it is about (or the missing annual reports), its texts, and in how many days
    the duty is to be met."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    en: str
    zh: str
    days: int = Field(ge=1, le=366)
    match: Matching | None = None
    missing_report: bool = False

    @model_validator(mode="after")
    def _about_something(self) -> Reminding:
        if (self.match is None) != self.missing_report:
            raise ValueError(f"reminder {self.id}: expected either match or missing_report = true")
        names = {"office": "o", "due": "d"} | ({"year": "y"} if self.missing_report else {"record": "r"})
        needed = "{year}" if self.missing_report else "{record}"
        for text in (self.en, self.zh):
            try:
                text.format(**names)
            except (KeyError, IndexError, ValueError) as err:
                known = ", ".join(sorted(names))
                raise ValueError(f"reminder {self.id}: {text!r} may name {known} in braces, nothing else") from err
            if needed not in text:
                raise ValueError(f"reminder {self.id}: {text!r} doesn't name what it is about, {needed}")
        return self


class Reminders(Policy):
    """``reminders.toml``: the office, the words that no text may hold, and the kinds of reminders."""

    office: Office
    never_zh: tuple[str, ...] = Field(min_length=1)
    never_en: tuple[str, ...] = Field(min_length=1)
    reminders: tuple[Reminding, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _discreet(self) -> Reminders:
        ids = [each.id for each in self.reminders]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"reminders given more than once: {twice}")
        for each in self.reminders:
            told = [w for w in self.never_zh if w in each.zh] + [w for w in self.never_en if w in each.en.lower()]
            if told:
                raise ValueError(f"reminder {each.id} holds {', '.join(told)}: it never names score, class or points")
        return self


class Reminder(BaseModel):
    """A reminder to one enterprise: its kind, the last day, the record it is about, and the text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enterprise_id: str
    kind: str
    due: date
    record: str | None
    text_en: str
    text_zh: str


def load_reminders(province: str) -> Reminders:
    """Load ``data/policies/<province>/reminders.toml``."""
    return load_policy(province, "reminders", Reminders)


def reminders_of(records: Sequence[Record], province: str) -> list[list[Reminder]]:
    """Return what each enterprise is to be reminded of at its cut-off, in the policy's order, then the newest first.

    Parameters
    ----------
    records
        Of n enterprises; see `models.remedies.folder.records_of`.
    province
        Whose ``reminders.toml`` holds.
    """
    policy, features = load_reminders(province), features_policy(province)
    return [
        [one for kind in policy.reminders for one in _of(as_known(record), kind, policy.office, features)]
        for record in records
    ]


def _of(record: Record, kind: Reminding, office: Office, features: FeaturesPolicy) -> list[Reminder]:
    due = record.cutoff + timedelta(days=kind.days)

    def made(name: str | None, en: dict[str, object], zh: dict[str, object]) -> Reminder:
        return Reminder(
            enterprise_id=record.enterprise_id,
            kind=kind.id,
            due=due,
            record=name,
            text_en=_sentence(kind.en.format(due=due, office=office.en, **en)),
            text_zh=kind.zh.format(due=zh_day(due), office=office.zh, **zh),
        )

    if kind.match is None:
        years = missing_reports(record, features)
        return [made(None, {"year": year}, {"year": year}) for year in reversed(years)]
    table = kind.match.table
    rows = sorted(matching(record, kind.match), key=lambda row: (row["occurred_at"], row["record_id"]), reverse=True)
    return [made(f"{table}:{r['record_id']}", {"record": _en(table, r)}, {"record": _zh(table, r)}) for r in rows]


def _en(table: str, row: Row) -> str:
    return f"{TABLES[table].meaning.partition(';')[0].partition(' (')[0]} of {row['occurred_at']}"


def _zh(table: str, row: Row) -> str:
    return f"{zh_day(row['occurred_at'])}的{TABLES[table].zh}记录"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
