"""What a reviewer reads of an indicator comes from its one definition, and its SQL means real columns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlglot
from sqlglot import exp

from features.catalogue import (
    CATALOGUE,
    FAMILIES,
    RECENT,
    catalogue_for,
    catalogue_hash,
    catalogue_of,
    lookup,
    of_province,
    with_sector,
)
from features.catalogue.declaration import RELATIONS, indicator
from features.catalogue.expressions import Formula, Rows
from features.catalogue.relations import BASES, LOOKS_INTO, POPULATION, tables_read
from features.catalogue.sectors import load_sector
from features.contract import TABLES
from features.engine.plan import plan
from features.errors import CatalogueError
from features.policies import Thresholds, features_policy


def test_at_least_thirty_indicators_over_all_five_families() -> None:
    assert len(CATALOGUE) >= 30
    assert {i.family for i in CATALOGUE.values()} == set(FAMILIES)


EVERY = catalogue_of(features_policy("hebei"), load_sector("hebei", "food"), peers=True)
"""The general indicators and those of the worked example of a sector, with Hebei's numbers."""


@pytest.mark.parametrize("name", EVERY)
def test_each_indicator_is_fully_described(name: str) -> None:
    i = EVERY[name]
    assert "$" not in i.doc
    assert i.doc
    assert any("\u4e00" <= c <= "\u9fff" for c in i.zh)
    assert i.policy.startswith(("SAMR", "SC", "HB"))
    assert i.unit
    assert i.group
    assert i.monotone == {"raises": 1, "lowers": -1, "either": 0}[i.direction]


@pytest.mark.parametrize("name", EVERY)
def test_aggregates_read_only_columns_of_their_table(name: str) -> None:
    for a in EVERY[name].formula.parts:
        assert "$" not in a.sql
        if a.table not in TABLES:
            continue
        columns = {c.name for c in sqlglot.parse_one(a.sql, dialect="duckdb").find_all(exp.Column) if c.table != "c"}
        assert columns <= set(TABLES[a.table].column_names)


def test_every_table_of_the_contract_is_read_by_some_indicator() -> None:
    every = [*CATALOGUE.values(), *of_province("chicago_table").values()]  # what a place's map tells, it alone reads
    assert {table for i in every for table in tables_read(i.formula.parts)} == set(TABLES)


def test_relations_and_their_bases_are_the_same_list() -> None:
    assert set(RELATIONS) == set(BASES)


def test_names_are_unique_and_a_wrong_one_is_answered_with_similar_ones() -> None:
    with pytest.raises(CatalogueError, match="penalties_3y"):
        lookup("penalties_4y")


def test_each_display_name_is_short_plain_and_its_own() -> None:
    every = with_sector(load_sector("hebei", "food"), peers=True)
    for names in ([i.en for i in every.values()], [i.zh for i in every.values()]):
        assert len(set(names)) == len(every)
    for name, i in every.items():
        assert 4 <= len(i.en) <= 90, name
        assert "_" not in i.en, name
        assert i.en == i.en.strip().rstrip("."), name
        assert name not in i.en or name in ("revenue", "listed"), name


def test_a_display_name_that_another_indicator_has_is_refused() -> None:
    with pytest.raises(CatalogueError, match="twin: penalties_3y has one of its display names already"):

        @indicator(
            "regulatory",
            "penalties",
            "近三年行政处罚次数",
            "twin",
            direction="raises",
            unit="penalties",
            policy="SAMR (5)",
        )
        def twin(penalties: Rows) -> Formula:
            """Penalties again."""
            return penalties.count()


def test_better_words_in_english_change_no_hash() -> None:
    other = {name: replace(i, en="other words") for name, i in CATALOGUE.items()}
    assert catalogue_hash(other) == catalogue_hash(CATALOGUE)


def test_an_indicator_on_an_unknown_table_is_refused() -> None:
    def on_nothing(no_such_table: Rows) -> Formula:
        """Count nothing."""
        return no_such_table.count()

    with pytest.raises(CatalogueError, match="no_such_table"):
        indicator("basic", "g", "无", "none", direction="either", unit="u", policy="SAMR (4)")(on_nothing)


def test_the_hash_follows_the_definition() -> None:
    some = dict(list(CATALOGUE.items())[:5])
    assert catalogue_hash(some) == catalogue_hash(dict(some))
    assert catalogue_hash(some) != catalogue_hash(dict(list(CATALOGUE.items())[:4]))


def test_every_threshold_stands_in_some_indicator_and_its_number_reaches_the_sql() -> None:
    used = {name for i in CATALOGUE.values() for name in i.thresholds}
    assert used == set(Thresholds.model_fields)
    policy = features_policy("hebei")
    for name in used:
        other = policy.thresholds.model_copy(update={name: getattr(policy.thresholds, name) + 1})
        changed = catalogue_of(policy.model_copy(update={"thresholds": other}))
        assert {n for n in CATALOGUE if changed[n].formula != EVERY[n].formula} == {
            n for n, i in CATALOGUE.items() if name in i.thresholds
        }


def test_an_unknown_threshold_is_refused_when_it_is_declared() -> None:
    def with_unknown(penalties: Rows) -> Formula:
        """More than $many_penalties."""
        return penalties.count()

    with pytest.raises(CatalogueError, match="many_penalties"):
        indicator("regulatory", "penalties", "无", "none", direction="either", unit="u", policy="SAMR (4)")(
            with_unknown
        )


def test_what_a_relation_looks_into_is_named_by_its_columns_or_kinds() -> None:
    for relation, words in LOOKS_INTO.items():
        columns = {c.split()[0] for c in POPULATION[relation].split(", ")}
        kinds = {word for i in CATALOGUE.values() for a in i.formula.parts if a.table == relation for word in words
                 if f"'{word}'" in a.sql}  # fmt: skip
        assert set(words) == (columns & set(words)) | kinds


def test_a_sector_changes_the_hash_and_only_its_own() -> None:
    food = load_sector("hebei", "food")
    assert catalogue_hash(with_sector(None)) == catalogue_hash(CATALOGUE)
    assert catalogue_hash(with_sector(food)) != catalogue_hash(CATALOGUE)
    assert not set(food.catalogue) & set(CATALOGUE)
    assert list(with_sector(food))[: len(CATALOGUE)] == list(CATALOGUE)


def test_recent_peer_rates_are_no_part_of_a_catalogue_that_does_not_ask_for_them() -> None:
    assert not set(RECENT) & set(CATALOGUE)
    assert catalogue_for(["penalties_3y"], "hebei") == CATALOGUE
    asked = catalogue_for(["penalties_3y", "recent_own_ratio_30d"], "hebei")
    assert list(asked) == [*CATALOGUE, *RECENT]
    assert catalogue_hash(asked) != catalogue_hash(CATALOGUE)
    policy = features_policy("hebei")
    assert "recent" not in plan(features=policy).wanted
    assert "recent" in plan(features=policy, peers=True).wanted
    assert "recent" in plan(["recent_own_ratio_30d"], features=policy).wanted
