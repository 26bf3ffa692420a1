"""The Beijing adapter on invented rows: nothing lost, nobody confused, nothing known too early."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.adapters import ADAPTERS, AdapterReport
from features.adapters.beijing.entities import enterprise_id, resolve
from features.adapters.beijing.industry import guess_established, guess_industry, guess_region, guess_type
from features.adapters.beijing.penalties import document_key, penalty_kinds
from features.adapters.names import Code
from features.adapters.report import FileReport
from features.check import check_folder
from features.errors import ConfigError, SourceError

CAFE = "91110105MA00AAAA1T"
SHOP = "91110108MA00BBBB2Y"
VISIT = ("行政相对人", "证件号码", "监督检查日期", "监督检查形式", "监督检查结果")
DECISION = (
    "行政相对人名称",
    "统一社会信用代码",
    "处罚决定日期",
    "行政处罚决定书文号",
    "处罚类别",
    "罚款金额（万元）",
    "没收违法所得、没收非法财物的金额（万元）",
    "行政相对人类别",
    "是否删除",
)
FIRM = "法人及非法人组织"


def write(folder: Path, file: str, columns: Iterable[str], rows: Iterable[tuple[str | None, ...]]) -> None:
    names, found = list(columns), list(rows)
    data = {c: pa.array([r[i] for r in found], pa.string()) for i, c in enumerate(names)}
    pq.write_table(pa.table(data), folder / f"{file}.parquet")


def records(folder: Path, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return rows


def adapt(folder: Path, *inspections: str) -> AdapterReport:
    return ADAPTERS["beijing"](folder, folder / "out", inspections=inspections or ("culture",))


def account(report: AdapterReport, file: str) -> FileReport:
    return next(f for f in report.files if f.file == f"{file}.parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source of one café, one bookshop, and everything that can go wrong with a row."""
    write(
        tmp_path,
        "insp_culture",
        VISIT,
        [
            ("北京云山上网服务有限公司", CAFE, "2022-03-04 10:00:00", "日常检查", "合格"),
            ("北京云山上网服务有限公司 ", "不详", "2022-03-04 22:00:00", "专项检查", "不合格"),
            ("（非现场检查）北京云山上网服务有限公司", CAFE.lower(), "2022/5/6", "日常检查", "合格"),
            ("北京星河书店(星河-某平台)", None, "2022年6月7日", None, "合格"),
            ("PERSON_0123456789", "<PID>", "2022-06-08 10:00:00", "日常检查", "合格"),
            ("张三", None, "2022-06-08 10:00:00", "日常检查", "合格"),
            ("无", "无", "2022-06-08 10:00:00", "日常检查", "合格"),
            ("北京星河书店", None, "去年", "日常检查", "合格"),
            ("北京星河书店", None, None, "日常检查", "合格"),
            ("北京星河书店", None, "2022-06-09 10:00:00", "日常检查", "待定"),
        ],
    )
    write(
        tmp_path,
        "penalty_culture_union",
        DECISION,
        [
            (
                "北京云山上网服务有限公司",
                CAFE,
                "2022-03-20",
                "(京)文罚〔2022〕第1号",
                "警告;罚款",
                "0.12345",
                None,
                FIRM,
                "0",
            ),
            (
                "北京云山上网服务有限公司",
                CAFE,
                "2022/3/20",
                "（京）文罚 [2022] 第1号",
                "没收违法所得、没收非法财物",
                None,
                "1.5",
                FIRM,
                "0",
            ),
            ("北京云山上网服务有限公司", CAFE, "2022/4/20", "(京)文罚〔2022〕第2号", "罚款", "1", None, FIRM, "1"),
            ("张三丰云", None, "2022/4/20", "(京)文罚〔2022〕第3号", "罚款", "1", None, "自然人", "0"),
        ],
    )
    write(tmp_path, "list_abnormal_operation", ["企业名称"], [("北京云山上网服务有限公司",)] * 3)
    return tmp_path


def test_every_row_is_mapped_merged_or_unmapped_with_its_reason(folder: Path) -> None:
    report = adapt(folder)
    visits = account(report, "insp_culture")
    assert (visits.rows_in, visits.mapped, visits.merged) == (10, 3, 1)
    assert visits.unmapped == {
        "natural person": 1,
        "name too short to tell from a person's": 1,
        "no enterprise name or code": 1,
        "date not readable": 1,
        "no date": 1,
        "outcome not in the mapping": 1,
    }
    penalties = account(report, "penalty_culture_union")
    assert (penalties.mapped, penalties.merged) == (1, 1)
    assert penalties.unmapped == {"deleted by the source": 1, "natural person": 1}
    assert report.balanced
    assert report.unmapped == 8


PERSON = "11010519491231002X"


def test_a_persons_number_in_place_of_a_code_or_in_a_name_is_never_kept_and_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        "insp_culture",
        VISIT,
        [
            ("北京云山上网服务有限公司", PERSON, "2022-03-04 10:00:00", "日常检查", "合格"),
            ("北京星河书店", f"身份证 {PERSON.lower()}", "2022-03-04 10:00:00", "日常检查", "合格"),
            (f"王某{PERSON}", None, "2022-03-04 10:00:00", "日常检查", "合格"),
            (f"北京小店{PERSON}", None, "2022-03-04 10:00:00", "日常检查", "合格"),
        ],
    )
    number = (f"第{PERSON}号", "警告", None, None, FIRM, "0")
    write(tmp_path, "penalty_culture_union", DECISION, [("北京星河书店", CAFE, "2022-03-20", *number)])
    report = adapt(tmp_path)
    assert account(report, "insp_culture").unmapped == {"natural person": 2}
    assert report.counts["codes person"] == 2
    assert report.counts["cells that hold a person's identity number (removed)"] == 5
    assert {r["uscc"] for r in records(tmp_path / "out", "registration")} == {None, CAFE}
    assert [p["document_no"] for p in records(tmp_path / "out", "penalties")] == [None]
    said = str(report.as_dict()) + "".join(str(records(tmp_path / "out", t)) for t in report.tables)
    assert "19491231" not in said


@pytest.mark.parametrize("day", ["1900-01-01", "1970/1/1", "9999-12-31"])
def test_a_day_that_stands_for_not_known_is_no_day(tmp_path: Path, day: str) -> None:
    write(tmp_path, "insp_culture", VISIT, [("北京星河书店", CAFE, day, "日常检查", "合格")])
    report = adapt(tmp_path)
    assert account(report, "insp_culture").unmapped == {"date that stands for 'not known'": 1}


def test_undated_files_feed_nothing_and_are_said(folder: Path) -> None:
    report = adapt(folder)
    assert report.left_out["list_abnormal_operation.parquet"] == (3, "undated: left out")
    assert not (folder / "out" / "abnormal_list.parquet").exists()
    assert "penalty_tax.parquet" in report.missing


def test_rows_of_one_visit_are_one_inspection_and_a_violation_is_not_averaged_away(folder: Path) -> None:
    adapt(folder)
    visits = {v["occurred_at"]: v for v in records(folder / "out", "inspections")}
    assert sorted(visits) == [date(2022, 3, 4), date(2022, 5, 6), date(2022, 6, 7)]
    merged = visits[date(2022, 3, 4)]
    assert (merged["result_codes"], merged["trigger"], merged["arm"]) == ("D", "special", "unknown")
    assert visits[date(2022, 5, 6)]["result_codes"] == "1"


def test_a_result_is_known_only_after_the_reporting_lag(folder: Path) -> None:
    adapt(folder)
    for table in ("inspections", "penalties"):
        for r in records(folder / "out", table):
            assert (r["known_at"] - r["occurred_at"]).days == 30


def test_inspected_enterprises_are_known_before_the_month_of_their_own_first_visit(folder: Path) -> None:
    report = adapt(folder)
    found = {r["name"]: r for r in records(folder / "out", "registration")}
    assert found["北京云山上网服务有限公司"]["known_at"] == date(2022, 2, 28)
    assert found["北京星河书店"]["known_at"] == date(2022, 5, 31)
    assert all(r["occurred_at"] <= r["known_at"] for r in found.values())
    assert report.counts["enterprises known by their first visit before its row was"] == 2


def test_a_place_whose_year_nothing_tells_counts_as_older_than_the_source(folder: Path) -> None:
    adapt(folder)
    found = {r["name"]: r for r in records(folder / "out", "registration")}
    assert found["北京云山上网服务有限公司"]["occurred_at"] == date(2016, 1, 1)
    assert found["北京星河书店"]["occurred_at"] == date(2022, 2, 28)


def test_what_a_later_row_tells_of_an_enterprise_is_a_later_version(folder: Path) -> None:
    columns = ("纳税人名称", "纳税人识别号", "处罚日期", "行政处罚文号", "罚款金额")
    write(folder, "penalty_tax", columns, [("北京星河书店", SHOP, "2022-09-01", "京税罚〔2022〕9号", "100")])
    adapt(folder)
    first, second = (r for r in records(folder / "out", "registration") if r["name"] == "北京星河书店")
    assert first["enterprise_id"] == second["enterprise_id"] == enterprise_id("name:北京星河书店")
    assert (first["version"], first["known_at"], first["uscc"]) == (1, date(2022, 5, 31), None)
    assert (second["version"], second["known_at"], second["uscc"]) == (2, date(2022, 10, 1), SHOP)
    assert (first["region"], second["region"]) == (None, "110108")
    (fine,) = (r for r in records(folder / "out", "penalties") if r["document_no"].startswith("京税"))
    assert fine["enterprise_id"] == first["enterprise_id"]


def test_an_approval_date_counts_as_the_day_of_registration(folder: Path) -> None:
    columns = ("企业名称", "统一社会信用代码", "核准日期")
    write(folder, "registration_2023_yanqing_miyun", columns, [("北京星河书店", SHOP, "2022-05-30")])
    adapt(folder)
    (shop,) = (r for r in records(folder / "out", "registration") if r["uscc"] == SHOP)
    assert shop["occurred_at"] == shop["known_at"] == date(2022, 5, 30)


def test_an_enterprise_never_inspected_is_unknown_until_a_source_shows_it(folder: Path) -> None:
    write(
        folder,
        "complaint_12315_green_channel",
        ("企业名称", "时间", "注册号", "是否有效"),
        [("星河云山咖啡馆", "2022/8/1 9:00:00", "001", "09"), ("星河云山咖啡馆", "2022/8/1 9:00:00", "001", "09")],
    )
    report = adapt(folder)
    assert account(report, "complaint_12315_green_channel").merged == 1
    cafe = next(r for r in records(folder / "out", "registration") if r["name"] == "星河云山咖啡馆")
    assert (cafe["occurred_at"], cafe["known_at"]) == (date(2022, 8, 1), date(2022, 8, 2))


def test_the_statutes_of_one_decision_are_one_penalty_with_exact_money(folder: Path) -> None:
    adapt(folder)
    (penalty,) = records(folder / "out", "penalties")
    assert penalty["penalty_kinds"] == "confiscation;fine;warning"
    assert (penalty["fine_fen"], penalty["confiscated_fen"]) == (123_450, 1_500_000)


def test_what_a_later_publication_adds_is_a_later_version(folder: Path) -> None:
    columns = (*DECISION[:6], "没收违法所得、没收非法财务的金额（万元）", "处罚机关", "上报日期")
    row = ("北京云山上网服务有限公司", CAFE, "2022/3/20", "(京)文罚〔2022〕第1号", "罚款")
    write(folder, "penalty_huairou", columns, [(*row, "9", None, "怀柔区文化和旅游局", "2023年1月5日")])
    adapt(folder)
    first, second = records(folder / "out", "penalties")
    assert first["record_id"] == second["record_id"]
    assert (first["version"], first["fine_fen"], first["known_at"]) == (1, 123_450, date(2022, 4, 19))
    assert (second["version"], second["fine_fen"], second["known_at"]) == (2, 9_000_000, date(2023, 1, 5))


def test_recheck_columns_change_nothing(tmp_path: Path) -> None:
    columns = ("企业名称", "现场检查时间", "现场检查结果", "执法任务类型", "复查时间", "复查结果")
    rows = [("北京星河加油站", "2023年05月18日", "不合格", "双随机", "2023年6月1日", "合格")]
    outputs = []
    for recheck in (columns[4:], ()):
        source = tmp_path / str(len(recheck))
        source.mkdir()
        names = columns[:4] + recheck
        write(source, "insp_miyun_emergency", names, [r[: len(names)] for r in rows])
        adapt(source, "miyun_emergency")
        outputs.append(records(source / "out", "inspections"))
    assert outputs[0] == outputs[1]
    assert (outputs[0][0]["arm"], outputs[0][0]["trigger"], outputs[0][0]["result_codes"]) == ("random", "draw", "D")
    assert outputs[0][0]["draw_id"] is None


def test_the_output_obeys_the_contract_with_nothing_quarantined(folder: Path) -> None:
    adapt(folder)
    report = check_folder(folder / "out", date(2022, 12, 31), folder / "checked")
    totals = report.as_dict()["totals"]
    assert (totals["quarantined"], totals["merged"], totals["orphans"]) == (0, 0, 0)
    assert report.ok


def test_same_rows_same_bytes_whatever_their_order(folder: Path) -> None:
    def digest() -> str:
        report = adapt(folder)
        files = sorted((folder / "out").iterdir())
        assert len(files) == len(report.tables) + 1
        return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()

    first = digest()
    assert digest() == first
    path = folder / "insp_culture.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(table.num_rows)))), path)
    assert digest() == first


@pytest.mark.parametrize("names", [(), ("nowhere",), ("culture", "culture")])
def test_inspections_must_be_named_rightly(folder: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="culture_press"):
        ADAPTERS["beijing"](folder, folder / "out", inspections=names)


def test_a_missing_file_folder_or_column_is_named(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"insp_miyun_emergency\.parquet"):
        adapt(folder, "miyun_emergency")
    with pytest.raises(SourceError, match="no such folder"):
        adapt(folder / "nowhere")
    write(folder, "insp_culture", VISIT[:4], [])
    with pytest.raises(SourceError, match="监督检查结果"):
        adapt(folder)
    (folder / "insp_culture.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        adapt(folder)


def test_a_file_without_rows_gives_an_empty_table(tmp_path: Path) -> None:
    write(tmp_path, "insp_culture", VISIT, [])
    report = adapt(tmp_path)
    assert report.balanced
    assert report.tables == {"registration": 0}


SURE, OTHER, WEAK, NONE = (
    Code(CAFE, "valid"),
    Code(SHOP, "valid"),
    Code(CAFE[:17] + "2", "bad_check"),
    Code(None, "absent"),
)


def keys(*days: list[tuple[str, Code]]) -> list[list[str]]:
    """Keys of the rows of each day, as `resolve` gives them."""
    found, _, _ = resolve([(date(2022, 1, day), *pair) for day, pairs in enumerate(days, 1) for pair in pairs])
    left = iter(found)
    return [[next(left) for _ in pairs] for pairs in days]


def test_a_name_with_one_confirmed_code_lends_it_to_rows_without() -> None:
    (same,) = keys([("云山", SURE), ("云山", NONE), ("云山老店", SURE), ("云山", WEAK)])
    assert set(same) == {f"uscc:{CAFE}"}


def test_a_code_that_comes_later_joins_the_enterprise_its_name_already_is() -> None:
    first, second, third = keys([("云山", NONE)], [("云山", SURE)], [("云山", NONE), ("云山老店", SURE)])
    assert first == ["name:云山"]
    assert second == first
    assert set(third) == set(first)


def test_a_name_with_two_confirmed_codes_is_kept_apart() -> None:
    sightings = [(date(2022, 1, 1), "云山", code) for code in (SURE, OTHER, NONE)]
    found, unclear, resolver = resolve(sightings)
    assert found == [f"uscc:{CAFE}", f"uscc:{SHOP}", "name:云山"]
    assert unclear == [False, False, True]
    assert resolver.counts["names with several confirmed codes (kept apart)"] == 1


def test_a_second_code_of_a_name_changes_no_earlier_row_and_gets_none_of_its_record() -> None:
    one, two, three = keys([("云山", NONE)], [("云山", SURE)], [("云山", OTHER), ("云山", NONE), ("云山", SURE)])
    assert one == two == [three[2]]
    assert len({three[0], three[1], three[2]}) == 3


def test_an_enterprise_that_turns_out_to_be_another_stays_apart_and_is_counted() -> None:
    pairs = [("星河", NONE), ("云山", SURE), ("星河", SURE), ("星河", NONE)]
    found, _, resolver = resolve([(date(2022, 1, day), *pair) for day, pair in enumerate(pairs, 1)])
    assert found == ["name:星河", f"uscc:{CAFE}", f"uscc:{CAFE}", f"uscc:{CAFE}"]
    assert resolver.counts["enterprises that a later row showed to be another (kept apart)"] == 1


def test_a_wrong_code_never_joins_two_confirmed_ones() -> None:
    (found,) = keys([("云山", SURE), ("星河", OTHER), ("云山", WEAK), ("星河", WEAK), ("山水", WEAK), ("山水", NONE)])
    assert found[2] == f"uscc:{CAFE}"
    assert found[4] == found[5] == f"uscc:{WEAK.value}"


SIGHTINGS = st.lists(
    st.tuples(
        st.integers(1, 4).map(lambda day: date(2022, 1, day)),
        st.sampled_from(["甲", "乙", "丙", "丁"]),
        st.sampled_from([SURE, OTHER, WEAK, NONE]),
    ),
    max_size=12,
)


@given(SIGHTINGS, st.randoms(use_true_random=False))
def test_who_is_who_does_not_depend_on_the_order_of_rows(rows: list[tuple[date, str, Code]], rnd: Any) -> None:
    shuffled = list(rows)
    rnd.shuffle(shuffled)
    assert dict(zip(rows, resolve(rows)[0], strict=True)) == dict(zip(shuffled, resolve(shuffled)[0], strict=True))


@given(SIGHTINGS)
def test_rows_known_later_never_change_who_an_earlier_row_is(rows: list[tuple[date, str, Code]]) -> None:
    found, unclear, _ = resolve(rows)
    for day in range(1, 5):
        before = [i for i, row in enumerate(rows) if row[0] <= date(2022, 1, day)]
        assert resolve([rows[i] for i in before])[0] == [found[i] for i in before]
        assert resolve([rows[i] for i in before])[1] == [unclear[i] for i in before]


@given(SIGHTINGS)
def test_an_enterprise_never_has_two_confirmed_codes(rows: list[tuple[date, str, Code]]) -> None:
    codes: dict[str, set[str | None]] = {}
    for key, (_, _, code) in zip(resolve(rows)[0], rows, strict=True):
        if code.sure:
            codes.setdefault(key, set()).add(code.value)
    assert all(len(found) == 1 for found in codes.values())
    assert len({c for found in codes.values() for c in found}) == len(codes)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("(京)文罚〔2022〕第1号", "京文罚20221"),
        ("（京）文罚 [2022] 第 1 号", "京文罚20221"),
        ("5.58605E+14", None),
        ("59660", None),
        ("", None),
        (None, None),
    ],
)
def test_decision_numbers_compare_and_destroyed_ones_are_no_key(number: str | None, key: str | None) -> None:
    assert document_key(number) == key


@pytest.mark.parametrize(
    ("words", "fine", "kinds"),
    [
        ("罚款;责令停产停业", 5, ["fine", "suspension"]),
        ("罚款;吊销许可", None, ["fine", "licence_revoked"]),
        ("吊销营业执照", None, ["business_licence_revoked"]),
        ("一般程序处罚", 5, ["fine"]),
        ("其他", 0, ["other"]),
        (None, None, ["other"]),
    ],
)
def test_penalty_kinds(words: str | None, fine: int | None, kinds: list[str]) -> None:
    assert penalty_kinds(words, fine, None) == kinds


def test_name_and_code_tell_industry_region_and_type() -> None:
    assert guess_industry("北京云山上网服务有限公司") == "R9013"
    assert guess_industry("北京星河文化传播有限公司") == "R8890"
    assert guess_industry("云山") is None
    assert guess_region("密云县云山", "91110228MA00AAAA1X", None) == "110118"
    assert guess_region("北京市密云县云山商店", None, "110106") == "110118"
    assert guess_region("云山商店", None, "110106") == "110106"
    assert guess_type("云山书店", "92" + CAFE[2:]) == "individual_business"
    assert guess_type("云山书店有限公司第一分公司", CAFE) == "branch"
    assert guess_type("云山出版社", "12" + CAFE[2:]) == "non_enterprise"
    assert guess_type("云山书店", None) == "unknown"
    assert guess_established(CAFE) == date(2016, 1, 1)
    assert guess_established(None) is None
