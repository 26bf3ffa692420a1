"""A simulated province keeps the contract, is the same for the same seed, and fits together in time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.check import check_folder
from features.contract import TABLES
from features.errors import ConfigError
from helpers.thorough import examples
from simulation import SimulationSummary, simulate
from simulation.config import load_simulation

END = date(2026, 1, 1)
ARROW = {"VARCHAR": "string", "DATE": "date32[day]", "BIGINT": "int64", "BOOLEAN": "bool"}


def hashes(summary: SimulationSummary) -> dict[str, str]:
    files = [*sorted(summary.folder.iterdir()), summary.truth]
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def database(folder: Path) -> duckdb.DuckDBPyConnection:
    """Each table as ``t_<name>``, and its latest versions as ``now_<name>``."""
    con = duckdb.connect()
    for name in TABLES:
        con.execute(f"CREATE VIEW t_{name} AS FROM '{folder / name}.parquet'")
        con.execute(
            f"CREATE VIEW now_{name} AS SELECT * FROM t_{name} "
            "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY version DESC) = 1"
        )
    con.execute(f"CREATE VIEW truth AS FROM '{folder.parent / (folder.name + '_truth')}/risk.parquet'")
    return con


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    return simulate(tmp_path_factory.mktemp("sim") / "p", enterprises=2000, months=60, seed=7, end=END)


@pytest.fixture(scope="module")
def con(province: SimulationSummary) -> Iterator[duckdb.DuckDBPyConnection]:
    with database(province.folder) as opened:
        yield opened


def count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    [(rows,)] = con.execute(f"SELECT count(*) FROM ({query})").fetchall()
    return int(rows)


def test_every_table_has_rows_and_exactly_the_contract_columns(province: SimulationSummary) -> None:
    for name, table in TABLES.items():
        schema = pq.read_schema(province.folder / f"{name}.parquet")
        assert schema.names == list(table.column_names)
        assert [str(t) for t in schema.types] == [ARROW[c.sql_type] for c in table.columns]
        assert province.rows[name] > 0, f"{name} is empty"


def test_every_column_holds_a_value_somewhere(con: duckdb.DuckDBPyConnection) -> None:
    empty = [
        f"{name}.{column}"
        for name, table in TABLES.items()
        for column in table.column_names
        if count(con, f"SELECT 1 FROM t_{name} WHERE {column} IS NOT NULL") == 0
    ]
    assert not empty


def test_the_check_quarantines_nothing_and_warns_of_nothing(province: SimulationSummary, tmp_path: Path) -> None:
    report = check_folder(province.folder, END, tmp_path / "out").as_dict()
    assert report["ok"]
    assert report["totals"]["quarantined"] == report["totals"]["merged"] == report["totals"]["orphans"] == 0
    assert report["totals"]["kept"] == sum(province.rows.values())
    assert report["warnings"] == []


def test_the_manifest_says_from_when_each_table_is_covered(province: SimulationSummary) -> None:
    manifest = json.loads((province.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["as_of"] == "2026-01-01"
    assert set(manifest["tables"]) == set(TABLES)
    assert {t["covers_from"] for t in manifest["tables"].values()} == {"2021-01-01"}


def test_same_seed_same_bytes_and_another_seed_other_rows(tmp_path: Path) -> None:
    once, again, other = (
        simulate(tmp_path / name, enterprises=400, months=30, seed=seed, end=END)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert hashes(once) == hashes(again)
    changed = [n for n, h in hashes(other).items() if h != hashes(once)[n]]
    assert len(changed) == len(TABLES) + 2, "each table, the manifest and the truth"


def test_the_chunk_size_changes_no_byte(tmp_path: Path) -> None:
    whole = simulate(tmp_path / "whole", enterprises=500, months=24, seed=5, end=END)
    parts = simulate(tmp_path / "parts", enterprises=500, months=24, seed=5, end=END, chunk_size=77)
    assert hashes(whole) == hashes(parts)


def test_recalls_draw_from_streams_of_their_own(tmp_path: Path) -> None:
    """Without recalls, or with many, every other table and the truth are the same bytes."""
    policy = load_simulation()
    found = []
    for name, per_year in (("none", 0.0), ("some", policy.events["recall"].per_year), ("many", 1.0)):
        rate = policy.events["recall"].model_copy(update={"per_year": per_year})
        other = policy.model_copy(update={"events": policy.events | {"recall": rate}})
        found.append(simulate(tmp_path / name, enterprises=400, months=30, seed=3, end=END, policy=other))
    assert found[0].rows["recalls"] == 0 < found[1].rows["recalls"] < found[2].rows["recalls"]
    first, *others = ({k: v for k, v in hashes(s).items() if k != "recalls.parquet"} for s in found)
    assert all(other == first for other in others)


@pytest.mark.slow
def test_many_row_groups_are_written_the_same_whatever_the_chunks(tmp_path: Path) -> None:
    whole = simulate(tmp_path / "whole", enterprises=25_000, months=24, seed=5, end=END)
    parts = simulate(tmp_path / "parts", enterprises=25_000, months=24, seed=5, end=END, chunk_size=3000)
    assert pq.ParquetFile(whole.truth).num_row_groups > 1
    assert hashes(whole) == hashes(parts)


def assert_consistent(con: duckdb.DuckDBPyConnection) -> None:
    """What must hold in any province, whatever the seed; each query looks for a breach."""
    for name in TABLES:
        assert count(con, f"SELECT 1 FROM t_{name} GROUP BY record_id, version HAVING count(*) > 1") == 0
        assert count(con, f"SELECT 1 FROM t_{name} WHERE occurred_at > known_at OR known_at >= '{END}'") == 0
        broken = f"""SELECT known_at < lag(known_at) OVER w OR version <> coalesce(lag(version) OVER w, 0) + 1
            OR enterprise_id <> lag(enterprise_id) OVER w OR occurred_at <> lag(occurred_at) OVER w AS bad
            FROM t_{name} WINDOW w AS (PARTITION BY record_id ORDER BY version)"""
        assert count(con, f"FROM ({broken}) WHERE bad") == 0, f"versions of {name}"
        if TABLES[name].of_places:
            continue  # its subject is a place, which nobody registers
        assert count(con, f"SELECT 1 FROM t_{name} ANTI JOIN t_registration USING (enterprise_id)") == 0
        founded = f"""FROM t_{name} t JOIN now_registration r USING (enterprise_id)
            WHERE t.occurred_at < r.occurred_at"""
        assert count(con, founded) == 0, f"{name} before the founding"
    for name in ("abnormal_list", "serious_list", "blacklists", "encumbrances", "persons_roles", "licences", "recalls"):
        assert count(con, f"FROM t_{name} WHERE ended_on < occurred_at OR ended_on > known_at") == 0, name

    # An end is an end: what an enterprise does itself stops on that day.
    over = """SELECT enterprise_id, status_since AS day FROM now_registration
        WHERE status IN ('revoked', 'cancelled', 'moved_out')"""
    for name in (
        "annual_reports",
        "changes",
        "commitments",
        "filings",
        "honours",
        "product_samples",
        "complaints",
        "recalls",
    ):
        later = f"FROM t_{name} t JOIN ({over}) o USING (enterprise_id) WHERE t.occurred_at > o.day"
        assert count(con, later) == 0, name
    revoked = "FROM now_registration r WHERE status = 'revoked'"
    decided = f"""{revoked} AND NOT EXISTS (FROM t_penalties p WHERE p.enterprise_id = r.enterprise_id
        AND p.penalty_kinds = 'business_licence_revoked')"""
    assert count(con, decided) == 0, "a licence is revoked by a decision"

    # Draws and visits fit together.
    assert count(con, "FROM t_inspections WHERE (arm = 'random') <> (draw_id IS NOT NULL)") == 0
    visit = (
        "FROM now_inspections i ANTI JOIN now_draws d ON d.record_id = i.draw_id AND d.enterprise_id = i.enterprise_id"
    )
    assert count(con, f"SELECT 1 {visit} WHERE i.arm = 'random'") == 0
    both = "FROM now_draws d JOIN now_inspections i ON i.draw_id = d.record_id"
    assert count(con, f"SELECT 1 {both} WHERE d.fate NOT IN ('carried_out', 'pending')") == 0
    assert count(con, f"SELECT 1 {both} WHERE i.occurred_at < d.occurred_at") == 0
    assert count(con, "FROM t_inspections WHERE version = 1 AND result_codes IS NOT NULL") == 0
    gone = """FROM now_inspections i JOIN now_registration r USING (enterprise_id)
        WHERE result_codes IN ('9', '10', '11', '12') AND r.status = 'active'"""
    assert count(con, f"SELECT 1 {gone}") == 0
    closed = f"""FROM now_inspections i JOIN ({over}) o USING (enterprise_id)
        WHERE i.occurred_at >= o.day AND result_codes NOT IN ('9', '10', '11', '12')"""
    assert count(con, f"SELECT 1 {closed}") == 0

    # A report is missing before a listing, and in before its removal.
    entry = """FROM now_abnormal_list a
        WHERE reason = 'no_annual_report' AND a.occurred_at >= (SELECT min(month) FROM truth)
        AND EXISTS (FROM t_annual_reports r WHERE r.enterprise_id = a.enterprise_id AND r.version = 1
        AND r.report_year = year(a.occurred_at) - 1 AND r.occurred_at < a.occurred_at)"""
    assert count(con, f"SELECT 1 {entry}") == 0
    assert count(con, "FROM now_abnormal_list WHERE (ended_on IS NULL) <> (end_reason IS NULL)") == 0
    escalated = f"""FROM now_abnormal_list a WHERE end_reason = 'escalated' AND a.ended_on < DATE '{END}' - 10
        AND NOT EXISTS (FROM t_serious_list s WHERE s.enterprise_id = a.enterprise_id
        AND s.reason = 'abnormal_three_years')"""
    assert count(con, f"SELECT 1 {escalated}") == 0

    # References point at records that are there, and known no later.
    for referring in ("repairs", "objections"):
        kinds = con.execute(f"SELECT DISTINCT ref_table FROM t_{referring}").fetchall()
        for (name,) in kinds:
            missing = f"""FROM t_{referring} x WHERE ref_table = '{name}' AND NOT EXISTS (FROM t_{name} r
                WHERE r.record_id = x.ref_record_id AND r.enterprise_id = x.enterprise_id
                AND r.known_at <= x.known_at)"""
            assert count(con, f"SELECT 1 {missing}") == 0, f"{referring} of {name}"
    shares = "SELECT holder_id FROM t_shareholdings WHERE holder_kind = 'enterprise'"
    assert count(con, f"SELECT 1 FROM ({shares}) h ANTI JOIN t_registration r ON r.enterprise_id = h.holder_id") == 0
    early = """FROM t_shareholdings h JOIN now_registration r ON r.enterprise_id = h.holder_id
        WHERE h.occurred_at < r.occurred_at"""
    assert count(con, f"SELECT 1 {early}") == 0, "an owner is founded before it owns"
    over_whole = """SELECT 1 FROM t_shareholdings WHERE version = 1
        GROUP BY enterprise_id, occurred_at HAVING sum(share_ppm) > 1000000"""
    assert count(con, over_whole) == 0

    # The truth is a probability of those on the register.
    assert count(con, "FROM truth WHERE risk <= 0 OR risk > 1 OR risk IS NULL") == 0
    assert count(con, "SELECT 1 FROM truth GROUP BY enterprise_id, month HAVING count(*) > 1") == 0
    drawn = """FROM t_draws d ANTI JOIN truth t
        ON t.enterprise_id = d.enterprise_id AND t.month = date_trunc('month', d.occurred_at)"""
    assert count(con, f"SELECT 1 {drawn}") == 0


def test_the_province_fits_together(con: duckdb.DuckDBPyConnection) -> None:
    assert_consistent(con)


@pytest.mark.slow
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**40),
    enterprises=st.integers(1, 400),
    months=st.integers(1, 72),
)
def test_any_small_province_fits_together(
    tmp_path_factory: pytest.TempPathFactory, seed: int, enterprises: int, months: int
) -> None:
    out = tmp_path_factory.mktemp("any") / "p"
    summary = simulate(out, enterprises=enterprises, months=months, seed=seed, end=END)
    with database(summary.folder) as opened:
        assert_consistent(opened)
    assert summary.rows["registration"] >= enterprises


def test_records_come_to_be_known_later_than_they_happen(con: duckdb.DuckDBPyConnection) -> None:
    for name in ("penalties", "lawsuits", "inspections", "tax", "complaints"):
        assert count(con, f"FROM t_{name} WHERE version = 1 AND known_at > occurred_at") > 0


def test_all_that_may_befall_a_record_does(tmp_path: Path) -> None:
    con = database(simulate(tmp_path / "p", enterprises=10_000, seed=7, end=END).folder)
    for state in ("revoked", "unlawful", "wrong", "objected", "barred"):
        found = sum(count(con, f"FROM t_{n} WHERE record_state = '{state}'") for n in TABLES)
        assert found > 0, state
    for query in (
        "FROM t_objections WHERE state = 'upheld'",
        "FROM t_repairs WHERE state = 'granted'",
        "FROM t_complaints WHERE outcome = 'malicious'",
        "FROM t_public_opinion WHERE confirmed AND tone = 'negative' AND attention = 'high'",
        "FROM t_shareholdings WHERE holder_kind = 'enterprise'",
        "FROM t_licences WHERE licence_status = 'revoked'",
        "FROM t_blacklists WHERE list_kind <> 'judgment_debtor'",
        "FROM t_penalties WHERE list_contains(string_split(penalty_kinds, ';'), 'suspension')",
    ):
        assert count(con, query) > 0, query


def test_wrong_sizes_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 to 9999999 enterprises, not 0"):
        simulate(tmp_path / "p", enterprises=0)
    with pytest.raises(ConfigError, match="1 to 240 months, not 0"):
        simulate(tmp_path / "p", enterprises=5, months=0)
    with pytest.raises(ConfigError, match="first day of a month"):
        simulate(tmp_path / "p", enterprises=5, end=date(2026, 1, 2))
    with pytest.raises(ConfigError, match="chunk"):
        simulate(tmp_path / "p", enterprises=5, chunk_size=0)
    assert not (tmp_path / "p").exists()
