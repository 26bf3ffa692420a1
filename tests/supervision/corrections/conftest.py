"""A small province, its October and November by the rules, and people who decide."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from helpers.ledger import NOVEMBER, OCTOBER, ON, asked
from helpers.office import RULES, Office, Penalty
from helpers.signing import people
from models.signoff.record.signers import Signers
from serving.ledger.publish import classify_month
from simulation import simulate
from supervision.corrections.book import Book
from supervision.corrections.desk import Desk
from supervision.corrections.policy import load_corrections


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Source and ledger; nobody writes to them."""
    home = tmp_path_factory.mktemp("corrections")
    simulate(home / "source", enterprises=500, months=40, seed=4, end=date(2026, 1, 1))
    for cutoff in (OCTOBER, NOVEMBER):
        classify_month(asked(home / "source", cutoff, served=RULES), home / "ledger", on=ON)
    return home


@pytest.fixture(scope="session")
def penalty(made: Path) -> Penalty:
    """A fine or warning that both months used and that may be repaired in December, the only one of its firm."""
    with duckdb.connect() as con:
        found = con.execute(
            f"""SELECT any_value(record_id), enterprise_id, any_value(occurred_at)
            FROM '{made}/source/penalties.parquet'
            WHERE enterprise_id IN (SELECT enterprise_id FROM
                read_parquet('{made}/ledger/months/province=hebei/month=2025-11/*/*.parquet') WHERE covered)
            GROUP BY enterprise_id HAVING count(*) = 1 AND any_value(record_state) = 'active'
                AND any_value(penalty_kinds) IN ('fine', 'warning', 'fine;confiscation')
                AND any_value(known_at) BETWEEN DATE '2024-06-01' AND DATE '2025-05-01'
                AND any_value(field) NOT IN ('food', 'drug', 'special_equipment')
                AND any_value(record_id) NOT IN (SELECT ref_record_id FROM '{made}/source/objections.parquet'
                    UNION ALL SELECT ref_record_id FROM '{made}/source/repairs.parquet')
            ORDER BY enterprise_id LIMIT 1"""
        ).fetchone()
    assert found is not None
    return Penalty(*found)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    """Copies of source and ledger, and Li Na, Wang Wei and Zhao Min, who may only approve."""
    shutil.copytree(made / "source", tmp_path / "source")
    shutil.copytree(made / "ledger", tmp_path / "ledger")
    staff = people(tmp_path / "signing")
    for label in list(staff.signers):
        staff.signers[label] = staff.signers[label].model_copy(update={"valid_from": date(2024, 1, 1)})
    staff.write()
    listed = Signers(staff.path, "0", tuple(staff.signers.values()))
    desk = Desk(tmp_path / "source", Book(tmp_path / "ledger", "hebei"), listed, load_corrections("hebei"))
    return Office(desk, staff)
