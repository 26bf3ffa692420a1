"""``fenlei policy``: a change is seen before it is made, and signed by two people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from features.policy import policy_root
from features.table.replacing import META_KEY
from fenlei.cli import app
from helpers import small_model as small
from helpers.signing import people


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """An indicator table of 200 enterprises of Hebei."""
    frame, _ = small.rows(200, 3)
    # Enough must be known of an enterprise for class A.
    known = {"insured_staff": 5.0, "tax_grade_a": 0.0, "changes_1y": 0.0, "abnormal_listed_now": 0.0}
    flat = frame.assign(**known).reset_index()
    flat["cutoff"] = pd.to_datetime(flat["cutoff"]).dt.date
    about = json.dumps({"province": "hebei", "cutoff": "2026-11-01"}).encode()
    made = pa.Table.from_pandas(flat, preserve_index=False).replace_schema_metadata({META_KEY: about})
    pq.write_table(made, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_movers_are_counted_and_written(table: Path, tmp_path: Path) -> None:
    home = tmp_path / "new" / "hebei"
    shutil.copytree(policy_root() / "hebei", home)
    file = home / "bands.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("cuts = [200.0", "cuts = [150.0"), encoding="utf-8")
    out = tmp_path / "movers.csv"
    done = run("policy", "diff", "hebei", tmp_path / "new", "--table", table, "--rules", "-o", out, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    movers = pd.read_csv(out)
    assert found["movers"] == len(movers) == found["causes"]["cut"] > 0
    assert found["changed"] == ["bands"]
    assert found["old"]["version"] != found["new"]["version"]
    assert sum(m["enterprises"] for m in found["moves"]) == 200
    shown = run("policy", "diff", "hebei", tmp_path / "new", "--table", table, "--rules")
    assert f"{len(movers):,} of 200 enterprises move" in " ".join(shown.stdout.split())


def test_a_table_of_another_province_is_refused(table: Path) -> None:
    done = run("policy", "diff", "henan", "ningxia", "--table", table, "--rules")
    assert "is of province 'hebei'" in str(done.exception)


def test_status_says_who_signed_and_exits_with_1_where_nobody_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}")
    known = people(tmp_path / "keys")
    monkeypatch.setenv("FENLEI_SIGNERS", str(known.path))
    unsigned = run("policy", "status", "--province", "hebei")
    assert unsigned.exit_code == 1
    assert "are not signed" in unsigned.stdout
    for step, who in (("propose", "li"), ("approve", "wang")):
        done = run("policy", step, "--note", "review", "--key", known.folder / f"{who}.key", "--province", "hebei")
        assert done.exit_code == 0, done.output
    signed = run("policy", "status", "--province", "hebei", "--json")
    assert signed.exit_code == 0
    assert json.loads(signed.stdout)["signed"]
    assert [e["action"] for e in json.loads(run("policy", "history", "--json").stdout)] == ["propose", "approve"]
