"""An objection keeps a record out at once; two persons decide; the months that used it follow, and nobody else's."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from features.check import check_folder
from helpers.ledger import NOVEMBER, OCTOBER, ON, asked
from helpers.office import DAY, RULES, Office, Penalty
from models.signoff.errors import ApprovalError
from models.signoff.record.keys import make_key, read_key
from serving.ledger.publish import classify_month
from serving.ledger.read import Ledger
from supervision.corrections.allowed import Decision
from supervision.corrections.cases import CorrectionError
from supervision.corrections.finish import cause_of, finish
from supervision.corrections.notice import notice

WRONG = Decision("upheld", "wrong")
REJECTED = Decision("rejected")
AFTER = DAY + timedelta(3)


def rows(office: Office, table: str, where: str = "true") -> pd.DataFrame:
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT * FROM '{office.folder}/{table}.parquet' WHERE {where} ORDER BY record_id, version"
        ).df()


def month(root: Path, name: str) -> pd.DataFrame:
    with duckdb.connect() as con:
        sql = Ledger.open(root, "hebei").month(name).latest_sql()
        return con.execute(f"SELECT * FROM {sql} ORDER BY enterprise_id").df().set_index("enterprise_id")


def cell(rows: pd.DataFrame, who: str, column: str) -> float:
    """A number of a firm's row."""
    return float(rows[column].to_dict()[who])


def untouched(office: Office, made: Path) -> bool:
    """Whether source and ledger are as they were, and no act is in the book."""
    same = all((office.folder / path.name).read_bytes() == path.read_bytes() for path in (made / "source").iterdir())
    return same and not office.desk.book.read()


def test_an_open_objection_hides_its_record_from_the_next_month_and_a_rejected_one_restores_it(
    office: Office, penalty: Penalty, made: Path
) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    done = office.finish()
    assert done.written == (f"objections:{case.id}",)
    assert case.due_months == {} or not case.due_months.get("opened")
    december = classify_month(asked(office.folder, date(2025, 12, 1), served=RULES), office.root, on=ON)
    assert december.act == "published"
    # Opened on the tenth: December's cut-off lies before it, January's after it.
    used = cell(month(office.root, "2025-12"), penalty.enterprise, "points_regulatory")
    january = classify_month(asked(office.folder, date(2026, 1, 1), served=RULES), office.root, on=ON)
    assert january.act == "published"
    hidden = cell(month(office.root, "2026-01"), penalty.enterprise, "points_regulatory")
    assert hidden < used
    decided = office.decide(case, REJECTED, on=date(2026, 1, 1))
    assert decided.outcome == "rejected"
    assert office.finish(on=date(2026, 1, 1)).revised == ()
    classify_month(asked(made / "source", date(2026, 1, 1), served=RULES), office.root / "other", on=ON)
    day_after = asked(office.folder, date(2026, 1, 1), served=RULES, known=date(2026, 1, 2))
    restored = classify_month(day_after, office.root, on=ON, cause="decided")
    assert restored.act == "revised"
    never = cell(month(office.root / "other", "2026-01"), penalty.enterprise, "points_regulatory")
    assert cell(month(office.root, "2026-01"), penalty.enterprise, "points_regulatory") == never


def test_an_upheld_objection_makes_the_months_what_they_would_be_without_the_record(
    office: Office, penalty: Penalty, tmp_path: Path
) -> None:
    before = {name: month(office.root, name) for name in ("2025-10", "2025-11")}
    case = office.open(penalty.ref, penalty.enterprise)
    office.finish()
    office.decide(case, WRONG, on=AFTER)
    done = office.finish(on=AFTER)
    assert done.written == (penalty.ref, f"objections:{case.id}")
    assert done.revised == ((case.id, "2025-10", 1), (case.id, "2025-11", 1))
    # Oracle: a source in which the penalty never stood.
    without = tmp_path / "without"
    without.mkdir()
    for path in office.folder.iterdir():
        (without / path.name).symlink_to(path)
    (without / "penalties.parquet").unlink()
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT * FROM '{office.folder}/penalties.parquet' WHERE record_id <> '{penalty.record}')"
                    f" TO '{without}/penalties.parquet'")  # fmt: skip
    for name, cutoff in (("2025-10", OCTOBER), ("2025-11", NOVEMBER)):
        classify_month(asked(without, cutoff, served=RULES), tmp_path / "never", on=ON)
        drop = [c for c in map(str, before[name]) if c.startswith(("moved_", "previous_"))] + ["revision"]
        now, never = month(office.root, name).drop(columns=drop), month(tmp_path / "never", name).drop(columns=drop)
        pd.testing.assert_frame_equal(now, never)
        assert cell(now, penalty.enterprise, "score") < cell(before[name], penalty.enterprise, "score")
    found = Ledger.open(office.root, "hebei")
    for name in ("2025-10", "2025-11"):
        [first, line] = found.month(name).lines
        assert (first.act, line.act) == ("published", "revised")
        assert line.why == f"objection {case.id} upheld: {penalty.ref}"
        part = pd.read_parquet(found.month(name).folders[1])
        assert penalty.enterprise in set(part["enterprise_id"])
    report = check_folder(office.folder, date(2026, 1, 1), tmp_path / "checked")
    assert report.totals["quarantined"] == 0


def test_corrected_values_stand_in_a_new_version_and_the_old_ones_stay(office: Office, penalty: Penalty) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    office.decide(case, Decision("upheld", values={"penalty_kinds": "warning", "fine_fen": "0"}), on=AFTER)
    office.finish(on=AFTER)
    found = rows(office, "penalties", f"record_id = '{penalty.record}'")
    assert found["version"].tolist() == [1, 2]
    assert found["penalty_kinds"].tolist()[1] == "warning"
    assert found["fine_fen"].tolist()[1] == 0
    assert found["known_at"].dt.date.tolist()[1] == AFTER
    assert len(set(found["document_no"])) == 1


def test_what_was_cut_short_is_finished_by_the_next_call_and_not_done_twice(
    office: Office, penalty: Penalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    office.decide(case, WRONG, on=AFTER)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def published_and_cut(*given: Any, **named: Any) -> None:
        classify_month(*given, **named)
        raise KeyboardInterrupt

    # In the order in which a run comes to them: before any table is written, before the month's own source is, after a
    # revision is published and before the book says so.
    for place, broken in (
        ("source.write_with", cut),
        ("corrections.finish.write_with", cut),
        ("corrections.finish.classify_month", published_and_cut),
        ("corrections.book.Book.append", cut),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(f"supervision.{place}", broken)
            with pytest.raises(KeyboardInterrupt):
                office.finish(on=AFTER)
    office.finish(on=AFTER)
    lines = Ledger.open(office.root, "hebei").lines
    assert [(x.act, x.month) for x in lines].count(("revised", "2025-10")) == 1
    assert [(x.act, x.month) for x in lines].count(("revised", "2025-11")) == 1
    assert rows(office, "penalties", f"record_id = '{penalty.record}'")["version"].tolist() == [1, 2]
    assert office.desk.cases()[case.id].waiting == []
    again = office.finish(on=AFTER)
    assert (again.written, again.revised) == ((), ())


def test_a_source_that_is_delivered_anew_is_brought_up_to_the_book(
    office: Office, penalty: Penalty, made: Path
) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    office.decide(case, WRONG, on=AFTER)
    office.finish(on=AFTER)
    for name in ("penalties.parquet", "objections.parquet"):
        (office.folder / name).write_bytes((made / "source" / name).read_bytes())
    assert set(office.finish(on=AFTER).written) == {penalty.ref, f"objections:{case.id}"}
    assert rows(office, "objections", f"record_id = '{case.id}'")["state"].tolist() == ["open", "upheld"]


def test_a_month_published_after_an_act_that_was_entered_late_is_made_again_both_ways(
    office: Office, penalty: Penalty
) -> None:
    """Opened in October, entered when November stood: November hides the record, and a rejection restores it."""
    before = month(office.root, "2025-11")
    case = office.open(penalty.ref, penalty.enterprise, on=date(2025, 10, 15))
    assert case.due_months == {"opened": ("2025-11",)}
    assert office.finish().revised == ((case.id, "2025-11", 1),)
    hidden = month(office.root, "2025-11")
    assert cell(hidden, penalty.enterprise, "score") < cell(before, penalty.enterprise, "score")
    office.decide(case, REJECTED, on=date(2025, 10, 20))
    assert office.finish().revised == ((case.id, "2025-11", 2),)
    pd.testing.assert_frame_equal(
        month(office.root, "2025-11").drop(columns="revision"), before.drop(columns="revision")
    )  # fmt: skip


def test_an_act_after_the_day_the_source_was_taken_waits_for_a_later_source(
    office: Office, penalty: Penalty, made: Path
) -> None:
    case = office.open(penalty.ref, penalty.enterprise, on=date(2026, 1, 9))
    done = office.finish(on=date(2026, 1, 9))
    assert (done.written, done.later) == ((), (f"objections:{case.id}",))
    assert (office.folder / "objections.parquet").read_bytes() == (made / "source/objections.parquet").read_bytes()
    manifest = office.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("2026-01-01", "2026-01-10"), encoding="utf-8")
    assert office.finish(on=date(2026, 1, 10)).written == (f"objections:{case.id}",)


def test_a_month_made_by_another_model_waits_and_says_so(office: Office, penalty: Penalty) -> None:
    from helpers.small_model import model
    from models.scoring.rules.province import load_rules
    from serving.current.served import Served
    from supervision.corrections.finish import Answering

    case = office.open(penalty.ref, penalty.enterprise)
    office.decide(case, WRONG, on=AFTER)
    done = finish(office.desk, Answering(Served("hebei", model(), "7"), load_rules("hebei")), AFTER)
    assert [(c, m) for c, m, _ in done.waits] == [(case.id, "2025-10"), (case.id, "2025-11")]
    assert "made by model other than in force" in done.waits[0][2]
    assert len(Ledger.open(office.root, "hebei").month("2025-11").lines) == 1


@pytest.mark.parametrize(
    ("who", "ref", "says"),
    [
        ("E9999999", None, "no enterprise 'E9999999' is registered"),
        (None, "penalties:nothing", "no record 'nothing' in penalties"),
        (None, "penaltys:x", "expected table:record_id with a table of registration"),
        (None, "objections:x", "expected table:record_id"),
        ("E0000001", None, "is no record of E0000001"),
    ],
)
def test_what_is_not_there_is_not_objected_to(
    office: Office, penalty: Penalty, made: Path, who: str | None, ref: str | None, says: str
) -> None:
    if who == "E0000001" and penalty.enterprise == who:
        who = "E0000002"
        says = says.replace("E0000001", who)
    with pytest.raises(CorrectionError, match=re.escape(says)):
        office.open(ref or penalty.ref, who or penalty.enterprise)
    assert untouched(office, made)


def test_two_different_listed_people_decide_once(office: Office, penalty: Penalty, tmp_path: Path) -> None:
    desk, keys = office.desk, office.staff.keys
    case = office.open(penalty.ref, penalty.enterprise)
    with pytest.raises(CorrectionError, match=f"objection {case.id} is open already"):
        office.open(penalty.ref, penalty.enterprise)
    with pytest.raises(CorrectionError, match=f"'FLO000009' was ever opened here; open: {case.id}"):
        desk.decide("objection", "FLO000009", WRONG, "n", key=keys["li"], on=DAY)
    with pytest.raises(CorrectionError, match="Zhao Min 赵敏 may not propose another decision"):
        desk.decide("objection", case.id, WRONG, "n", key=keys["zhao"], on=DAY)
    desk.decide("objection", case.id, WRONG, "n", key=keys["li"], on=DAY)
    said = len(desk.book.read())
    with pytest.raises(CorrectionError, match=r"Li Na 李娜 proposed upheld for FLO000001 already: another person"):
        desk.decide("objection", case.id, WRONG, "n", key=keys["li"], on=DAY)
    make_key(tmp_path / "stranger.key")
    with pytest.raises(ApprovalError, match="is not in"):
        desk.decide("objection", case.id, WRONG, "n", key=read_key(tmp_path / "stranger.key"), on=DAY)
    for decision, says in (
        (Decision("granted"), "an objection is upheld or rejected"),
        (Decision("upheld"), "takes a state"),
        (Decision("upheld", "gone"), "expected one of wrong, revoked"),
        (Decision("rejected", "wrong"), "rejected changes nothing"),
        (Decision("upheld", values={"known_at": "2025-01-01"}), "no column 'known_at' to correct"),
        (Decision("upheld", values={"penalty_kinds": "fines"}), "penalty_kinds is 'fines'; expected one of warning"),
        (Decision("upheld", values={"fine_fen": "much"}), "fine_fen is 'much'; expected a whole number"),
    ):
        with pytest.raises(CorrectionError, match=says):
            desk.decide("objection", case.id, decision, "n", key=keys["wang"], on=DAY)
    with pytest.raises(CorrectionError, match="is before 2025-12-10, the day of the last act"):
        desk.decide("objection", case.id, WRONG, "n", key=keys["zhao"], on=DAY - timedelta(1))
    assert len(desk.book.read()) == said
    other = desk.decide("objection", case.id, REJECTED, "n", key=keys["wang"], on=DAY)
    assert (other.state, other.proposal["outcome"]) == ("proposed", "rejected")
    assert desk.decide("objection", case.id, REJECTED, "n", key=keys["zhao"], on=DAY).outcome == "rejected"
    with pytest.raises(CorrectionError, match=r"is decided already: rejected on 2025-12-10 by Wang Wei 王伟 and Zhao"):
        desk.decide("objection", case.id, WRONG, "n", key=keys["li"], on=DAY)


def test_overdue_cases_are_counted_in_days(office: Office, penalty: Penalty) -> None:
    policy = office.desk.policy
    case = office.open(penalty.ref, penalty.enterprise)
    due = DAY + timedelta(policy.objection.review_days)
    assert case.due(policy) == due
    assert (case.days_over(policy, due), case.days_over(policy, due + timedelta(4))) == (0, 4)
    case = office.desk.decide("objection", case.id, WRONG, "n", key=office.staff.keys["li"], on=due)
    later = due + timedelta(policy.objection.decide_days)
    assert (case.days_over(policy, later), case.days_over(policy, later + timedelta(2))) == (0, 2)
    case = office.desk.decide("objection", case.id, WRONG, "n", key=office.staff.keys["wang"], on=later)
    assert (case.due(policy), case.days_over(policy, later + timedelta(90))) == (None, 0)


def test_the_enterprise_is_told_in_both_languages_without_score_class_or_points(
    office: Office, penalty: Penalty
) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    texts = [notice(case)]
    office.decide(case, WRONG, on=AFTER)
    texts.append(notice(office.desk.cases()[case.id]))
    office.finish(on=AFTER)
    texts.append(notice(office.desk.cases()[case.id]))
    assert "处理期间该记录不予使用" in texts[0]
    assert "将重新办理：2025-10、2025-11" in texts[1]
    assert "异议成立" in texts[2]
    assert "The months that had used the record were made again: 2025-10, 2025-11." in texts[2]
    for text in texts:
        assert not re.search(r"score|class|point|grade|risk|分数|评分|得分|类别|等级|风险|[A-D]类", text, re.IGNORECASE)


def test_a_changed_or_cut_line_of_the_book_is_noticed(office: Office, penalty: Penalty) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    office.decide(case, WRONG, on=AFTER)
    office.finish(on=AFTER)
    book, head = office.desk.book, office.desk.book.head
    acts = [line["act"] for line in book.read()]
    assert acts == ["opened", "proposed", "decided", "month", "month"]
    text = book.path.read_text(encoding="utf-8")
    for k in range(len(acts)):
        lines = text.splitlines()
        lines[k] = lines[k].replace('"on":"2025-12-1', '"on":"2025-12-0')
        book.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with pytest.raises(CorrectionError, match=f"line {k + 1}: the book of corrections was changed"):
            office.desk.cases()
    book.path.write_text("\n".join(text.splitlines()[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(CorrectionError, match="is not the book of the head"):
        book.check_head(head)
    book.path.write_text(text, encoding="utf-8")
    book.check_head(head)
    # Of a line cut short while it was written, nothing was done: it is left out, and the next act takes its place.
    book.path.write_text(text + '{"act":"opened","ca', encoding="utf-8")
    assert [line["act"] for line in book.read()] == acts
    office.open(penalty.ref.replace(penalty.record, _another(office, penalty)), penalty.enterprise, on=AFTER)
    assert [line["act"] for line in book.read()] == [*acts, "opened"]


def _another(office: Office, penalty: Penalty) -> str:
    """Put a second penalty of the firm into the source and return its id."""
    with duckdb.connect() as con:
        file = office.folder / "penalties.parquet"
        con.execute(
            f"""COPY (SELECT * FROM '{file}' UNION ALL BY NAME SELECT * REPLACE ('P-second' AS record_id)
            FROM '{file}' WHERE record_id = '{penalty.record}' AND version = 1) TO '{file}.new' (FORMAT parquet)"""
        )
        Path(f"{file}.new").replace(file)
    return "P-second"


def test_a_cause_names_the_objection(office: Office, penalty: Penalty) -> None:
    case = office.open(penalty.ref, penalty.enterprise)
    assert cause_of(case, "opened") == f"objection {case.id} opened: {penalty.ref}"
