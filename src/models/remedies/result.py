"""Result of a search for remedies, and its texts in both languages.

Officials see scores and classes; what an enterprise may be told (`Remedies.answer`) names acts, records and days alone,
never a score, a class or points (HB 5).
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from features.contract import TABLES
from models.remedies.changes import REPORTS, Touched
from models.scoring.classification import Grade


class Part(BaseModel):
    """Base of the result's parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TouchedRecord(Part):
    """A record that an act ends, changes or adds, or that stops counting; ``added``: it is not there yet."""

    table: str
    record_id: str
    occurred_at: date
    added: bool = False
    text_en: str
    text_zh: str


class Done(Part):
    """One act of the set: what it is, how many days it takes, and the records it touches."""

    act: str
    article: str
    days: int
    records: tuple[TouchedRecord, ...]
    text_en: str
    text_zh: str


class Waiting(Part):
    """The first month in which the class is lower though nothing new is recorded, and what stops counting then.

    ``records`` are those without which the class would have been lower a month before already; where no single one
    decides, those without which the score would have been. ``by_duty``: the class falls only because duties that come
    due until then are met on time.
    """

    cutoff: date
    grade_after: Grade
    score_after: float
    records: tuple[TouchedRecord, ...] = ()
    by_duty: bool = False


class Remedies(Part):
    """What would help one enterprise.

    Parameters
    ----------
    enterprise_id, cutoff
        Whom and when.
    score_before, grade_before
        As it stands.
    acts
        The fewest acts found that bring it at least one class down; none: nothing it can do now.
    score_after, grade_after
        After them, as if done the day before the cut-off; as before where there are none.
    exact
        Whether there is certainly no smaller set: sets of up to three acts are all tried; a larger one is what is left
        of all acts when those that are not needed are taken away one by one.
    possible
        All acts in which there is something to do, each for itself; those of the set are among them.
    waiting
        Where there are no acts, when a record stops counting; None: not in the years looked at, or class A already.
    """

    enterprise_id: str
    cutoff: date
    score_before: float
    grade_before: Grade
    acts: tuple[Done, ...] = ()
    score_after: float
    grade_after: Grade
    exact: bool = True
    possible: tuple[Done, ...] = ()
    waiting: Waiting | None = None

    @property
    def answer(self) -> tuple[tuple[str, str], ...]:
        """Texts for an answer to an objection, English and Chinese: what it may do, or when what stops counting."""
        if self.acts:
            return tuple((act.text_en, act.text_zh) for act in self.acts)
        texts = [(act.text_en, act.text_zh) for act in self.possible]
        if not texts:
            texts = [("There is nothing for you to do at present.", "目前无需您办理事项。")]
        if self.waiting is not None:
            day, zh = self.waiting.cutoff, zh_day(self.waiting.cutoff)
            texts += [
                (
                    f"{one.text_en} stops counting on {day}, if nothing new is recorded.",
                    f"{one.text_zh}自{zh}起不再计入（期间无新增记录）。",
                )
                for one in self.waiting.records
            ]
            if self.waiting.by_duty:
                texts.append(
                    (
                        f"Meet what falls due by {day} on time: file the annual report, and renew what runs out.",
                        f"{zh}前到期的义务请按时履行：报送年度报告，办理到期延续手续。",
                    )
                )
        return tuple(texts)


def zh_day(day: date) -> str:
    """Return a day as it is written in Chinese.

    Examples
    --------
    >>> zh_day(date(2026, 1, 5))
    '2026年1月5日'
    """
    return f"{day.year}年{day.month}月{day.day}日"


def touched_record(one: Touched) -> TouchedRecord:
    """Say which record it is."""
    table = TABLES[one.table]
    if one.table == REPORTS and one.year is not None:
        en, zh = f"The annual report of {one.year}", f"{one.year}年度的年度报告"
    else:
        en = f"{table.meaning[0].upper()}{table.meaning[1:].partition(';')[0]} of {one.occurred_at}"
        zh = f"{zh_day(one.occurred_at)}的{table.zh}记录"
    return TouchedRecord(
        table=one.table, record_id=one.record_id, occurred_at=one.occurred_at, added=one.added, text_en=en, text_zh=zh
    )
