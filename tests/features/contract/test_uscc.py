"""Social credit codes: the spelling may be mended, the sign never; what is wrong is said."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc as gb32100

from features.contract.uscc import fault, is_valid, repair, repaired_sql, teach
from helpers.thorough import examples

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
GOOD = "91110000600037341L"

ENGINE = duckdb.connect()
teach(ENGINE)

bodies = st.builds(
    lambda head, district, rest: head + district + rest,
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
)


def standard_check(body: str) -> str:
    """The check digit as GB 32100-2015 writes it: weights 3^(i-1) mod 31."""
    total = sum(ALPHABET.index(sign) * pow(3, i, 31) for i, sign in enumerate(body))
    return ALPHABET[(31 - total % 31) % 31]


@given(bodies)
def test_the_check_digit_is_the_standards(body: str) -> None:
    assert is_valid(body + standard_check(body))
    for sign in ALPHABET.replace(standard_check(body), ""):
        assert fault(body + sign) == f"check digit: ends in {sign}, its signs call for {standard_check(body)}"


@given(bodies, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_mistyped_sign_never_passes(body: str, place: int, sign: str) -> None:
    code = body + standard_check(body)
    typo = code[:place] + sign + code[place + 1 :]
    assert is_valid(typo) == (typo == code)


def test_letters_in_the_first_two_places_are_the_standards_although_stdnum_refuses_them() -> None:
    body = "N2130100MF1234567"
    code = body + standard_check(body)
    assert not gb32100.is_valid(code)
    assert is_valid(code)


@pytest.mark.parametrize(
    "written",
    [
        " 91110000600037341l ",
        "９１１１００００６０００３７３４１Ｌ",
        "9111 0000 6000 3734 1L",
        "\u300091110000600037341L\ufeff",
        "91110000600037341L_x000D_",
        "9111\u200b0000600037341l\x00",
    ],
)
def test_spelling_is_mended_and_told(written: str) -> None:
    assert repair(written) == GOOD
    assert fault(written) == f"spelling: expected {GOOD}"


@given(bodies)
def test_mending_a_well_spelled_code_changes_nothing(body: str) -> None:
    assert repair(body + "0") == body + "0"


@settings(max_examples=examples(200), deadline=None)
@given(st.text() | st.text("_xX000dD" + ALPHABET))
def test_mending_twice_changes_nothing_and_the_engine_mends_alike(text: str) -> None:
    assert repair(repair(text)) == repair(text)
    sql = f"SELECT {repaired_sql('code')} FROM (SELECT ?::VARCHAR AS code)"
    [(found,)] = ENGINE.execute(sql, [text]).fetchall()
    assert (found or "") == repair(text)


@pytest.mark.parametrize("text", ["", "91110000", GOOD + "0", "9111000060003734IL", "91AB0000600037341L", "某某公司"])
def test_other_texts_have_no_form(text: str) -> None:
    assert (fault(text) or "").startswith("format: expected 18 signs")
