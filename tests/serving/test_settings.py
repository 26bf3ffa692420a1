"""Settings name a table or a ledger, never both, and what the command line says wins over the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.settings import Settings

BOTH = {"FENLEI_PROVINCE": "hebei", "FENLEI_TABLE": "t.parquet", "FENLEI_LEDGER": "L"}


def test_a_table_and_a_ledger_at_once_are_refused_with_both_variables() -> None:
    with pytest.raises(ConfigError, match="FENLEI_TABLE and FENLEI_LEDGER are both set"):
        Settings.from_env(BOTH)


def test_a_ledger_that_is_told_takes_the_place_of_a_table_in_the_environment_and_the_other_way_round() -> None:
    one = {k: v for k, v in BOTH.items() if k != "FENLEI_LEDGER"}
    told = Settings.from_env(one, ledger=Path("M"))
    assert (told.table, told.ledger) == (None, Path("M"))
    other = {k: v for k, v in BOTH.items() if k != "FENLEI_TABLE"}
    told = Settings.from_env(other, table=Path("u.parquet"))
    assert (told.table, told.ledger) == (Path("u.parquet"), None)
    assert Settings.from_env(told.as_env()).table == Path("u.parquet").resolve()
