"""The table of faults tells a wrong answer from a right one."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from fenlei.bench.serve.faults import Clients
from models.scoring.classification import Classification

EXPECTED = {"E1": ((10.0, "A"), (600.0, "C"))}


@pytest.mark.parametrize(
    ("source", "score", "grade", "code", "wrong"),
    [
        ("model", 10.0, "A", None, 0),
        ("model", 10.1, "A", None, 1),
        ("model", 600.0, "C", None, 1),
        ("rules", 600.0, "C", "no_model", 0),
        ("rules", 600.0, "C", None, 1),
        ("rules", 600.0, "D", "no_model", 1),
    ],
)
def test_only_the_signed_models_answer_or_the_rules_with_their_cause_is_right(
    source: str, score: float, grade: str, code: str | None, wrong: int
) -> None:
    clients = Clients("http://127.0.0.1:9", "t", EXPECTED)
    said = Classification.model_validate(
        {
            "enterprise_id": "E1", "cutoff": date(2026, 1, 1), "score": score, "grade": grade, "score_grade": grade,
            "source": source, "base_score": score, "family_points": {}, "fallback_code": code,
        }
    )  # fmt: skip
    clients._judge("E1", httpx.Response(200, text=said.to_json()))
    seen = clients.during()
    assert (seen.wrong, seen.answered[source], clients.ids["E1"]) == (wrong, 1, 1)
    clients._judge("E1", httpx.Response(503))
    assert clients.during().refused == {503: 1}
