"""A good month is never replaced by nothing, nor silently by much less; what went wrong is named by its true cause."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import indicators
from features.errors import ConfigError, SourceError
from features.policies import table_policy
from features.table.month import read_table, write_table
from features.table.quality import quality_path
from features.table.replacing import CohortError, check_cohort
from helpers.scope import HEBEI
from helpers.thorough import examples
from helpers.tiny_source import AS_OF, write_source

ALLOWED = table_policy("hebei").most_lost


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of ten enterprises."""
    home = tmp_path_factory.mktemp("month")
    write_table(write_source(home / "source"), AS_OF, home / "good.parquet", HEBEI)
    return home / "good.parquet"


@pytest.fixture
def good(month: Path, tmp_path: Path) -> Path:
    for file in (month, quality_path(month)):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / month.name


def held(table: Path) -> tuple[bytes, bytes, list[str]]:
    """The table, its quality, and what lies beside them."""
    names = sorted(p.name for p in table.parent.iterdir() if p.is_file())
    return table.read_bytes(), quality_path(table).read_bytes(), names


def test_a_register_that_cannot_be_read_leaves_the_good_month_and_is_named(good: Path, tmp_path: Path) -> None:
    before, source = held(good), write_source(tmp_path / "spoilt", readable=0)
    with pytest.raises(SourceError) as caught:
        write_table(source, AS_OF, good, HEBEI)
    said = str(caught.value)
    assert "required table registration" in said
    assert "of 10 rows of registration.csv, 0 are usable and 10 went to quarantine" in said
    assert "known_at" in said
    assert held(good) == before


def test_an_empty_cohort_leaves_the_good_month(good: Path, tmp_path: Path) -> None:
    before, source = held(good), write_source(tmp_path / "closed")
    file = source / "registration.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("active", "cancelled"), encoding="utf-8")
    with pytest.raises(CohortError, match=r"no enterprise belongs to the cohort of hebei at 2026-01-01.*stays"):
        write_table(source, AS_OF, good, HEBEI, accept_fall=True)
    assert held(good) == before


def test_a_month_that_lost_more_than_policy_allows_is_not_written_unless_a_person_says_so(
    good: Path, tmp_path: Path
) -> None:
    before, source = held(good), write_source(tmp_path / "half", readable=5)
    with pytest.raises(CohortError) as caught:
        write_table(source, AS_OF, good, HEBEI)
    said = str(caught.value)
    assert "holds 10 enterprises at 2026-01-01, the cohort at 2026-01-01 5: 50.0% fewer" in said
    assert "5 went to quarantine" in said
    assert "--accept-fall" in said
    assert held(good) == before
    assert write_table(source, AS_OF, good, HEBEI, accept_fall=True)["enterprises"] == 5
    assert len(read_table(good)[0]) == 5


def test_a_month_within_what_policy_allows_replaces_the_older(good: Path, tmp_path: Path) -> None:
    source = write_source(tmp_path / "nine", readable=9)
    assert write_table(source, AS_OF, good, HEBEI)["enterprises"] == 9


@settings(max_examples=examples(60), deadline=None)
@given(after=st.integers(0, 30), accept=st.booleans())
def test_what_is_let_through_is_never_empty_nor_silently_a_fall(month: Path, after: int, accept: bool) -> None:
    try:
        check_cohort(month, AS_OF, after, "hebei", accept_fall=accept)
    except CohortError:
        assert after == 0 or (not accept and after < 10 * (1 - ALLOWED))
    else:
        assert after > 0
        assert accept or after >= 10 * (1 - ALLOWED)


def test_somebody_elses_file_is_not_replaced(tmp_path: Path) -> None:
    other = tmp_path / "notes.parquet"
    other.write_text("not a table\n", encoding="utf-8")
    with pytest.raises(SourceError, match="no indicator table"):
        write_table(write_source(tmp_path / "source"), AS_OF, other, HEBEI)
    assert other.read_text(encoding="utf-8") == "not a table\n"


def test_a_table_is_parquet_and_stands_outside_its_source(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source")
    before = sorted(p.name for p in source.iterdir())
    with pytest.raises(ConfigError, match=r"ends in \.parquet"):
        write_table(source, AS_OF, tmp_path / "x.csv", HEBEI)
    with pytest.raises(ConfigError, match="in the source folder"):
        write_table(source, AS_OF, source / "registration.parquet", HEBEI)
    assert sorted(p.name for p in source.iterdir()) == before
    assert not (tmp_path / "x.csv").exists()


def test_a_failed_run_leaves_no_half_written_file(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Path:
        raise SourceError("the disk is full")

    monkeypatch.setattr("features.table.month.write_quality", fails)
    before = held(good)
    with pytest.raises(SourceError, match="disk is full"):
        write_table(write_source(tmp_path / "source"), AS_OF, good, HEBEI)
    assert held(good) == before


def test_a_notebook_is_told_the_true_cause_too(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="required table registration"):
        indicators(write_source(tmp_path / "spoilt", readable=0), "2026-01", HEBEI, show_progress=False)
    source = write_source(tmp_path / "young")
    with pytest.raises(SourceError, match="no enterprise belongs to the cohort of hebei at 2020-01-15"):
        indicators(source, date(2020, 1, 15), HEBEI, show_progress=False)
