"""The truth can be measured by the random arm, explains the records, and is not written in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import cast

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from features.contract import TABLES
from fenlei.bench.truth.published import compare
from fenlei.bench.truth.ranking import CEILING, LOGISTIC, ORACLE, rank
from simulation import SimulationPolicy, SimulationSummary, load_simulation, simulate
from simulation.world.latent import average_probability

SIGNAL = 0.45
"""Most that one column's rank may follow the true risk's: the trade and missed reports come nearest, by design."""
VIOLATION = ["A", "B", "C", "D", "E", "G", "3", "4", "5", "6", "8"]


def visits(summary: SimulationSummary) -> dict[str, npt.NDArray[np.float64]]:
    """Labelled visits: arm, label, draw weight, true risk, points and month."""
    codes = ",".join(f"'{c}'" for c in VIOLATION)
    now = "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY version DESC) = 1"
    found = duckdb.execute(
        f"""
        WITH i AS (SELECT * FROM '{summary.folder}/inspections.parquet' {now}),
             d AS (SELECT * FROM '{summary.folder}/draws.parquet' {now}),
             labelled AS (
                SELECT i.*, string_split(result_codes, ';') AS found, 1e6 / d.probability_ppm AS weight
                FROM i LEFT JOIN d ON d.record_id = i.draw_id WHERE result_codes IS NOT NULL)
        SELECT (arm = 'random')::DOUBLE AS random, weight, t.risk,
            (list_has_any(found, [{codes}]))::DOUBLE AS label
        FROM labelled l JOIN '{summary.truth}' t
            ON t.enterprise_id = l.enterprise_id AND t.month = date_trunc('month', l.occurred_at)
        WHERE list_has_any(found, [{codes}]) OR list_contains(found, '1')
        ORDER BY l.record_id
        """
    ).fetchnumpy()
    return cast("dict[str, npt.NDArray[np.float64]]", found)  # every column asked for is a DOUBLE


@pytest.fixture(scope="module")
def policy() -> SimulationPolicy:
    return load_simulation()


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    return simulate(tmp_path_factory.mktemp("truth") / "p", enterprises=16_000, seed=11)


def test_the_random_arm_weighted_by_its_draws_measures_the_true_rate(summary: SimulationSummary) -> None:
    v = visits(summary)
    drawn = v["random"] == 1
    weight = v["weight"][drawn]
    measured = float(np.average(v["label"][drawn], weights=weight))
    spread = float(np.sqrt(np.sum(weight**2 * (v["label"][drawn] - measured) ** 2)) / np.sum(weight))
    assert abs(measured - summary.problem_rate) < 4 * spread + 0.005
    # Unweighted, draws by class find more: that is what the weights are for.
    assert float(np.mean(v["label"][drawn])) > measured + 2 * spread


def test_the_truth_is_calibrated_on_the_random_arm(summary: SimulationSummary) -> None:
    v = visits(summary)
    drawn = v["random"] == 1
    risk, label = v["risk"][drawn], v["label"][drawn]
    for low, high in ((0.0, 0.05), (0.05, 0.15), (0.15, 0.4), (0.4, 1.0)):
        inside = (risk >= low) & (risk < high)
        spread = np.sqrt(np.mean(risk[inside] * (1 - risk[inside])) / inside.sum())
        assert abs(label[inside].mean() - risk[inside].mean()) < 4 * spread + 0.02


def test_the_truth_is_that_of_an_average_inspector_however_much_inspectors_differ(
    policy: SimulationPolicy, tmp_path: Path
) -> None:
    """Strictness of two log odds: the inspector of median strictness would find some five points less than all do."""
    differing = policy.model_copy(update={"inspection": policy.inspection.model_copy(update={"strictness_sd": 2.0})})
    v = visits(simulate(tmp_path / "p", enterprises=16_000, seed=12, policy=differing))
    drawn = v["random"] == 1
    risk, label, weight = v["risk"][drawn], v["label"][drawn], v["weight"][drawn]
    weight = weight / weight.sum()
    spread = float(np.sqrt(np.sum(weight**2 * (label - risk) ** 2)))
    # 360 inspectors are a sample too: their mean strictness has a standard error of 0.1 log odds.
    assert abs(float(weight @ (label - risk))) < 3 * spread + 0.02


@given(log_odds=st.floats(-8, 8), spread=st.floats(0, 2))
def test_the_average_inspectors_probability_is_the_integral_over_strictness(log_odds: float, spread: float) -> None:
    def at(strictness: float) -> float:
        return float(norm.pdf(strictness) * expit(log_odds + spread * strictness))

    found = float(average_probability(np.array(log_odds), spread))
    exact = quad(at, -10, 10, epsabs=1e-10)[0]
    assert found == pytest.approx(exact, abs=1e-6 if spread <= 0.5 else 2e-3)


@pytest.mark.slow
def test_the_hunch_is_the_odds_ratio_between_the_arms_at_equal_risk(policy: SimulationPolicy, tmp_path: Path) -> None:
    for hunch in (1.0, 4.0):
        strong = policy.model_copy(update={"inspection": policy.inspection.model_copy(update={"hunch": hunch})})
        v = visits(simulate(tmp_path / str(hunch), enterprises=30_000, seed=2, policy=strong))
        targeted = v["random"] == 0
        risk = np.clip(v["risk"][targeted], 1e-6, 1 - 1e-6)
        odds = hunch * risk / (1 - risk)
        expected, found = odds / (1 + odds), v["label"][targeted]
        spread = np.sqrt(np.mean(expected * (1 - expected)) / len(found))
        assert abs(found.mean() - expected.mean()) < 4 * spread + 0.012, f"hunch {hunch}"


@pytest.mark.slow
def test_every_published_figure_comes_out_within_its_tolerance(summary: SimulationSummary) -> None:
    outside = [(r.figure.key, r.simulated) for r in compare(summary.folder, summary.end) if not r.within]
    assert outside == []


@pytest.mark.slow
def test_a_straight_line_over_counts_stays_well_below_the_ceiling(tmp_path: Path) -> None:
    """The province is not a toy: a seed that the assumptions were not chosen on; truth instead of noisy labels."""
    folder = simulate(tmp_path / "p", enterprises=16_000, seed=404).folder
    rows = {row.name: row for row in rank(folder, seed=404, enterprises=16_000, taught=25_000).rows}
    assert rows[LOGISTIC].expected_gain < 0.9
    assert rows[LOGISTIC].expected > 0.65
    assert rows[ORACLE].expected > rows[CEILING].expected > rows[LOGISTIC].expected


def test_no_column_gives_the_truth_away(summary: SimulationSummary) -> None:
    """Numbers of one table's latest rows hardly follow the risk of the last month; no column is named for it."""
    con = duckdb.connect()
    month = date(2025, 12, 1)
    con.execute(f"CREATE TABLE truth AS SELECT enterprise_id, risk FROM '{summary.truth}' WHERE month = '{month}'")
    for name, table in TABLES.items():
        numbers = [c.name for c in table.columns if c.type in ("int", "fen", "bool", "date")]
        for column in numbers:
            value = f"epoch({column}::TIMESTAMP)" if table.column(column).type == "date" else f"{column}::DOUBLE"
            rank = f"""
                WITH one AS (SELECT enterprise_id, max({value}) AS x FROM '{summary.folder / name}.parquet'
                    WHERE {column} IS NOT NULL GROUP BY 1),
                both_ AS (SELECT rank() OVER (ORDER BY x) AS a, rank() OVER (ORDER BY risk) AS b
                    FROM one JOIN truth USING (enterprise_id))
                SELECT corr(a, b), count(*) FROM both_"""
            found, rows = con.execute(rank).fetchall()[0]
            if rows >= 200 and found is not None and not np.isnan(found):
                assert abs(found) < SIGNAL + 4 / np.sqrt(rows), f"{name}.{column} follows the truth: {found:.2f}"
        codes = [c.name for c in table.columns if c.codes is not None or c.name in ("industry", "region")]
        for column in codes:
            # The best any reader could make of a code: the mean rank of those that carry it.
            rank = f"""
                WITH one AS (SELECT enterprise_id, max_by({column}, version) AS x
                    FROM '{summary.folder / name}.parquet' WHERE {column} IS NOT NULL GROUP BY 1),
                ranked AS (SELECT x, rank() OVER (ORDER BY risk) AS b FROM one JOIN truth USING (enterprise_id)),
                coded AS (SELECT b, avg(b) OVER (PARTITION BY x) AS a FROM ranked)
                SELECT corr(a, b), count(*) FROM coded"""
            found, rows = con.execute(rank).fetchall()[0]
            if rows >= 1000 and found is not None and not np.isnan(found):
                assert found < SIGNAL + 4 / np.sqrt(rows), f"{name}.{column} gives the truth away: {found:.2f}"


def test_a_shared_group_spills_over(summary: SimulationSummary) -> None:
    """Enterprises of one representative are alike in risk, beyond chance."""
    pairs = f"""
        WITH led AS (SELECT DISTINCT person_id, enterprise_id FROM '{summary.folder}/persons_roles.parquet'
            WHERE role = 'legal_representative' AND version = 1 AND person_id LIKE 'P05%'),
        mean_ AS (SELECT enterprise_id, avg(risk) AS risk FROM '{summary.truth}' GROUP BY 1)
        SELECT corr(ln(x.risk), ln(y.risk)), count(*)
        FROM led a JOIN led b ON a.person_id = b.person_id AND a.enterprise_id < b.enterprise_id
        JOIN mean_ x ON x.enterprise_id = a.enterprise_id JOIN mean_ y ON y.enterprise_id = b.enterprise_id"""
    found, count = duckdb.execute(pairs).fetchall()[0]
    assert count > 200
    assert found > 0.1
