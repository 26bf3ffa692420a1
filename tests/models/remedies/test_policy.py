"""``acts.toml``: an act that the contract or the policy itself does not allow is refused by file, act and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.policy import load_toml, policy_path
from models.remedies.policy import Acts, load_acts

TEXT = policy_path("hebei", "acts").read_text(encoding="utf-8")


def refused(tmp_path: Path, old: str, new: str) -> str:
    assert old in TEXT
    file = tmp_path / "acts.toml"
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_toml(file, Acts)
    assert str(file) in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('table = "tax"', 'table = "taxes"', "table 'taxes' is unknown; did you mean tax"),
        ("set = { arrears_fen = 0 }", "set = { arrears = 0 }", "column 'arrears' is unknown"),
        ("set = { arrears_fen = 0 }", 'set = { arrears_fen = "none" }', "expected int"),
        ("set = { arrears_fen = 0 }", "set = { known_at = 0 }", "no act sets it"),
        ('end_reason = "repaired"', 'end_reason = "paid"', "'paid': expected one of repaired, corrected"),
        ('reason = ["no_annual_report", "not_published"]', 'reason = ["late"]', "'late': expected one of"),
        ("set = { arrears_fen = 0 }", "set = { arrears_fen = { days_later = 3 } }", "is no day"),
        ("set = { arrears_fen = 0 }", 'set = { arrears_fen = { of = "tax_paid_fen" } }', "no record to copy"),
        ('needs = ["file_report"]', 'needs = ["file_reports"]', "needs an act 'file_reports' is unknown"),
        ('id = "pay_insurance"', 'id = "pay_tax"', "acts given more than once: ['pay_tax']"),
        ('never = ["registration"', 'never = ["tax", "registration"', "act pay_tax gives tax a new version"),
        ("most = 8", "most = 80", "less than or equal to 12"),
        ('kind = "report"', 'kind = "reports"', "'reports'"),
    ],
)
def test_a_wrong_act_is_refused_and_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in refused(tmp_path, old, new)


def test_every_act_has_both_names_an_article_and_a_time() -> None:
    for act in load_acts("hebei").acts:
        assert re.search(r"[\u4e00-\u9fff]", act.zh)
        assert act.en.isascii()
        assert act.article
        assert 0 < act.days <= 90


def test_a_chosen_act_brings_along_what_it_needs() -> None:
    chosen = load_acts("hebei").chosen(["publish_information"])
    assert {act.id for act in chosen.acts} == {"file_report", "publish_information"}
