"""An indicator that is left out is named, with the reason and the date that would have kept it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalogue import CATALOGUE
from features.errors import SourceError
from features.records.store import open_folder
from helpers.root import ROOT
from models.reporting.sections.left_out import left_out_lines, short_text
from models.study.dataset import build_dataset
from models.study.experiment import Experiment, load_experiment
from models.study.indicators import usable
from models.study.left_out import LeftOut, left_out, needed_from, short_windows

AS_OF = date(2026, 1, 1)
DEMO = load_experiment(ROOT / "experiments" / "demo.toml")
MONTHS = [date(2023, m, 1) for m in range(1, 11)]
EVERY = 7
"""Days a year that may lack."""


def fit(**values: list[float]) -> pd.DataFrame:
    """A fit of ten months with fifty visits each; a value for each month, which varies within it where it is known."""
    cutoffs = pd.to_datetime([m for m in MONTHS for _ in range(50)])
    ids = [str(k) for k in range(len(cutoffs))]
    columns = {
        name: np.repeat(by_month, 50) + (0 if by_month == [0.0] * 10 else np.tile(np.arange(50), 10))
        for name, by_month in values.items()
    }
    return pd.DataFrame(columns, index=pd.MultiIndex.from_arrays([ids, cutoffs], names=["enterprise_id", "cutoff"]))


def said(frame: pd.DataFrame, covers_from: dict[str, date]) -> dict[str, LeftOut]:
    names = tuple(frame.columns)
    gone = [CATALOGUE[n] for n in names if n not in usable(frame, names, 0.9)]
    return {one.name: one for one in left_out(frame, gone, 0.9, covers_from=covers_from, days_a_year=EVERY)}


def test_constant_and_hardly_covered_are_two_reasons_and_the_second_names_the_dates() -> None:
    late = [np.nan] * 3 + [1.0] * 7
    found = said(fit(penalties_1y=late, complaints_3m=[0.0] * 10, years_operating=[1.0] * 10), {
        "penalties": date(2022, 4, 1), "complaints": date(2015, 1, 1), "registration": date(2015, 1, 1),
    })  # fmt: skip
    assert set(found) == {"penalties_1y", "complaints_3m"}
    assert found["complaints_3m"].why == "constant: always 0 where known"
    assert found["complaints_3m"].remedy == ""
    one = found["penalties_1y"]
    assert one.why == "covered for too small a part: 70% of the fit's rows, asked for are 90%"
    # One month in ten may be unknown: the year before 1 February, less the week that is tolerated.
    assert one.records_from == {"penalties": date(2022, 2, 8)}
    # From March on, one month of eight is still too much; from April on, none is unknown.
    assert one.learn_from == date(2023, 4, 1)
    assert one.remedy == (
        "penalties covered from 2022-02-08 on (it begins 2022-04-01), or split.learn_from = 2023-04-01"
    )


def test_a_table_that_the_source_lacks_is_named_and_no_later_fit_is_promised() -> None:
    [one] = said(fit(penalties_1y=[np.nan] * 10), {}).values()
    assert one.reason == "uncovered"
    assert one.learn_from is None
    assert one.remedy.endswith("(the source has none)")


def test_the_dates_that_are_named_do_keep_the_indicator() -> None:
    """The promise is kept: covered from that day, or fitted from that month, it is used."""
    for gone in range(2, 10):
        values = [np.nan] * gone + [1.0] * (10 - gone)
        frame = fit(penalties_1y=values)
        [one] = said(frame, {"penalties": MONTHS[gone] - timedelta(days=365)}).values()
        assert one.learn_from is not None
        later = frame[frame.index.get_level_values("cutoff") >= pd.Timestamp(one.learn_from)]
        assert usable(later, ("penalties_1y",), 0.9) == ("penalties_1y",)
        [(_, day)] = one.records_from.items()
        unknown = [m for m in MONTHS if needed_from(CATALOGUE["penalties_1y"], m, EVERY)["penalties"] < day]
        covered = fit(penalties_1y=[np.nan if m in unknown else 1.0 for m in MONTHS])
        assert usable(covered, ("penalties_1y",), 0.9) == ("penalties_1y",)


def test_windows_that_are_cut_short_are_told_with_the_days_that_lack() -> None:
    indicators = [CATALOGUE[n] for n in ("penalties_1y", "penalties_3y", "complaints_3m")]
    covers = {"penalties": date(2022, 1, 6), "complaints": date(2022, 1, 1)}
    assert short_windows(indicators, MONTHS, covers, EVERY) == {"penalties_1y": 5}
    assert short_windows(indicators, MONTHS, covers, 4) == {}
    assert short_windows(indicators, MONTHS[1:], covers, EVERY) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("late", "kept"), [(5, True), (12, False)])
def test_records_that_begin_days_too_late_cost_no_indicator_or_are_told(
    small_clean: Path, late: int, kept: bool
) -> None:
    # Seven months of fit: one that is not covered is more than the tenth that may be.
    study = Experiment.model_validate(
        DEMO.model_dump() | {
            "split": DEMO.split.model_dump() | {
                "learn_from": date(2023, 1, 1), "test_from": date(2023, 9, 1), "test_to": date(2024, 9, 1)
            },
            "tuning": {"trials": 0},
            "origins": {"count": 1, "months": 1, "least_months": 3},
        }
    )  # fmt: skip
    begins = date(2022, 1, 1) + timedelta(days=late)
    whole = build_dataset(small_clean, study, AS_OF)
    store = open_folder(small_clean)
    store.covers_from.update({t: max(day, begins) for t, day in store.covers_from.items() if t != "registration"})
    dataset = build_dataset(store, study, AS_OF)
    store.close()
    assert whole.short == {}
    found = {one.name: one for one in dataset.left_out}
    yearly = [n for n in whole.names if CATALOGUE[n].window == "1 years" and "peers" not in CATALOGUE[n].tables]
    assert len(yearly) > 5
    if kept:
        assert set(yearly) <= set(dataset.names)
        assert {dataset.short[n] for n in yearly if n in dataset.short} == {late}
        assert f"up to {late} days" in short_text(dataset)
    else:
        assert all(found[n].reason == "uncovered" for n in yearly)
        one = found["penalties_1y"]
        assert (
            one.remedy == f"penalties covered from 2022-01-08 on (it begins {begins}), or split.learn_from = 2023-02-01"
        )
    table = left_out_lines(dataset.left_out)
    assert table.row_count > 0
    assert str(table.title).startswith(f"{len(dataset.left_out)} indicators left out")


def test_a_study_whose_indicators_are_all_left_out_says_why(small_clean: Path) -> None:
    store = open_folder(small_clean)
    store.covers_from.pop("complaints")
    alone = DEMO.model_copy(update={"indicators": DEMO.indicators.model_copy(update={"only": ("complaints_3m",)})})
    with pytest.raises(SourceError, match=r"none of 1 indicators is left.*complaints_3m: covered for too small a part"):
        build_dataset(store, alone, AS_OF)
    store.close()
