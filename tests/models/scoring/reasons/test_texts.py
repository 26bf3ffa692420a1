"""Texts that people would write: of every indicator, at every kind of value, in both languages."""

from __future__ import annotations

import math
import re

import pytest

from features.catalogue import CATALOGUE, lookup, of_province
from features.catalogue.declaration import Indicator
from features.catalogue.sectors import own_of
from features.table.peers import Peers
from models.scoring.classification import Reason
from models.scoring.reasons.texts import points_texts, reason
from models.scoring.reasons.values import UNITS_ZH, state, value_texts

FOOD = own_of("hebei", "food")
assert FOOD is not None
EVERY: dict[str, Indicator] = {
    **of_province("hebei", peers=True),
    **FOOD.catalogue,
    **of_province("chicago_table"),
    **of_province("miyun"),
}
"""General indicators, recent peer rates, a sector's, and those that two cities' maps declare."""


def values(entry: Indicator) -> list[float]:
    """Unknown, nothing, one, an ordinary and an extreme value, and one below nothing where that can be."""
    high = entry.bounds.high or (3649.0 if entry.unit == "days" else 123_456_789.0)
    ordinary = {"share": 0.3123, "0/1": 1.0, "fen": 1_234_567.0, "years": 12.34}.get(entry.unit, 3.0)
    found = [math.nan, 0.0, 1.0, min(ordinary, high), high, *([entry.never] if entry.never else [])]
    low = entry.bounds.low
    return [*found, *([-1.0, -0.75] if low is None and not entry.bounds.whole else [-1.0, -3.0] if low is None else []),
            *([-0.25] if low == -1 else [])]  # fmt: skip


def spread(entry: Indicator) -> list[Peers | None]:
    """Nobody, peers of whom most have nothing, and peers of whom all have something."""
    nothing = entry.never or 0.0
    return [
        None,
        Peers("trade and size", 100, 95, (nothing,) * 5),
        Peers("everyone", 100, 60, (0.0, 0.0, nothing, nothing, nothing)),
        Peers("trade", 100, 0, (0.5, 0.75, 1.0, 2.0, 9.0)),
    ]


def said(entry: Indicator) -> list[Reason]:
    return [reason(entry, value, 84.0, peers) for value in values(entry) for peers in spread(entry)]


@pytest.mark.parametrize("name", EVERY)
def test_every_indicator_is_said_as_people_write(name: str) -> None:
    entry = EVERY[name]
    for one in said(entry):
        english, chinese = one.text_en, one.text_zh
        for text in (english, chinese):
            assert not re.search(r"nan|inf\b|None|[{}|_]|\(\)|（）|  |%%|:,|: \(", text), text
            assert not re.search(r"([件次项家名天元张笔条])\1|\d年年|(\b\w+s?\b) \2\b", text), text  # a unit said twice
        assert english.endswith(", +84 points")
        assert chinese.endswith("，+84分")
        assert not re.search(r"[\u4e00-\u9fff（），：]", english), english
        assert not re.search(r"[a-zE-Z]", chinese), chinese  # classes A to D may stand in it
        assert not re.search(r"(?<![\d.,])1 (?!year\b)(?:more )?[a-z]*(?<!s)(?<!ou)s\b", english), (
            english
        )  # 1 penalties
        assert not re.search(r"\byes\b|\bno\b$", english.lower().removesuffix(", +84 points")), english
        assert 8 < len(english) < 230, english
        assert 6 < len(chinese) < 80, chinese


@pytest.mark.parametrize("name", EVERY)
def test_another_value_is_said_otherwise_and_the_unknown_as_unknown(name: str) -> None:
    entry = EVERY[name]
    unknown, nothing, one, *_ = (value_texts(entry, value) for value in values(entry))
    assert unknown == (f"{entry.en}: not known", unknown[1])
    assert unknown[1].endswith("未知")
    assert len({unknown[0], nothing[0], one[0]}) == 3
    assert len({unknown[1], nothing[1], one[1]}) == 3


@pytest.mark.parametrize("name", EVERY)
def test_no_text_argues_against_its_points(name: str) -> None:
    """What a value adds to the base has its own sign; nothing in the words claims another."""
    entry = EVERY[name]
    for value in values(entry):
        for points, english, chinese in ((-12.0, "−12 points", "−12分"), (12.0, "+12 points", "+12分")):
            one = reason(entry, value, points, spread(entry)[1])
            assert one.text_en.endswith(english)
            assert one.text_zh.endswith(chinese)
            body = one.text_en.replace(entry.en, "").lower() + one.text_zh
            assert not re.search(r"raises|lowers|riskier|score by|上升|风险越|提高|降低", body), body


def test_the_words_of_the_brief_are_those_an_inspector_reads() -> None:
    most_none = Peers("trade", 400, 310, (0.0, 0.0, 0.0, 0.0, 1.0))
    three = reason(lookup("penalties_3y"), 3.0, 84.2, most_none)
    assert three.text_en == "3 penalties in the last three years (most firms of its trade: none), +84 points"
    assert three.text_zh == "近三年行政处罚3次（同行业多数企业为0次），+84分"
    assert (three.code, three.standing, three.group) == ("penalties_3y.some", "most_none", "penalties")
    debts = reason(lookup("debt_ratio"), 0.32, -36.0, Peers("trade and size", 90, 0, (0.3, 0.4, 0.5, 0.6, 0.9)))
    assert debts.text_en == ("debt ratio 32 % (lower than in three of four firms of its trade and size), −36 points")
    assert debts.text_zh == "资产负债率32%（低于同行业同规模75%的企业），−36分"


@pytest.mark.parametrize(
    ("name", "value", "english", "chinese", "is_"),
    [
        ("penalties_3y", 1.0, "1 penalty in the last three years", "近三年行政处罚1次", "some"),
        ("penalties_3y", 0.0, "no penalties in the last three years", "近三年无行政处罚", "none"),
        ("penalties_3y", math.nan, "penalties in the last three years: not known", "近三年行政处罚次数未知", "unknown"),
        ("days_since_penalty", 3650.0, "never penalised", "从未受到行政处罚", "never"),
        ("days_since_penalty", 1.0, "last penalised 1 day ago", "最近一次行政处罚距今1天", "some"),
        ("abnormal_listed_now", 1.0, "on the abnormal-operation list", "已列入经营异常名录", "yes"),
        ("abnormal_listed_now", 0.0, "not on the abnormal-operation list", "未列入经营异常名录", "no"),
        ("fines_3y", 1_234_500.0, "fines and confiscations of 12,345 yuan in the last three years",
         "近三年罚没1.23万元", "some"),
        ("revenue", 5e11, "revenue of 5 billion yuan in the latest annual report", "最近年报营业收入50亿元", "some"),
        ("revenue_change", -0.4, "revenue down 40 % on the year before", "营业收入同比下降40%", "less"),
        ("years_operating", 12.46, "established 12.5 years ago", "成立已12.5年", "some"),
        ("complaints_per_employee_1y", 0.001, "less than 0.01 complaints per employee in the last year",
         "近一年人均投诉举报不足0.01件", "some"),
    ],
)  # fmt: skip
def test_a_value_is_said_in_its_unit(name: str, value: float, english: str, chinese: str, is_: str) -> None:
    assert value_texts(lookup(name), value) == (english, chinese)
    assert state(lookup(name), value) == is_


@pytest.mark.parametrize(
    ("points", "english", "chinese"),
    [
        (84.2, "+84 points", "+84分"),
        (-9.94, "−9.9 points", "−9.9分"),
        (9.96, "+10 points", "+10分"),
        (0.04, "no effect on the score", "对风险分无影响"),
        (-0.04, "no effect on the score", "对风险分无影响"),
        (0.0, "no effect on the score", "对风险分无影响"),
    ],
)
def test_points_are_whole_or_have_one_decimal_and_always_a_sign(points: float, english: str, chinese: str) -> None:
    assert points_texts(points) == (english, chinese)


def test_every_unit_of_the_general_catalogue_has_a_chinese_word() -> None:
    units = {entry.unit for entry in of_province("hebei", peers=True).values()} - {"fen", "share", "0/1"}
    assert units <= set(UNITS_ZH)


def test_a_code_stays_the_same_whatever_an_enterprise_is_compared_with() -> None:
    entry = lookup("penalties_3y")
    assert {reason(entry, 2.0, 5.0, peers).code for peers in spread(entry)} == {"penalties_3y.some"}
    assert {reason(entry, 2.0, 5.0, peers).standing for peers in spread(entry)} == {"", "most_none", "above_50"}


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e300, -1e300])
def test_a_value_that_is_none_or_absurd_is_still_said(value: float) -> None:
    for entry in CATALOGUE.values():
        english, chinese = value_texts(entry, value)
        assert len(english) < 160
        assert len(chinese) < 80
        if math.isinf(value):
            assert "not known" in english
            assert "未知" in chinese
