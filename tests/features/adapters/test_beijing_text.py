"""What the readers of dates, money, names and codes promise."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.adapters.names import is_masked_person, is_short, normalise_name, read_code
from features.adapters.text import EXCEL_EPOCH, TEN_THOUSAND_YUAN, YUAN, parse_date, parse_fen
from features.contract.uscc import is_valid

DAYS = st.dates(date(1955, 1, 1), date(2099, 12, 31))
SHAPES = (
    "{d.year}-{d.month:02d}-{d.day:02d}",
    "{d.year}-{d.month:02d}-{d.day:02d} 14:30:00",
    "{d.year}-{d.month}-{d.day} 08:45",
    "{d.year}/{d.month}/{d.day}",
    "{d.year}/{d.month}/{d.day} 9:58:38",
    "{d.year}.{d.month:02d}.{d.day:02d}",
    "{d.year}年{d.month}月{d.day}日",
    "{d.year}年{d.month:02d}月{d.day:02d}日",
    "{d.day}/{d.month}/{d.year} 17:22:38",
    "{d.year}{d.month:02d}{d.day:02d}",
    " {d.year}-{d.month:02d}-{d.day:02d}\t",
)


@given(DAYS, st.sampled_from(SHAPES))
def test_every_published_shape_of_a_date_reads_as_the_same_day(day: date, shape: str) -> None:
    assert parse_date(shape.format(d=day)) == day


@given(DAYS)
def test_spreadsheet_serials_are_days(day: date) -> None:
    serial = (day - EXCEL_EPOCH).days
    assert parse_date(str(serial)) == day
    assert parse_date(f"{serial}.75") == day


def test_the_serial_known_from_a_spreadsheet() -> None:
    assert parse_date("45659") == date(2025, 1, 2)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021年度2  月", date(2021, 2, 28)),
        ("2020年度12 月", date(2020, 12, 31)),
        ("2024年2月", date(2024, 2, 29)),
    ],
)
def test_a_month_is_known_only_when_it_is_over(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text",
    [None, "", "/", "00:00:00", "2018年", "2018", "2023-02-30", "2021年度13 月", "12345678901", "合格", "99999"],
)
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=30))
def test_no_text_makes_the_date_reader_fail(text: str) -> None:
    parse_date(text)
    parse_fen(text, YUAN)
    read_code(text)


@given(st.integers(0, 10**13))
def test_money_in_ten_thousands_is_exact_to_the_fen(fen: int) -> None:
    whole, part = divmod(fen, TEN_THOUSAND_YUAN)
    assert parse_fen(f"{whole}.{part:06d}", TEN_THOUSAND_YUAN) == fen


@pytest.mark.parametrize("text", [None, "", "/", "-1", "nan", "inf", "0.0000001", "壹万"])
def test_what_is_no_amount_is_none(text: str | None) -> None:
    assert parse_fen(text, TEN_THOUSAND_YUAN) is None


NAMES = st.text(alphabet="北京星河书店网吧()（）【】-AaＢ? 。·9\u3000\u00a0\t", max_size=20)


@given(st.one_of(NAMES, st.text(max_size=20)))
def test_normalising_a_name_twice_changes_nothing(name: str) -> None:
    once = normalise_name(name)
    assert normalise_name(once) == once


@given(st.text(alphabet="星河云山书店", min_size=4, max_size=10), st.integers(0, 10))
def test_spaces_and_bracket_width_never_make_two_enterprises(name: str, at: int) -> None:
    half = f"{name}(北京)有限公司"
    full = half.replace("(", "（").replace(")", "）")
    spaced = full[:at] + " \u3000\u2002" + full[at:]
    assert normalise_name(half) == normalise_name(full) == normalise_name(spaced) == half


@pytest.mark.parametrize(
    ("published", "name"),
    [
        ("（非现场检查）北京云山书店有限公司", "北京云山书店有限公司"),
        ("北京云山书店有限公司(云山图书专营店-某平台)", "北京云山书店有限公司"),
        ("北京云山小卖部(星河镇-张三丰)", "北京云山小卖部"),
        ("北京云山上网服务有限公司（原名：星河）", "北京云山上网服务有限公司"),
        ("北京云山上网服务有限公司?", "北京云山上网服务有限公司"),
        ("云山(北京)有限公司", "云山(北京)有限公司"),
        ("(云山旗舰店-某平台)", "(云山旗舰店-某平台)"),
        ("Ｋtv云山", "KTV云山"),
        ("无", ""),
        (None, ""),
    ],
)
def test_notes_that_are_no_part_of_the_name_are_cut_off(published: str | None, name: str) -> None:
    assert normalise_name(published) == name


def test_persons_are_recognised() -> None:
    assert is_masked_person("PERSON_0123456789")
    assert is_masked_person("张某某(彩票网点)")
    assert is_short("张三丰")
    assert not is_short("云山书店")
    assert not is_short("")


GOOD = "91110105MA00AAAA1T"


def test_the_invented_code_is_right() -> None:
    assert is_valid(GOOD)


@pytest.mark.parametrize(
    ("published", "quality"),
    [
        (GOOD, "valid"),
        (" 9111 0105ma00aaaa1t\n", "valid"),
        (GOOD.replace("0", "O", 1), "repaired"),
        (f"补{GOOD}", "repaired"),
        (f"{GOOD}云山图书淘", "repaired"),
        (f"{GOOD[:5]}_x000f_{GOOD[5:]}", "valid"),
    ],
)
def test_slips_in_a_code_are_undone_when_the_check_character_agrees(published: str, quality: str) -> None:
    code = read_code(published)
    assert (code.value, code.quality) == (GOOD, quality)
    assert code.sure


@pytest.mark.parametrize(
    ("published", "quality"),
    [
        (GOOD[:17] + "1", "bad_check"),
        ("111111111111111111", "junk"),
        ("000000000000000000", "junk"),
        ("110108600122313000", "junk"),
        ("110105012345678", "junk"),
        ("<PID>", "junk"),
        ("不详", "absent"),
        (None, "absent"),
    ],
)
def test_a_code_that_is_not_confirmed_is_never_sure(published: str | None, quality: str) -> None:
    code = read_code(published)
    assert code.quality == quality
    assert not code.sure
    assert (code.value is not None) == (quality == "bad_check")
