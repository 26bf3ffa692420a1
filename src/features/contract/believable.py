"""Bounds of what is believable of a record: greatest amounts, earliest days, longest lags (``believable.toml``).

They hold for every province alike, as the contract itself does. A value beyond them is no finding about an
enterprise but a slip of a keyboard or a form's way to say "not known"; the check sets it aside with a reason.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from pydantic import Field

from features.contract.tables import TABLES
from features.contract.types import Column
from features.errors import WrongKey
from features.policy import Policy, load_policy, own_policies

LATEST_DAY = date(9999, 12, 31)
"""Last day that both engines and Python can hold; as an end it means "none"."""


class BelievablePolicy(Policy):
    """``believable.toml``: what a value, and a date beside another, can be at most.

    Parameters
    ----------
    greatest_fen, greatest_count
        Greatest value of a money column and of any other whole number that states no bound of its own.
    earliest_day, placeholder_days
        A day before the first, or one of the others, stands for "not known".
    longest_lag_years
        Most years from an event to the day its first version is known.
    lasting_tables
        Tables whose records may begin before the registration, and long before they become known.
    """

    greatest_fen: int = Field(ge=1, le=10**17)
    greatest_count: int = Field(ge=1, le=10**12)
    earliest_day: date
    placeholder_days: tuple[date, ...]
    longest_lag_years: int = Field(ge=1, le=100)
    lasting_tables: tuple[str, ...]

    def model_post_init(self, _: object) -> None:
        """Check that the tables are the contract's.

        Raises
        ------
        ValueError
            If one is not.
        """
        if unknown := sorted(set(self.lasting_tables) - set(TABLES)):
            place = self.lasting_tables.index(unknown[0])
            raise WrongKey(f"lasting_tables {unknown} are no tables of the contract", "lasting_tables", place)

    def is_placeholder(self, day: date) -> bool:
        """Whether a day stands for "not known"."""
        return day < self.earliest_day or day in self.placeholder_days

    @property
    def expected_day(self) -> str:
        """What a date column expects, in words."""
        days = ", ".join(map(str, self.placeholder_days))
        return f"a day from {self.earliest_day} on" + (f" other than {days}" if days else "")


def believable() -> BelievablePolicy:
    """Load the policy; it is the same for all provinces, but for a folder of one's own policies that has another."""
    return _believable(own_policies())


@cache
def _believable(_own: Path | None) -> BelievablePolicy:
    return load_policy("national", "believable", BelievablePolicy)


def bounds(column: Column) -> tuple[int, int]:
    """Return the inclusive bounds of a whole-number column: its own, else those of what is believable.

    Examples
    --------
    >>> bounds(Column("fine_fen", "fen", "罚款金额", minimum=0))
    (0, 10000000000000000)
    """
    greatest = believable().greatest_fen if column.type == "fen" else believable().greatest_count
    low = -greatest if column.minimum is None else column.minimum
    return low, greatest if column.maximum is None else column.maximum
