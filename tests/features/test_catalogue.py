"""What a reviewer reads of an indicator comes from its one definition, and its SQL means real columns."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from features.catalogue import CATALOGUE, FAMILIES, catalogue_hash, lookup
from features.contract import TABLES
from features.declare import RELATIONS, indicator
from features.errors import CatalogueError
from features.expressions import Formula, Rows
from features.relations import BASES


def test_at_least_thirty_indicators_over_all_five_families() -> None:
    assert len(CATALOGUE) >= 30
    assert {i.family for i in CATALOGUE.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_indicator_is_fully_described(name: str) -> None:
    i = CATALOGUE[name]
    assert i.doc
    assert any("\u4e00" <= c <= "\u9fff" for c in i.zh)
    assert i.policy.startswith(("SAMR", "SC", "HB"))
    assert i.unit
    assert i.group
    assert i.monotone == {"raises": 1, "lowers": -1, "either": 0}[i.direction]


@pytest.mark.parametrize("name", CATALOGUE)
def test_aggregates_read_only_columns_of_their_table(name: str) -> None:
    for a in CATALOGUE[name].formula.parts:
        if a.table not in TABLES:
            continue
        columns = {c.name for c in sqlglot.parse_one(a.sql, dialect="duckdb").find_all(exp.Column) if c.table != "c"}
        assert columns <= set(TABLES[a.table].column_names)


def test_every_table_of_the_contract_is_read_by_some_indicator() -> None:
    read = {base for i in CATALOGUE.values() for t in i.tables for base in BASES.get(t, (t,))}
    assert read == set(TABLES)


def test_relations_and_their_bases_are_the_same_list() -> None:
    assert set(RELATIONS) == set(BASES)


def test_names_are_unique_and_a_wrong_one_is_answered_with_similar_ones() -> None:
    with pytest.raises(CatalogueError, match="penalties_3y"):
        lookup("penalties_4y")


def test_an_indicator_on_an_unknown_table_is_refused() -> None:
    def on_nothing(no_such_table: Rows) -> Formula:
        """Count nothing."""
        return no_such_table.count()

    with pytest.raises(CatalogueError, match="no_such_table"):
        indicator("basic", "g", "无", direction="either", unit="u", policy="SAMR (4)")(on_nothing)


def test_the_hash_follows_the_definition() -> None:
    some = dict(list(CATALOGUE.items())[:5])
    assert catalogue_hash(some) == catalogue_hash(dict(some))
    assert catalogue_hash(some) != catalogue_hash(dict(list(CATALOGUE.items())[:4]))
