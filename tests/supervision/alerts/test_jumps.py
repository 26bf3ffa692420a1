"""Jumps of score between published months: by new records, with their evidence; not by another model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.alerts import CUTOFF, day, quiet_register, rows, store_of
from helpers.months import ledger_of
from serving.ledger.place import LedgerError
from supervision.alerts.alert import Alert
from supervision.alerts.find import find_alerts
from supervision.alerts.policy import warnings_policy

POLICY = warnings_policy("hebei")
FIRMS = 2000


def months(jump_of: str, *, by_model: bool = False) -> dict[str, pd.DataFrame]:
    """Two months of quiet scores; in the second one firm's score jumps by 500."""
    rng = np.random.default_rng(4)
    before = rng.uniform(100, 400, FIRMS).round(1)
    now = (before + rng.normal(0, 15, FIRMS)).round(1)
    ids = [f"E{k:05d}" for k in range(FIRMS)]
    hit = ids.index(jump_of)
    now[hit] = before[hit] + 500
    first = pd.DataFrame({"enterprise_id": ids, "score": before, "grade": "B"})
    second = pd.DataFrame({"enterprise_id": ids, "score": now, "previous_score": before, "previous_grade": "B"})
    second["grade"] = ["D" if firm == jump_of else "B" for firm in ids]
    second["moved_model"] = [500.0 if by_model and firm == jump_of else 0.0 for firm in ids]
    return {"2025-12": first, "2026-01": second}


def found(root: Path, *, by_model: bool = False) -> list[Alert]:
    suits = rows("lawsuits", ["E00007"], [day(12)], suit_role="defendant")
    store = store_of(registration=quiet_register(FIRMS), lawsuits=suits)
    return find_alerts(store, CUTOFF, POLICY, ledger=ledger_of(root, months("E00007", by_model=by_model)))


def test_a_jump_is_found_with_the_records_behind_it(tmp_path: Path) -> None:
    [alert] = found(tmp_path)
    assert (alert.kind, alert.level, alert.enterprises) == ("jumps", "serious", ("E00007",))
    assert alert.evidence == ("ledger:2026-01/E00007", "lawsuits:l0-E00007")
    assert "B → D" in alert.en


def test_a_rise_that_another_model_makes_is_no_jump(tmp_path: Path) -> None:
    assert found(tmp_path, by_model=True) == []


def test_a_month_that_is_not_published_is_an_error(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, {"2025-12": months("E00007")["2025-12"]})
    with pytest.raises(LedgerError, match="2026-01 is not in the ledger; published months of hebei: 2025-12"):
        find_alerts(store_of(registration=quiet_register(20)), CUTOFF, POLICY, ledger=ledger)
