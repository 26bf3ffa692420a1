"""The outlook of a ledger: nothing below the minimum count, trends by one model, directed checks, one page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.months import ledger_of
from serving.ledger.place import LedgerError
from supervision.outlook.outlook import Outlook, outlook
from supervision.outlook.page import page
from supervision.outlook.policy import outlook_policy
from supervision.outlook.visits import to_know, to_tell

POLICY = outlook_policy("hebei")
NAMES = ("2025-10", "2025-11", "2025-12")


def firms(month: int = 0, seed: int = 1) -> pd.DataFrame:
    """Twenty cells of 80 firms at a risk of 0.10; one at 0.30 that climbs; one of 49 firms at 0.9."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(20):
        risk = 0.30 + 0.03 * month if number == 7 else 0.10
        chance = np.clip(rng.normal(risk, 0.03, 80), 0.01, 0.99)
        parts.append(
            pd.DataFrame({"region": f"1301{number // 4:02d}", "industry": f"F5{number % 4}", "probability": chance})
        )
    parts.append(pd.DataFrame({"region": "130199", "industry": "H62", "probability": [0.9] * 49}))
    rows = pd.concat(parts, ignore_index=True)
    rows["enterprise_id"] = [f"E{k:05d}" for k in range(len(rows))]
    rows["grade"] = np.where(rows["probability"] > 0.25, "D", np.where(rows["probability"] > 0.12, "C", "B"))
    return rows


def seen_of(root: Path, models: dict[str, str] | None = None) -> Outlook:
    return outlook(ledger_of(root, {name: firms(k) for k, name in enumerate(NAMES)}, models), None, POLICY)


def test_nothing_is_said_of_a_cell_below_the_minimum_count(tmp_path: Path) -> None:
    seen = seen_of(tmp_path)
    assert "130199" not in {cell.region for cell in seen.cells}
    assert (seen.small, seen.small_firms) == (1, 49)
    assert "130199" not in page(seen, POLICY)


def test_the_one_risky_cell_leads_and_alone_is_worth_a_check(tmp_path: Path) -> None:
    seen = seen_of(tmp_path)
    [cell] = [each for each in seen.cells if each.worth]
    assert cell is seen.cells[0]
    assert (cell.region, cell.industry) == ("130101", "F53")
    assert cell.risk.low < 0.36 < cell.risk.high + 0.03
    assert cell.risk.value < cell.observed, "it is drawn towards the others"


def test_the_one_climbing_cell_has_a_trend_above_zero_and_no_other(tmp_path: Path) -> None:
    trends = {(c.region, c.industry): c.trend for c in seen_of(tmp_path).cells}
    climbing = trends.pop(("130101", "F53"))
    assert climbing is not None
    assert climbing.low > 0
    assert climbing.value == pytest.approx(0.03, abs=0.005)
    assert all(t is not None and t.low <= 0 <= t.high for t in trends.values())


def test_months_of_another_model_are_no_part_of_a_trend(tmp_path: Path) -> None:
    seen = seen_of(tmp_path, {"2025-10": "m0", "2025-11": "m0"})
    assert seen.months == ("2025-12",)
    assert seen.cut == 2
    assert all(cell.trend is None for cell in seen.cells)


def test_an_unpublished_month_is_an_error_that_says_which_are_there(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, {"2025-11": firms()})
    with pytest.raises(LedgerError, match=r"2025-12 is not in the ledger; published months of hebei: 2025-11"):
        outlook(ledger, "2025-12", POLICY)


def test_an_empty_ledger_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no published month"):
        outlook(ledger_of(tmp_path, {}), None, POLICY)


def test_a_ledger_of_small_cells_alone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="least_firms"):
        outlook(ledger_of(tmp_path, {"2025-11": firms().iloc[-49:]}), None, POLICY)


def test_where_the_rules_answer_the_share_of_c_and_d_is_the_risk(tmp_path: Path) -> None:
    seen = outlook(ledger_of(tmp_path, {"2025-11": firms().assign(probability=np.nan)}), None, POLICY)
    assert seen.measure == "share"
    assert seen.cells[0].risk == seen.cells[0].cd


def test_the_page_needs_nothing_beside_it_and_speaks_both_languages(tmp_path: Path) -> None:
    made = page(seen_of(tmp_path), POLICY)
    assert not re.search(r'(src|href)="(?!data:)[^#]', made)
    assert "<script" not in made
    assert made.count("<svg") == 2 + POLICY.multiples
    assert "建议定向抽查" in made
    assert "a directed check" in made


def test_the_same_ledger_gives_the_same_page(tmp_path: Path) -> None:
    assert page(seen_of(tmp_path / "a"), POLICY) == page(seen_of(tmp_path / "b"), POLICY)


def test_visits_to_know_a_rate_are_the_textbooks_and_never_more_than_there_are() -> None:
    assert to_know(0.5, 10**9, POLICY.check) == 385
    assert to_know(0.5, 1000, POLICY.check) == 278
    assert to_know(0.5, 20, POLICY.check) == 20


def test_visits_to_tell_a_rate_have_the_wished_power() -> None:
    """By simulation: the test rejects about as often as asked, and a rate not above the usual can't be told."""
    visits = to_tell(0.2, 0.1, POLICY.check)
    assert visits is not None
    found = np.random.default_rng(2).binomial(visits, 0.2, 20_000) / visits
    line = 0.1 + 1.6449 * np.sqrt(0.1 * 0.9 / visits)
    assert (found > line).mean() == pytest.approx(POLICY.check.power, abs=0.06)
    assert to_tell(0.1, 0.1, POLICY.check) is None
