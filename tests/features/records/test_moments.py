"""Records answer for no day after they were taken, and for no cohort before they begin; both dates are named."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import cohort, compute_indicators, indicators, members_of
from features.check import check_folder
from features.contract.manifest import read_manifest
from features.errors import ConfigError
from features.population.groups import enterprise_groups, groups_policy
from features.records.store import open_folder, open_frames
from features.scope import Scope
from features.table.month import write_clean_table, write_table
from helpers.scope import HEBEI
from helpers.thorough import examples
from helpers.tiny_source import AS_OF, BEGIN, write_source

LATER = date(2035, 6, 1)
AFTER = r"2035-06-01 is after 2026-01-01"
KNOWN_LATER = Scope("hebei", known_as_of=LATER)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("moments") / "source")


@pytest.fixture(scope="module")
def clean(source: Path) -> Path:
    check_folder(source, AS_OF, source.parent / "checked")
    return source.parent / "checked" / "clean"


def test_no_table_is_written_of_a_day_after_the_records(source: Path, clean: Path, tmp_path: Path) -> None:
    for scope, cutoff in ((HEBEI, LATER), (KNOWN_LATER, AS_OF)):
        with pytest.raises(ConfigError, match=AFTER):
            write_table(source, cutoff, tmp_path / "i.parquet", scope)
        with pytest.raises(ConfigError, match=AFTER):
            write_clean_table(clean, cutoff, tmp_path / "i.parquet", scope)
    assert not list(tmp_path.iterdir())


def test_no_table_is_written_of_a_day_before_the_records_begin(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"1990-01-01 is before 2020-01-01"):
        write_table(source, date(1990, 1, 1), tmp_path / "i.parquet", HEBEI)
    assert not list(tmp_path.iterdir())


def test_a_notebook_is_refused_both(source: Path, clean: Path) -> None:
    for data in (source, clean):
        with pytest.raises(ConfigError, match=AFTER):
            indicators(data, LATER, HEBEI, show_progress=False)
        with pytest.raises(ConfigError, match=AFTER):
            indicators(data, AS_OF, KNOWN_LATER, show_progress=False)
        with pytest.raises(ConfigError, match=r"1990-01-01 is before 2020-01-01"):
            indicators(data, "1990-01", HEBEI, show_progress=False)


def test_pairs_are_held_to_the_day_of_their_folder(clean: Path) -> None:
    pairs = pd.DataFrame({"enterprise_id": ["E1", "E1"], "cutoff": [AS_OF, LATER]})
    for asked in (compute_indicators, members_of):
        with pytest.raises(ConfigError, match=AFTER):
            asked(clean, pairs, HEBEI)
        with pytest.raises(ConfigError, match=AFTER):
            asked(clean, pairs.head(1), KNOWN_LATER)
    with pytest.raises(ConfigError, match=AFTER):
        enterprise_groups(clean, pairs, groups_policy("hebei"))


@settings(max_examples=examples(40), deadline=None)
@given(days=st.lists(st.integers(-4000, 4000), min_size=1, max_size=3))
def test_a_cohort_is_given_exactly_for_days_between_beginning_and_end(clean: Path, days: list[int]) -> None:
    asked = [AS_OF + timedelta(days=day) for day in days]
    if all(BEGIN <= day <= AS_OF for day in asked):
        assert set(cohort(clean, asked, HEBEI)["enterprise_id"]) <= {f"E{k}" for k in range(10)}
    else:
        with pytest.raises(ConfigError, match=r"is after 2026-01-01|is before 2020-01-01"):
            cohort(clean, asked, HEBEI)


def test_rows_in_memory_have_no_day() -> None:
    """The service's own path: whoever gives one enterprise's rows answers for the cut-off."""
    store = open_frames({})
    assert store.as_of is None
    assert cohort(store, [LATER], HEBEI).empty
    store.close()


def test_a_check_asked_for_a_later_day_does_not_make_records_newer(source: Path, tmp_path: Path) -> None:
    report = check_folder(source, LATER, tmp_path / "out")
    assert "other_as_of" in {oddity.kind for oddity in report.warnings}
    assert read_manifest(tmp_path / "out" / "clean").as_of == AS_OF
    assert open_folder(tmp_path / "out" / "clean").as_of == AS_OF


def test_a_source_that_does_not_say_its_day_is_the_callers(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", as_of=None)
    assert len(indicators(source, "2026-02", Scope("hebei", names=["years_operating"]), show_progress=False)) == 10
