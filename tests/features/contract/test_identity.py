"""A person's identity number is found wherever it stands, and nothing else is taken for one."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract.identity import holds_identity_number, holds_sql, masked, masked_sql, starred
from features.contract.uscc import is_valid
from helpers.thorough import examples

SAMPLE = "11010519491231002X"
"""The example of the standard itself."""
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def check_digit(body: str) -> str:
    """The check digit as GB 11643 writes it."""
    return "10X98765432"[sum(int(sign) * weight for sign, weight in zip(body, WEIGHTS, strict=True)) % 11]


bodies = st.builds(
    lambda district, born, serial: f"{district}{born:%Y%m%d}{serial:03d}",
    st.sampled_from(["110105", "130102", "440305", "513401", "650104", "820000"]),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
)
texts = st.one_of(
    bodies.flatmap(lambda body: st.sampled_from([body + check_digit(body), body + "0", body + "X"])).flatmap(
        lambda n: st.sampled_from(
            [
                n,
                n.lower(),
                f"证件 {n}。",
                f"E{n}Q",
                f"1{n}",
                f"{n[:6]} {n[6:14]} {n[14:]}",
                f"2023 {n}",
                f"{n[:6]}-{n[6:]}",
            ]
        )
    ),
    bodies.flatmap(lambda body: st.sampled_from([old := body[:6] + body[8:], f" {old[:6]} {old[6:]}", f"({old})"])),
    st.text("0123456789Xx 。-Ａ１", max_size=40),
)


@given(bodies)
def test_a_number_of_the_standard_is_found_and_one_with_another_check_digit_is_not(body: str) -> None:
    right = check_digit(body)
    assert holds_identity_number(body + right)
    assert not any(holds_identity_number(body + sign) for sign in "0123456789X" if sign != right)


@pytest.mark.parametrize(
    "written",
    [
        SAMPLE,
        SAMPLE.lower(),
        "１１０１０５１９４９１２３１００２Ｘ",
        " 110105 19491231 002X ",
        "110105-19491231-002X",
        f"法定代表人(身份证{SAMPLE})",
        f"PENALTY{SAMPLE}#1",
    ],
)
def test_a_number_is_found_however_it_is_written_and_masked_where_it_is_shown(written: str) -> None:
    assert holds_identity_number(written)
    assert "1101**************" in masked(written)
    assert "19491231" not in masked(written)


@pytest.mark.parametrize(
    "other",
    [
        "91110000600037341L",  # a social credit code
        "110105194913310021",  # no such month
        "110105194902300029",  # no such day
        "990105194912310029",  # no such province
        "1" + SAMPLE,  # a longer number
        "11010519491231",
        "",
    ],
)
def test_what_is_no_identity_number_is_not_taken_for_one(other: str) -> None:
    assert not holds_identity_number(other)


def test_a_number_with_a_wrong_check_digit_is_masked_all_the_same() -> None:
    """Mistyped, it still tells who is meant."""
    assert not holds_identity_number("110105194912310021")
    assert masked("uscc is '110105194912310021'") == "uscc is '1101**************'"


def test_a_record_number_of_district_day_and_serial_is_no_person() -> None:
    body = "13010020240115001"
    number = body + check_digit(body)
    assert holds_identity_number(number)
    assert not holds_identity_number(number, record_number=True)
    assert holds_identity_number(SAMPLE, record_number=True)


@pytest.mark.parametrize(
    "old", ["110105491231002", "１１０１０５４９１２３１００２", "110105 491231 002", "(110105491231002)"]
)
def test_a_number_of_before_1999_is_told_only_where_a_social_credit_code_belongs(old: str) -> None:
    assert holds_identity_number(old, code=True)
    assert not holds_identity_number(old)
    assert not holds_identity_number(old, record_number=True)


@pytest.mark.parametrize(
    "other",
    [
        "110105490230002",  # no such day
        "110105491331002",  # no such month
        "990105491231002",  # no such province
        "1101054912310021",  # sixteen digits
        "11010549123100",
        "91110000600037341L",
    ],
)
def test_another_number_is_none_of_before_1999(other: str) -> None:
    assert not holds_identity_number(other, code=True)


def test_a_number_of_before_1999_is_masked_where_it_stands_for_a_code() -> None:
    assert masked(" 110105 491231 002", code=True) == "1101***********"
    assert masked("110105491231002") == "110105491231002"
    assert masked("91110000600037341L", code=True) == "91110000600037341L"


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=18))
def test_a_valid_code_of_an_enterprise_is_kept(code: str) -> None:
    enterprise = "91" + code[2:]
    assert not (is_valid(enterprise) and holds_identity_number(enterprise))


@pytest.mark.parametrize(
    ("value", "shown"),
    [("91110000600037341X", "9111*************X"), ("a1110000", "a111***0"), ("王小明", "***"), ("", "")],
)
def test_a_starred_value_shows_its_ends_alone(value: str, shown: str) -> None:
    assert starred(value) == shown


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(texts, min_size=1, max_size=40))
def test_sql_finds_and_masks_what_python_does(given_texts: list[str]) -> None:
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (place INTEGER, x VARCHAR)")
        con.executemany("INSERT INTO t VALUES (?, ?)", [list(pair) for pair in enumerate(given_texts)])
        plain = f"{holds_sql('x')}, {holds_sql('x', record_number=True)}, {masked_sql('x')}"
        columns = f"{plain}, {holds_sql('x', code=True)}, {masked_sql('x', code=True)}"
        found = con.execute(f"SELECT {columns} FROM t ORDER BY place").fetchall()
    assert found == [
        (
            holds_identity_number(x),
            holds_identity_number(x, record_number=True),
            masked(x),
            holds_identity_number(x, code=True),
            masked(x, code=True),
        )
        for x in given_texts
    ]


def test_sql_finds_nothing_in_a_missing_value() -> None:
    assert duckdb.execute(
        f"SELECT {holds_sql('x')}, {masked_sql('x')} FROM (SELECT CAST(NULL AS VARCHAR) AS x)"
    ).fetchall() == [(False, None)]
