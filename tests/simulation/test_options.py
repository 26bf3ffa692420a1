"""What the options change: drift begins where it says, changes nothing before, and nothing without being asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from features.contract import TABLES
from features.errors import ConfigError
from simulation import SimulationSummary, simulate
from simulation.world.drift import KINDS

SIZE = 4000
FORESEEN = 200
"""Days by which a firm's own plans foresee its state: a report handed in early, a liquidation begun."""


def run(folder: Path, **options: object) -> SimulationSummary:
    return simulate(folder, enterprises=SIZE, months=48, seed=13, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    return run(tmp_path_factory.mktemp("plain") / "p")


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SimulationSummary]:
    root = tmp_path_factory.mktemp("drift")
    return {kind: run(root / kind, drift=[kind]) for kind in KINDS}


def one(sql: str) -> float:
    [(value,)] = duckdb.execute(sql).fetchall()
    return float(value)


def test_nothing_drifts_unasked_and_each_kind_begins_on_a_stated_day(
    plain: SimulationSummary, drifted: dict[str, SimulationSummary]
) -> None:
    assert plain.drift == {}
    for kind, summary in drifted.items():
        assert set(summary.drift) == {kind}
        assert str(summary.begin) < summary.drift[kind] < str(summary.end)


def test_what_is_known_before_a_drift_begins_is_untouched_by_it(
    plain: SimulationSummary, drifted: dict[str, SimulationSummary]
) -> None:
    for kind, summary in drifted.items():
        day = summary.drift[kind]
        for name in set(TABLES) - {"registration"} if kind == "new_industry" else TABLES:
            ours, theirs = (
                f"FROM '{s.folder / name}.parquet' WHERE known_at < DATE '{day}' - {FORESEEN}" for s in (summary, plain)
            )
            assert one(f"SELECT count(*) FROM (({ours}) EXCEPT ALL ({theirs}))") == 0, f"{kind}: {name}"
            assert one(f"SELECT count(*) FROM (({theirs}) EXCEPT ALL ({ours}))") == 0, f"{kind}: {name}"


def test_a_shock_raises_the_risk_from_its_month_on(
    plain: SimulationSummary, drifted: dict[str, SimulationSummary]
) -> None:
    day = drifted["shock"].drift["shock"]

    def ratio(low: int, high: int) -> float:
        span = f"month BETWEEN DATE '{day}' + to_months({low}) AND DATE '{day}' + to_months({high})"
        ours, theirs = (one(f"SELECT avg(risk) FROM '{s.truth}' WHERE {span}") for s in (drifted["shock"], plain))
        return ours / theirs

    assert ratio(-24, -1) == pytest.approx(1.0, abs=0.002)
    assert ratio(0, 6) > 1.05


def test_a_new_industry_is_taken_up_by_the_newly_founded_alone(
    plain: SimulationSummary, drifted: dict[str, SimulationSummary]
) -> None:
    summary = drifted["new_industry"]
    found = f"FROM '{summary.folder}/registration.parquet' WHERE industry = 'I64' AND version = 1"
    assert one(f"SELECT count(*) {found}") > 20
    assert one(f"SELECT count(*) {found} AND occurred_at < DATE '{summary.drift['new_industry']}'") == 0
    assert one(f"SELECT count(*) FROM '{plain.folder}/registration.parquet' WHERE industry = 'I64'") == 0


def test_a_new_rule_changes_what_is_recorded_but_nobodys_conduct(
    plain: SimulationSummary, drifted: dict[str, SimulationSummary]
) -> None:
    summary = drifted["rule_change"]
    day = summary.drift["rule_change"]
    after = f"WHERE version = 1 AND occurred_at >= DATE '{day}'"
    ours, theirs = (one(f"SELECT count(*) FROM '{s.folder}/complaints.parquet' {after}") for s in (summary, plain))
    assert ours > 1.2 * theirs
    lag = "SELECT avg(known_at - occurred_at)"
    ours, theirs = (one(f"{lag} FROM '{s.folder}/penalties.parquet' {after}") for s in (summary, plain))
    assert ours < 0.8 * theirs


def test_a_stronger_hunch_finds_more_on_targeted_visits_and_leaves_the_random_arm_alone(
    plain: SimulationSummary, tmp_path: Path
) -> None:
    strong, same = run(tmp_path / "strong", hunch=8.0), run(tmp_path / "same", hunch=2.5)
    clean = "avg((result_codes = '1')::INT)"
    where = "WHERE result_codes IS NOT NULL AND arm = 'targeted'"
    assert one(f"SELECT {clean} FROM '{strong.folder}/inspections.parquet' {where}") < one(
        f"SELECT {clean} FROM '{plain.folder}/inspections.parquet' {where}"
    )
    hashes = [[hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(s.folder.iterdir())] for s in (same, plain)]
    assert hashes[0] == hashes[1], "2.5 is the policy's own"


@pytest.mark.parametrize(
    ("options", "says"),
    [({"drift": ["war"]}, "no drift called war"), ({"hunch": 0.5}, "1 to 20, not 0.5"), ({"hunch": 21.0}, "not 21")],
)
def test_wrong_options_are_refused_before_anything_is_written(
    options: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=says):
        run(tmp_path / "p", **options)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"source": "credit platform"}'])
@pytest.mark.parametrize("file", ["registration.csv", "penalties.parquet"])
def test_records_that_are_no_simulated_ones_are_never_written_over(
    tmp_path: Path, file: str, manifest: str | None
) -> None:
    (tmp_path / file).write_text("real", encoding="utf-8")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"holds records \({file}\) that manifest.json does not say are of a simul"):
        simulate(tmp_path, enterprises=5, months=12, seed=1)
    assert (tmp_path / file).read_text(encoding="utf-8") == "real"


def test_a_simulated_province_may_be_made_anew_in_its_place(tmp_path: Path) -> None:
    first = simulate(tmp_path / "p", enterprises=5, months=12, seed=1)
    assert simulate(tmp_path / "p", enterprises=5, months=12, seed=1) == first
