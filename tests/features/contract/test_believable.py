"""What is believable of a record is stated once, for all provinces, and every number has bounds."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from features.contract import TABLES
from features.contract.believable import BelievablePolicy, believable, bounds
from features.engine.plan import GREATEST


def test_every_whole_number_of_the_contract_has_a_least_and_a_greatest_value() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.type in ("int", "fen"):
                low, high = bounds(column)
                assert -believable().greatest_fen <= low < high < 10**17, (table.name, column.name)


def test_what_is_believable_of_money_is_more_than_any_bank_has_and_far_from_the_end_of_64_bits() -> None:
    largest_bank = 6 * 10**15  # fen: 60 trillion yuan
    assert largest_bank < believable().greatest_fen < GREATEST < 2**63 / 4


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1900, 1, 1), date(1949, 9, 30), date(1970, 1, 1)])
def test_a_day_before_the_earliest_and_the_zero_of_a_clock_stand_for_not_known(day: date) -> None:
    assert believable().is_placeholder(day)


@pytest.mark.parametrize("day", [date(1949, 10, 1), date(1970, 1, 2), date(2024, 1, 1)])
def test_any_other_day_is_believed(day: date) -> None:
    assert not believable().is_placeholder(day)


def test_a_table_that_is_not_the_contracts_is_refused() -> None:
    stated = believable().model_dump() | {"lasting_tables": ["registration", "shops"]}
    with pytest.raises(ValidationError, match="'shops'"):
        BelievablePolicy.model_validate(stated)
