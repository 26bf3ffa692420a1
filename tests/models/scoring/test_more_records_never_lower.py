"""A penalty, a list entry or an upheld complaint added now never lowers a score, by the rules or by a model.

Records are added to enterprises of a simulated province and the real indicator code is run: what no column alone can
promise, such as a share that falls when its denominator grows, is seen here. Taking the record away again is the same
pair the other way round: it never raises the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from features import cohort
from features.catalogue import CATALOGUE
from features.check import check_folder
from features.engine.record.record import Record, extract_context, indicators_of
from features.records.store import opened
from features.scope import Scope
from models.learning import scorecard_fit
from models.learning.classifier import RiskClassifier
from models.learning.woe import card_policy
from models.scoring.rules.scorecard import Scorecard, load_scorecard
from models.study.weights import Rows
from simulation import simulate

pytestmark = pytest.mark.slow

CUTOFF = date(2026, 1, 1)
FIRMS = 60
KINDS = ("penalty", "complaint", "abnormal_list", "serious_list", "blacklist")


def added(kind: str, day: date) -> tuple[str, dict[str, Any]]:
    """A record of a day, by its table."""
    common: dict[str, Any] = {
        "record_id": f"new-{kind}",
        "version": 1,
        "occurred_at": day,
        "known_at": day,
        "record_state": "active",
    }
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "penalty": (
            "penalties",
            {"authority_kind": "market_regulation", "field": "food", "penalty_kinds": "fine", "fine_fen": 500_000},
        ),
        "complaint": ("complaints", {"complaint_kind": "complaint", "outcome": "upheld"}),
        "abnormal_list": ("abnormal_list", {"reason": "no_annual_report", "ended_on": None}),
        "serious_list": ("serious_list", {"reason": "food_drug", "ended_on": None}),
        "blacklist": ("blacklists", {"list_kind": "judgment_debtor", "ended_on": None}),
    }
    table, own = kinds[kind]
    return table, common | own


@dataclass(frozen=True)
class World:
    """Firms as they are, and with one record more of each kind; a card and a model fitted on their like."""

    before: pd.DataFrame
    after: dict[str, pd.DataFrame]
    card: Scorecard
    model: RiskClassifier
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder: Path = tmp_path_factory.mktemp("world")
    simulate(folder / "source", enterprises=900, months=36, seed=5, end=CUTOFF)
    check_folder(folder / "source", CUTOFF, folder / "checked")
    scope = Scope("hebei")
    with opened(folder / "checked" / "clean") as store:
        who = cohort(store, [CUTOFF], scope)["enterprise_id"].tolist()
        records = extract_context(store, who, CUTOFF, scope)
    frame = indicators_of(records, scope)
    some = records[:: max(1, len(records) // FIRMS)]
    day = CUTOFF - timedelta(days=3)

    def with_one(record: Record, kind: str) -> Record:
        table, row = added(kind, day)
        row |= {"record_id": f"{row['record_id']}-{record.enterprise_id}"}
        return replace(record, tables={**record.tables, table: [*record.tables.get(table, ()), row]})

    after = {kind: indicators_of([with_one(r, kind) for r in some], scope) for kind in KINDS}
    names = tuple(n for n in CATALOGUE if len(frame[n].dropna().unique()) > 1)
    X = np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64))
    risk = expit((load_scorecard("hebei").evaluate(frame).score - 330.0) / 110.0)
    y = (np.random.default_rng(1).random(len(frame)) < risk).astype(np.int8)
    policy = card_policy("hebei").model_copy(update={"least_visits": 30, "least_violations": 4})
    found = scorecard_fit._forward(Rows(X, y), names, [CATALOGUE[n].monotone for n in names], policy)[-1]
    everyone = {n: X[:, j] for j, n in enumerate(names)}
    card = scorecard_fit._points(found, (600.0, 200.0), CATALOGUE, "small", everyone)
    model = RiskClassifier(
        n_estimators=60, min_data_in_leaf=10, num_threads=1, monotone=[CATALOGUE[n].monotone for n in names]
    )
    model.fit(X, y)
    return World(frame.loc[[(r.enterprise_id, CUTOFF) for r in some]], after, card, model, names)


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_is_seen(world: World, kind: str) -> None:
    column = {
        "penalty": "penalties_3y", "complaint": "complaints_upheld_1y", "abnormal_list": "abnormal_listings_3y",
        "serious_list": "serious_list_ever", "blacklist": "judgment_debtor_5y",
    }[kind]  # fmt: skip
    assert (world.after[kind][column] >= world.before[column]).all()
    assert (world.after[kind][column] > world.before[column]).mean() > 0.8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["hebei", "henan", "ningxia"])
def test_the_expert_cards_never_score_lower_for_it(world: World, place: str, kind: str) -> None:
    card = load_scorecard(place)
    more = card.evaluate(world.after[kind]).score - card.evaluate(world.before).score
    assert more.min() >= 0, world.before.index[int(np.argmin(more))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_card_never_scores_lower_for_it(world: World, kind: str) -> None:
    more = world.card.evaluate(world.after[kind]).score - world.card.evaluate(world.before).score
    assert more.min() >= 0, world.before.index[int(np.argmin(more))]
    assert len(world.card.entries) > 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_never_scores_lower_for_it(world: World, kind: str) -> None:
    columns = list(world.names)
    before, after = (world.model.decision_function(f[columns].to_numpy()) for f in (world.before, world.after[kind]))
    more = after - before
    assert math.isfinite(float(more.min()))
    assert more.min() >= -1e-9, world.before.index[int(np.argmin(more))]
