"""What a newcomer passes to a face works, or is refused in words that say what was expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

from features import (
    Record,
    Scope,
    check_folder,
    cohort,
    compute_indicators,
    extract_context,
    indicators,
    indicators_of,
    lookup,
    members_of,
    open_folder,
    read_outcomes,
)
from features.adapters import ADAPTERS
from features.errors import CatalogueError, ConfigError, FenleiError, SourceError
from features.frames import as_pairs
from features.given import as_day
from helpers import small_model as small
from helpers.root import ROOT
from models import RiskClassifier, RiskModel, Store, approved_model, classify_frame, load_experiment, load_rules, train
from models.study.records import adapt
from models.study.source import Source
from serving import Served, Tokens, classify, create_token, revoke_token
from simulation import simulate

HEBEI = Scope("hebei", names=["penalties_3y", "years_operating"])
CUTOFF = date(2025, 7, 1)


class Other:
    """A frame of another library, which offers one way to become ours."""

    def __init__(self, frame: pd.DataFrame, way: str) -> None:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        # The interchange protocol knows no days, only moments.
        place = table.column_names.index("cutoff")
        moments = table.set_column(place, "cutoff", table.column("cutoff").cast(pa.timestamp("ms")))
        offered = {
            "to_pandas": lambda: frame,
            "__arrow_c_stream__": table.__arrow_c_stream__,
            "__dataframe__": moments.__dataframe__,
        }
        self.way, self.offer = way, offered[way]

    def __getattr__(self, name: str) -> Any:
        if name == self.way:
            return self.offer
        raise AttributeError(name)


def some(clean: Path) -> pd.DataFrame:
    return cohort(clean, CUTOFF, HEBEI).head(5)


def test_a_path_may_be_text_and_a_day_may_be_text(small_clean: Path, small_province: Path, tmp_path: Path) -> None:
    text = str(small_clean)
    members = cohort(text, "2025-07-01", HEBEI)
    pd.testing.assert_frame_equal(members, cohort(small_clean, [CUTOFF], HEBEI))
    few = members.head(5)
    expected = compute_indicators(small_clean, few, HEBEI)
    pd.testing.assert_frame_equal(compute_indicators(text, few, HEBEI), expected)
    pd.testing.assert_frame_equal(members_of(text, few, HEBEI), few)
    shown = indicators(text, few.assign(cutoff="2025-07-01"), HEBEI, show_progress=False)
    pd.testing.assert_frame_equal(shown, expected)
    outcomes = read_outcomes(text, "2025-07-01", province="hebei")
    assert len(outcomes) > 0
    pd.testing.assert_frame_equal(outcomes, read_outcomes(small_clean, datetime(2025, 7, 1), province="hebei"))
    store = open_folder(text)
    [record] = extract_context(store, few["enterprise_id"][0], "2025-07-01", HEBEI)
    store.close()
    assert indicators_of(record, HEBEI)["penalties_3y"].tolist() == expected["penalties_3y"].head(1).tolist()
    assert check_folder(str(small_province), "2026-01-01", str(tmp_path / "out")).ok
    assert load_experiment(str(ROOT / "experiments" / "demo.toml")).province == "hebei"
    assert simulate(str(tmp_path / "tiny"), enterprises=20, months=12, end="2026-01-01").enterprises == 20
    assert Store.in_folder(str(tmp_path)) == Store.in_folder(tmp_path)
    model = small.model()
    model.save(str(tmp_path / "model"))
    assert RiskModel.load(str(tmp_path / "model")) == model
    token = create_token(str(tmp_path / "tokens.jsonl"), "a")
    assert Tokens(str(tmp_path / "tokens.jsonl")).name_of(token) == "a"
    revoke_token(str(tmp_path / "tokens.jsonl"), "a")


@pytest.mark.parametrize("way", ["to_pandas", "__arrow_c_stream__", "__dataframe__"])
def test_another_librarys_frame_is_taken(small_clean: Path, way: str) -> None:
    few = some(small_clean)
    frame = compute_indicators(small_clean, few, HEBEI)
    other: Any = Other(few, way)
    pd.testing.assert_frame_equal(compute_indicators(small_clean, other, HEBEI), frame)
    pd.testing.assert_frame_equal(members_of(small_clean, other, HEBEI), few)
    pd.testing.assert_frame_equal(indicators(small_clean, other, HEBEI, show_progress=False), frame)


def test_what_indicators_gave_may_be_asked_again_and_classified_with_its_keys_as_columns(small_clean: Path) -> None:
    every = Scope("hebei")
    frame = compute_indicators(small_clean, some(small_clean), every)
    pd.testing.assert_frame_equal(compute_indicators(small_clean, frame, every), frame)
    rules, served = load_rules("hebei"), Served("hebei")
    expected = classify_frame(frame, None, rules)
    other: Any = Other(frame.copy().reset_index(), "to_pandas")
    assert classify_frame(other, None, rules) == expected
    assert [a.score for a in classify(other, served, rules)] == [a.score for a in expected]


SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("zone", [UTC, SHANGHAI, timezone(timedelta(hours=-5)), None])
def test_a_cut_off_with_a_zone_is_the_day_of_that_zone(small_clean: Path, zone: Any) -> None:
    few = some(small_clean)
    expected = compute_indicators(small_clean, few, HEBEI)
    at_midnight = datetime(2025, 7, 1, tzinfo=zone)
    for cutoffs in (pd.Series([pd.Timestamp(at_midnight)] * 5), pd.Series([at_midnight] * 5, dtype=object)):
        pd.testing.assert_frame_equal(compute_indicators(small_clean, few.assign(cutoff=cutoffs), HEBEI), expected)
    assert as_day(at_midnight, "day") == CUTOFF


def test_a_time_within_a_day_is_refused_since_it_may_mean_another_day() -> None:
    elsewhere = pd.to_datetime(["2025-06-30T16:00Z"])  # midnight of 1 July in China
    pairs = pd.DataFrame({"enterprise_id": ["E1"], "cutoff": elsewhere})
    with pytest.raises(SourceError, match=r"the cohort, row 0, column cutoff: got 2025-06-30 16:00:00.*expected a day"):
        as_pairs(pairs, "the cohort")


PAIR = pd.DataFrame({"enterprise_id": ["E1", "E2"], "cutoff": [CUTOFF, CUTOFF]})
REFUSED: list[tuple[Callable[[], object], type[FenleiError], str]] = [
    (lambda: as_pairs({"enterprise_id": ["E1"]}, "the cohort"), SourceError, "expected a pandas frame.*got dict"),
    (lambda: as_pairs(PAIR.rename(columns={"cutoff": "day"}), "the cohort"), SourceError,
     "needs columns enterprise_id and cutoff; missing: cutoff; got: enterprise_id, day"),
    (lambda: as_pairs(PAIR.assign(enterprise_id=[1, 2]), "the cohort"), SourceError,
     "row 0, column enterprise_id: expected text, got int"),
    (lambda: as_pairs(PAIR.assign(enterprise_id=pd.Series(["E1", None], dtype=object)), "the cohort"), SourceError,
     "row 1, column enterprise_id: expected text, got nothing"),
    (lambda: as_pairs(PAIR.assign(cutoff=pd.Series([CUTOFF, None], dtype=object)), "the cohort"), SourceError,
     "row 1, column cutoff: got NoneType, expected a day"),
    (lambda: as_pairs(PAIR.assign(cutoff=["2025-07-01", "July"]), "the cohort"), SourceError,
     "row 1, column cutoff: got 'July', expected a day such as 2026-01-31"),
    (lambda: as_pairs(PAIR.assign(cutoff=202507), "the cohort"), SourceError, "row 0, column cutoff: got int"),
    (lambda: Scope("hebei", names="penalties_3y"), ConfigError, r"names is a list.*\['penalties_3y'\]"),
    (lambda: Scope("hebei", known_as_of="soon"), SourceError, "known_as_of: got 'soon'"),  # type: ignore[arg-type]
    (lambda: Record(7, CUTOFF, {}), SourceError, "enterprise_id is text, got int"),  # type: ignore[arg-type]
    (lambda: Record("E1", "July", {}), SourceError, "record of E1, cutoff: got 'July'"),  # type: ignore[arg-type]
    (lambda: indicators_of([Record("E1", CUTOFF, {"penalties": PAIR})], HEBEI), SourceError,  # type: ignore[dict-item]
     r"table penalties: got DataFrame, expected a list of rows, each a dict, such as frame.to_dict\('records'\)"),
    (lambda: lookup("penalties_9y"), CatalogueError, "no indicator 'penalties_9y'; did you mean penalties_3y"),
    (lambda: open_folder(7), SourceError, "clean folder: expected a path, got int"),  # type: ignore[arg-type]
    (lambda: classify_frame(PAIR, None, "hebei"), ConfigError, "such as load_rules"),  # type: ignore[arg-type]
    (lambda: classify_frame(PAIR, RiskClassifier(), load_rules("hebei")), FenleiError,
     "expected a RiskModel.*got RiskClassifier"),
    (lambda: classify(PAIR, "hebei", load_rules("hebei")), ConfigError, "such as Served"),  # type: ignore[arg-type]
    (lambda: approved_model("sqlite:///x.db"), ConfigError, "such as Store.in_folder"),  # type: ignore[arg-type]
    (lambda: train(ROOT / "experiments" / "demo.toml", store=ROOT, data=ROOT), ConfigError,  # type: ignore[arg-type]
     "such as Store.in_folder"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), REFUSED)
def test_what_does_not_fit_is_refused_in_our_words(
    call: Callable[[], object], error: type[FenleiError], says: str
) -> None:
    with pytest.raises(error, match=says):
        call()


def test_an_unknown_indicator_and_a_bare_province_are_refused_before_anything_runs(small_clean: Path) -> None:
    few = some(small_clean)
    asked = Scope("hebei", names=["penalties_9y"])
    with pytest.raises(CatalogueError, match="no indicator 'penalties_9y'; did you mean"):
        compute_indicators(small_clean, few, asked)
    with pytest.raises(CatalogueError, match="no indicator 'penalties_9y'; did you mean"):
        indicators(small_clean, few, asked, show_progress=False)
    bare: Any = "hebei"
    for call in (compute_indicators, members_of):
        with pytest.raises(ConfigError, match=r"expected a scope, such as Scope\('hebei'\), got str"):
            call(small_clean, few, bare)
    with pytest.raises(ConfigError, match="expected a scope"):
        cohort(small_clean, [CUTOFF], bare)


def test_a_definition_holds_the_numbers_of_a_province_when_one_is_named() -> None:
    assert "$problem_prior_visits" in lookup("problem_rate_random").doc
    assert "(visits + 9)" in lookup("problem_rate_random", province="hebei").doc


@pytest.mark.parametrize("name", sorted(set(ADAPTERS) - {"table"}))  # which takes a map instead
def test_an_adapter_without_its_option_names_the_option(name: str, tmp_path: Path) -> None:
    run: Any = ADAPTERS[name]
    with pytest.raises(ConfigError, match="option inspections is missing: expected a list of one or more of"):
        run(tmp_path, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"option inspections = \['nothing'\]: expected"):
        run(tmp_path, tmp_path / "out", inspections="nothing")
    source = Source.model_validate({"adapter": name})
    with pytest.raises(ConfigError, match=f"experiment x: source.options, adapter {name}: option inspections is miss"):
        adapt(source, "x", tmp_path, tmp_path / "out")
    typo = Source.model_validate({"adapter": name, "options": {"inspection": ["a"]}})
    with pytest.raises(ConfigError, match=r"source.options.inspection: adapter .* no such option, only inspections"):
        adapt(typo, "x", tmp_path, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:The set_", "ignore:LightGBM binary classifier")  # shap's own
def test_importances_are_shares_of_gain_and_shap_takes_the_booster() -> None:
    import shap

    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "unused"]).assign(unused=0.0)
    y = (X["a"] + 0.3 * X["b"] + rng.normal(size=400) > 0).astype(int)
    learner = RiskClassifier(n_estimators=20, tree_share=1.0)  # trees alone: what shap is asked for
    with pytest.raises(NotFittedError):
        _ = learner.feature_importances_
    learner.fit(X, y)
    shares = learner.feature_importances_
    assert shares.sum() == pytest.approx(1)
    assert shares[0] > shares[1] > shares[2] == 0
    found = shap.TreeExplainer(learner.booster_).shap_values(X)
    np.testing.assert_allclose(found, learner.contributions(X)[:, :-1], atol=1e-8)
