"""What DuckDB says, Spark says too: every construct that the two treat differently, executed by both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from features.engine.spark.connection import SparkConnection
from features.engine.spark.dialect import DialectError, for_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GIVEN = """WITH given AS (SELECT * FROM (VALUES
    (1, 'r2', DATE '2024-01-01', CAST(7 AS BIGINT), 'A;E', TRUE),
    (1, 'r10', DATE '2024-01-01', CAST(-7 AS BIGINT), '', FALSE),
    (1, 'é', DATE '2020-02-29', CAST(NULL AS BIGINT), NULL, NULL),
    (2, 'Z', DATE '2023-12-31', CAST(9007199254740993 AS BIGINT), '1', TRUE),
    (2, 'a', DATE '2023-12-31', CAST(3 AS BIGINT), '1;1', FALSE)
) AS t(pair, record_id, occurred_at, n, codes, flag)) """

KEY = "create_sort_key(occurred_at, 'ASC NULLS LAST', record_id, 'ASC NULLS LAST')"

TRAPS = {
    "days between days": "SELECT DATE '2024-03-01' - occurred_at AS cutoff FROM (SELECT occurred_at FROM given)",
    "days since the last": "SELECT pair, least(3650, DATE '2024-03-01' - max(occurred_at)) FROM given GROUP BY pair",
    "days since the last, filtered": "SELECT pair, CAST(least(3650, CAST('2024-03-01' AS DATE)"
    " - max(occurred_at) FILTER (WHERE n > 1000)) AS BIGINT) FROM given GROUP BY pair",
    "a day and days": "SELECT occurred_at + 90 FROM given",
    "months before the end of a month": "SELECT CAST(DATE '2024-03-31' - INTERVAL 1 MONTH AS DATE),"
    " CAST(DATE '2023-03-30' - INTERVAL 13 MONTH AS DATE), CAST(occurred_at - INTERVAL 90 DAY AS DATE) FROM given",
    "a day made of numbers": "SELECT make_date(n + 2020, 6, 30) FROM given WHERE n = 3",
    "the latest, ties by record_id in the order of bytes": f"SELECT pair, max_by(n, {KEY}), max_by(record_id, {KEY}),"
    f" max_by(n, {KEY}) FILTER (WHERE n IS NOT NULL) FROM given GROUP BY pair",
    "whole division of negative and of large numbers": "SELECT n // 2, -n // 2, n // 3 * 3 FROM given",
    "division of whole numbers": "SELECT CAST(n AS DOUBLE) / 3, n / 3 FROM given",
    "sums beyond 64 bits": "SELECT CAST((sum(n)::HUGEINT * 9007199254740993) // 9007199254740993 AS BIGINT),"
    " CAST((CAST(9000000000000000 AS BIGINT)::HUGEINT * 9000000000000000 * 1000000)"
    " // (CAST(9000000000000000 AS BIGINT)::HUGEINT * 9000000000000000) AS BIGINT) FROM given",
    "a sum of many that leaves 64 bits": "SELECT CAST(sum(CAST(9000000000000000000 AS BIGINT)) // 10 AS BIGINT),"
    " CAST(least(1000000000000000000, coalesce(sum(n * 900), 0)) AS BIGINT) FROM given",
    "sums of nothing": "SELECT sum(n) FILTER (WHERE pair > 9), max(n) FILTER (WHERE pair > 9),"
    " count(*) FILTER (WHERE pair > 9), count(DISTINCT record_id) FILTER (WHERE flag), count(DISTINCT n) FROM given",
    "nulls in least and greatest": "SELECT least(3650, n), greatest(0, n) FROM given",
    "a code in a list": "SELECT list_contains(string_split(codes, ';'), 'E'),"
    " list_contains(string_split(codes, ';'), '') FROM given",
    "any of a list": "SELECT list_has_any(string_split(codes, ';'), ['E', 'G']) FROM given",
    "all of a list": "SELECT list_has_all(['1'], string_split(codes, ';')),"
    " list_has_all(['A', 'E'], string_split(codes, ';')) FROM given",
    "text joined in the order of bytes": "SELECT pair,"
    " string_agg(record_id, ';' ORDER BY record_id) FILTER (WHERE n IS NOT NULL),"
    " string_agg(record_id, ';' ORDER BY record_id) FILTER (WHERE pair > 9) FROM given GROUP BY pair",
    "nothing joined to text": "SELECT codes || '|' || record_id FROM given",
    "the one list of a group": "SELECT pair, any_value([n, 1]) FILTER (WHERE record_id = 'Z'),"
    " (any_value([CAST(1 AS BIGINT), n]) FILTER (WHERE record_id = 'a'))[2] FROM given GROUP BY pair",
    "grouped by all, joined by name": "SELECT pair, a.n, b.k"
    " FROM (SELECT pair, count(*) AS n FROM given GROUP BY ALL) a"
    " JOIN (SELECT pair, max(n) AS k FROM given GROUP BY ALL) b USING (pair)",
    "all columns but some": "SELECT r.* EXCLUDE (n, codes) FROM given r",
    "text between texts": "SELECT record_id FROM given WHERE record_id BETWEEN 'Z' AND 'r2'",
    "never in a null": "SELECT record_id FROM given WHERE codes NOT IN ('1') OR flag",
    "one of two cases": "SELECT CASE pair WHEN 1 THEN codes WHEN 2 THEN record_id END, CAST(flag AS BIGINT) FROM given",
    "a set less another": "SELECT record_id FROM given INTERSECT SELECT record_id FROM given WHERE pair = 2",
    "whether there is none": "SELECT record_id FROM given a WHERE NOT EXISTS (SELECT 1 FROM given b"
    " WHERE b.codes = a.codes AND b.record_id <> a.record_id)",
}


def ordered(rows: list[tuple[object, ...]]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.parametrize("trap", TRAPS)
def test_both_engines_say_the_same(spark: SparkSession, trap: str, tmp_path: Path) -> None:
    sql = GIVEN + TRAPS[trap]
    expected = duckdb.execute(sql).fetchall()
    assert expected
    found = SparkConnection(spark, tmp_path).execute(sql).fetchall()
    assert ordered(found) == ordered(expected)


def test_an_order_that_a_struct_does_not_have_is_refused() -> None:
    with pytest.raises(DialectError, match="DESC"):
        for_spark("SELECT create_sort_key(a, 'DESC NULLS LAST')")


@pytest.mark.parametrize("sql", ["DROP TABLE cohort", "INSERT INTO a SELECT 1", "CREATE TABLE a (b INTEGER)"])
def test_only_what_reads_is_translated(sql: str) -> None:
    with pytest.raises(DialectError, match="on Spark, not"):
        for_spark(sql)


def test_a_table_may_be_made_from_the_one_it_replaces(spark: SparkSession, tmp_path: Path) -> None:
    con = SparkConnection(spark, tmp_path)
    con.execute("CREATE OR REPLACE TABLE twice AS SELECT 1 AS n")
    con.execute("CREATE OR REPLACE TABLE twice AS SELECT n + 1 AS n FROM twice")
    assert con.sql("SELECT n FROM twice").fetchall() == [(2,)]
