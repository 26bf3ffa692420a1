"""A wrong policy is an error that names the file and the line, whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue.sectors import load_sector
from features.errors import ConfigError
from features.policies import OutcomesPolicy
from features.policy import Policy, load_toml, policy_path
from features.population.groups import GroupsPolicy
from models.evaluation.policies import ContractPolicy, SamplingPolicy
from models.scoring.bands import BandPolicy
from models.scoring.rules.determinations import Determinations
from models.scoring.rules.province import load_rules
from models.scoring.rules.scorecard import Scorecard
from models.signoff.checks import GatePolicy

FAULTS: dict[str, tuple[str, type[Policy], str, str, str]] = {
    "cuts out of order": ("bands", BandPolicy, "[200.0, 500.0, 750.0]", "[500.0, 200.0, 750.0]", "strictly increase"),
    "a cut above the scale": ("bands", BandPolicy, "500.0, 750.0]", "500.0, 1750.0]", "between 0 and 1000"),
    "a rate above 1": ("bands", BandPolicy, "[0.09, 0.18, 0.35]", "[0.09, 0.18, 1.35]", "between 0 and 1"),
    "shares of another sum": ("bands", BandPolicy, "[0.55, 0.32", "[0.65, 0.32", "sum to 1, not to 1.1"),
    "promises that overlap": ("bands", BandPolicy, "B = [0.09,", "B = [0.05,", "A is promised up to 0.09, B from 0.05"),
    "a promise that ends before it begins": ("bands", BandPolicy, "C = [0.18, 0.35]", "C = [0.35, 0.18]", "lower end"),
    "no such closed side": ("bands", BandPolicy, 'closed = "right"', 'closed = "both"', "'left' or 'right'"),
    "an unknown key": ("bands", BandPolicy, "minimum_known =", "minimum_knwon =", "Extra inputs.*minimum_known"),
    "a wrong type": ("bands", BandPolicy, "tail_points = 10.0", 'tail_points = "ten"', "valid number"),
    "an indicator twice": (
        "scorecard", Scorecard, 'indicator = "corporate_shareholders"', 'indicator = "years_operating"',
        "more than one entry: years_operating",
    ),
    "a family without a weight": (
        "scorecard", Scorecard, 'family = "basic"\nrule = { kind = "per_unit", points = -10.0',
        'family = "astral"\nrule = { kind = "per_unit", points = -10.0', "without a weight: astral",
    ),
    "steps out of order": ("scorecard", Scorecard, "{ at_least = 5, points", "{ at_least = 2, points", "not 2 after 3"),
    "a rule of no points": (
        "scorecard", Scorecard, 'rule = { kind = "per_unit", points = -10.0', 'rule = { kind = "per_unit", points = 0',
        "must not be 0",
    ),
    "a cap below 0": (
        "scorecard", Scorecard, 'points = -10.0, cap = 20.0', 'points = -10.0, cap = -20.0', "greater than 0",
    ),
    "a base beyond the scale": ("scorecard", Scorecard, "base = 148.0", "base = 1480.0", "less than or equal to 1000"),
    "a rule twice": ("determinations", Determinations, 'id = "H12.2"', 'id = "H12.1"', "more than once: H12.1"),
    "no such class": ("determinations", Determinations, 'grade = "C"', 'grade = "E"', "'A', 'B', 'C' or 'D'"),
    "group cuts out of order": ("groups", GroupsPolicy, "staff_cuts = [", "staff_cuts = [9000, ", "staff_cuts"),
    "a result code left out": ("outcomes", OutcomesPolicy, '"A", ', "", "must be named once"),
    "a level above 1": ("contract", ContractPolicy, "level = 0.", "level = 1.", "less than 1"),
    "a slope that is not about 1": ("contract", ContractPolicy, "slope = [0.", "slope = [1.", "about 1"),
    "a plan that draws more than all": ("sampling", SamplingPolicy, "shares = [0.", "shares = [7.", "between 0 and 1"),
    "an unknown rule of the gate": ("gate", GatePolicy, 'unknown = "reason"', 'unknown = "whatever"', "'reason'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_policy_names_file_line_and_key(fault: str, tmp_path: Path) -> None:
    name, model, right, wrong, said = FAULTS[fault]
    text = policy_path("hebei", name).read_text(encoding="utf-8")
    assert right in text
    spoilt = text.replace(right, wrong, 1)
    file = tmp_path / f"{name}.toml"
    file.write_text(spoilt, encoding="utf-8")
    first = next(
        n for n, (a, b) in enumerate(zip(text.splitlines(), spoilt.splitlines(), strict=True), start=1) if a != b
    )
    with pytest.raises(ConfigError, match=said) as caught:
        load_toml(file, model)
    head, *mistakes = str(caught.value).splitlines()
    assert head == f"{file} is not a valid {model.__name__}:"
    assert any(line.startswith(f"  line {first}: ") for line in mistakes)


def test_what_is_no_toml_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "bands.toml"
    file.write_text('closed = "right"\ncuts = [1, 2\nrates = 3\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bands\.toml: not valid TOML: .*at line 3"):
        load_toml(file, BandPolicy)


def test_every_policy_of_the_product_is_read_by_the_one_reader() -> None:
    """No module reads TOML on its own: what it does not read, it can't tell the line of."""
    src = Path(__file__).parents[4] / "src"
    readers = {str(p.relative_to(src)) for p in src.rglob("*.py") if "tomllib" in p.read_text(encoding="utf-8")}
    assert readers == {"features/toml_text.py"}
    assert issubclass(BandPolicy, Policy)


@pytest.fixture
def oldtown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENLEI_POLICIES", str(tmp_path))
    home = tmp_path / "oldtown"
    home.mkdir()
    (home / "province.toml").write_text('name_zh = "旧镇"\nbase = "hebei"\n', encoding="utf-8")
    return home


def test_an_indicator_that_the_catalogue_lacks_is_told_with_its_line_and_the_nearest_name(oldtown: Path) -> None:
    text = policy_path("hebei", "scorecard").read_text(encoding="utf-8")
    (oldtown / "scorecard.toml").write_text(text.replace('"penalties_3y"', '"penaltys_3y"'), encoding="utf-8")
    bands = policy_path("hebei", "bands").read_text(encoding="utf-8")
    (oldtown / "bands.toml").write_text(bands.replace('scorecard = "hebei"', 'scorecard = "oldtown"'), encoding="utf-8")
    line = 1 + text.splitlines().index('indicator = "penalties_3y"')
    with pytest.raises(ConfigError) as caught:
        load_rules("oldtown")
    said = str(caught.value)
    assert said.startswith(f"{oldtown / 'scorecard.toml'} is not a valid Scorecard:\n  line {line}: entries.")
    assert "'penaltys_3y'" in said
    assert "penalties_3y" in said.split("'penaltys_3y'")[1]


def test_a_card_may_name_an_indicator_of_a_sector(oldtown: Path) -> None:
    bands = policy_path("hebei", "bands").read_text(encoding="utf-8")
    (oldtown / "bands.toml").write_text(bands.replace('scorecard = "hebei"', 'scorecard = "oldtown"'), encoding="utf-8")
    own = next(iter(load_sector("hebei", "food").catalogue))
    text = policy_path("hebei", "scorecard").read_text(encoding="utf-8")
    (oldtown / "scorecard.toml").write_text(text.replace('"penalties_3y"', f'"{own}"'), encoding="utf-8")
    assert own in load_rules("oldtown").scorecard.indicators


def test_a_base_that_is_not_there_is_told_with_its_line(oldtown: Path) -> None:
    (oldtown / "province.toml").write_text('name_zh = "旧镇"\nbase = "hebie"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"province\.toml, line 2: base 'hebie' has no policies.*hebei"):
        load_rules("oldtown")


def test_a_direct_rule_whose_evidence_nobody_computes_is_told_with_its_line(oldtown: Path) -> None:
    text = policy_path("henan", "determinations").read_text(encoding="utf-8")
    wrong = text.replace('evidence = "evidence_H13_2"', 'evidence = "evidence_H99_2"')
    (oldtown / "determinations.toml").write_text(wrong, encoding="utf-8")
    bands = policy_path("hebei", "bands").read_text(encoding="utf-8")
    own = bands.replace('determinations = "hebei"', 'determinations = "oldtown"')
    (oldtown / "bands.toml").write_text(own, encoding="utf-8")
    line = 1 + wrong.splitlines().index('evidence = "evidence_H99_2"')
    with pytest.raises(
        ConfigError, match=rf"determinations\.toml is not a valid[^\n]*\n  line {line}: rules\.1: no evid"
    ):
        load_rules("oldtown")
