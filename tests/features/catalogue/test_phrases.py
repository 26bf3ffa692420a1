"""Phrases belong to indicators, and better words change no value."""

from __future__ import annotations

import re
from dataclasses import replace

from features.catalogue import CATALOGUE, RECENT, catalogue_hash
from features.catalogue.phrases.say import Say
from features.catalogue.phrases.spoken import PHRASES


def test_every_phrase_is_of_an_indicator() -> None:
    assert set(PHRASES) <= set(CATALOGUE) | set(RECENT)
    assert CATALOGUE["debt_ratio"].say == PHRASES["debt_ratio"]


def test_a_phrase_holds_a_place_for_the_value_and_nothing_else_to_be_filled() -> None:
    for name, say in PHRASES.items():
        unit = (CATALOGUE | RECENT)[name].unit
        for text in (say.en, say.zh, say.less_en, say.less_zh):
            assert set(re.findall(r"{.*?}", text)) <= {"{n}", "{v}"}, name
            assert not text or ("{" in text) == (unit != "0/1"), name
        assert "{" not in say.none_en + say.none_zh
        assert not re.search(r"[\u4e00-\u9fff]", say.en + say.none_en + say.less_en)
        assert bool(say.less_en) == bool(say.less_zh)


def test_better_words_leave_the_hash_of_the_catalogue() -> None:
    said = {"penalties_3y": replace(CATALOGUE["penalties_3y"], say=Say("{n} fines", "none", "{n}", "无"))}
    assert catalogue_hash(said) == catalogue_hash({"penalties_3y": CATALOGUE["penalties_3y"]})
