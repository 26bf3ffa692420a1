"""A repair needs its conditions and two persons, and ends effects on the day the policy says, not before."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from helpers.ledger import ON, asked
from helpers.office import DAY, RULES, Office, Penalty
from helpers.root import ROOT
from serving.ledger.publish import classify_month
from serving.ledger.read import Ledger
from supervision.corrections.allowed import Decision
from supervision.corrections.cases import Case, CorrectionError
from supervision.corrections.notice import notice
from supervision.corrections.policy import months_later

GRANTED = Decision("granted")
MET = ("duty_performed", "commitment")


def apply(office: Office, ref: str, who: str, met: tuple[str, ...] = MET, on: date = DAY) -> Case:
    return office.desk.open("repair", who, ref, "duty performed", key=office.staff.keys["li"], on=on, met=met)


def determinations(office: Office, month: str, who: str) -> str:
    with duckdb.connect() as con:
        sql = Ledger.open(office.root, "hebei").month(month).latest_sql()
        row = con.execute(f"SELECT determinations FROM {sql} WHERE enterprise_id = ?", [who]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_repair_ends_the_entry_in_the_list_and_its_effect_on_the_day_of_the_policy(office: Office) -> None:
    file = office.folder / "serious_list.parquet"
    with duckdb.connect() as con:
        registered = con.execute(
            f"""SELECT enterprise_id FROM read_parquet('{office.root}/months/province=hebei/month=2025-11/*/*.parquet')
            WHERE covered AND determinations = '' ORDER BY 1 LIMIT 1"""
        ).fetchone()
        assert registered is not None
        who = registered[0]
        con.execute(
            f"""COPY (SELECT * FROM '{file}' UNION ALL BY NAME SELECT 'S-1' AS record_id, 1 AS version,
            '{who}' AS enterprise_id, DATE '2024-05-10' AS occurred_at, DATE '2024-05-12' AS known_at,
            'active' AS record_state, 'consumer' AS reason) TO '{file}.new' (FORMAT parquet)"""
        )
    Path(f"{file}.new").replace(file)
    classify_month(asked(office.folder, date(2025, 12, 1), served=RULES), office.root, on=ON)
    assert "H13.1" in determinations(office, "2025-12", who)
    case = apply(office, "serious_list:S-1", who)
    decided = office.decide(case, GRANTED, on=DAY + timedelta(5))
    ends = DAY + timedelta(5 + office.desk.policy.repair.effective_days)
    assert decided.decision["effective"] == ends.isoformat()
    assert office.finish(on=ends).revised == ()
    with duckdb.connect() as con:
        latest = con.execute(
            f"SELECT known_at, ended_on, end_reason FROM '{file}' WHERE record_id = 'S-1' ORDER BY version"
        ).fetchall()
    assert latest == [(date(2024, 5, 12), None, None), (ends, ends, "repaired")]
    classify_month(asked(office.folder, date(2026, 1, 1), served=RULES), office.root, on=ON)
    assert "H13.1" in determinations(office, "2025-12", who)
    assert "H13.1" not in determinations(office, "2026-01", who)
    text = notice(decided)
    assert f"自{ends.year}年{ends.month}月{ends.day}日起停止公示" in text
    assert not re.search(r"score|class|point|分数|评分|得分|类别", text, re.IGNORECASE)


def test_a_repair_of_a_penalty_leaves_the_record_and_stops_its_use(office: Office, penalty: Penalty) -> None:
    case = apply(office, penalty.ref, penalty.enterprise)
    office.decide(case, GRANTED)
    assert office.finish().written == (f"repairs:{case.id}", f"repairs:{case.id}")
    classify_month(asked(office.folder, date(2026, 1, 1), served=RULES), office.root, on=ON)
    with duckdb.connect() as con:
        points = dict(
            con.execute(
                f"""SELECT month, points_regulatory FROM (
                SELECT '2025-11' AS month, * FROM {Ledger.open(office.root, "hebei").month("2025-11").latest_sql()}
                UNION ALL SELECT '2026-01', * FROM {Ledger.open(office.root, "hebei").month("2026-01").latest_sql()})
                WHERE enterprise_id = ?""",
                [penalty.enterprise],
            ).fetchall()
        )
    assert points["2026-01"] < points["2025-11"]


def test_a_refused_repair_changes_nothing_but_its_own_state(office: Office, penalty: Penalty) -> None:
    case = apply(office, penalty.ref, penalty.enterprise)
    office.decide(case, Decision("refused"))
    assert office.finish().written == (f"repairs:{case.id}", f"repairs:{case.id}")
    with duckdb.connect() as con:
        states = con.execute(
            f"SELECT state FROM '{office.folder}/repairs.parquet' WHERE record_id = '{case.id}' ORDER BY version"
        ).fetchall()
    assert states == [("applied",), ("refused",)]


def test_conditions_are_asked_for_one_by_one(office: Office, penalty: Penalty) -> None:
    for met, says in (
        (("commitment",), r"not fulfilled: duty_performed \(已履行"),
        (("duty_performed",), "one of commitment, rectification"),
        (("duty_performed", "prayer"), "condition 'prayer' is not known"),
    ):
        with pytest.raises(CorrectionError, match=says):
            apply(office, penalty.ref, penalty.enterprise, met)
    earliest = months_later(penalty.decided, office.desk.policy.repair.least_months["penalties"])
    with pytest.raises(CorrectionError, match=f"can't be repaired before {earliest}"):
        apply(office, penalty.ref, penalty.enterprise, on=earliest - timedelta(1))
    with pytest.raises(CorrectionError, match="expected table:record_id with a table of abnormal_list, serious_list"):
        apply(office, "complaints:x", penalty.enterprise)
    assert office.desk.book.read() == []
    assert apply(office, penalty.ref, penalty.enterprise, on=earliest).state == "open"


@pytest.mark.slow
def test_the_verbs_say_what_was_done_and_exit_2_where_it_can_not_be(
    office: Office, penalty: Penalty, tmp_path: Path
) -> None:
    def run(*words: object) -> tuple[int, str]:
        code = "from fenlei.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, cwd=tmp_path, check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}/src", "HOME": str(tmp_path),
                 "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"},
        )  # fmt: skip
        return done.returncode, done.stdout if done.returncode == 0 else done.stderr

    common = ("--ledger", office.root, "--signers", office.staff.path, "--on", DAY)
    key = {who: office.staff.path.with_name(f"{who}.key") for who in ("li", "wang")}
    code, out = run("objection", "open", office.folder, penalty.enterprise, penalty.ref, "--note", "not theirs",
                    "--key", key["li"], *common, "--json")  # fmt: skip
    assert code == 0, out
    opened: dict[str, Any] = json.loads(out)
    assert (opened["state"], opened["written"]) == ("open", [f"objections:{opened['case']}"])
    decide = ("objection", "decide", office.folder, opened["case"], "--outcome", "upheld", "--state", "wrong", "--note",
              "seen", *common)  # fmt: skip
    assert run(*decide, "--key", key["li"])[0] == 0
    code, said = run(*decide, "--key", key["li"])
    assert code == 2
    assert "another person decides" in said
    code, out = run(*decide, "--key", key["wang"])
    assert code == 0, out
    assert "decided by Li Na 李娜 and Wang Wei 王伟" in out
    assert "2025-11 for FLO000001: revision 1" in out
    code, out = run("objection", "list", "--ledger", office.root, "--on", DAY, "--json")
    assert [c["outcome"] for c in json.loads(out)["cases"]] == ["upheld"]
    code, out = run("repair", "list", "--ledger", office.root, "--on", DAY)
    assert "0 overdue" in out
