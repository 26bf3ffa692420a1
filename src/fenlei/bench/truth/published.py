"""Published aggregates beside those of a simulated province: ``fenlei bench published``."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
from pydantic import Field, model_validator
from rich.table import Table

from features.errors import WrongKey
from features.policy import Policy, load_policy
from features.scope import Scope


class Figure(Policy):
    """One published or assumed aggregate, its tolerance and where it comes from."""

    key: str
    title: str
    published: float
    low: float
    high: float
    source: str = Field(pattern=r"\[[SK]\]")

    @model_validator(mode="after")
    def _lies_within(self) -> Figure:
        if not self.low <= self.published <= self.high:
            raise WrongKey(f"{self.key}: {self.published} is not between {self.low} and {self.high}", "published")
        return self


class Published(Policy):
    """``published.toml`` of a province."""

    figures: list[Figure]


@dataclass(frozen=True)
class Compared:
    """A figure and what the simulated province has instead."""

    figure: Figure
    simulated: float

    @property
    def within(self) -> bool:
        """Whether the simulated value lies within the stated tolerance."""
        return self.figure.low <= self.simulated <= self.figure.high


def compare(folder: Path, end: date, *, province: str = "demo", rules: str = "hebei") -> list[Compared]:
    """Measure a simulated folder and set each figure beside the published one.

    Parameters
    ----------
    folder
        What `simulation.simulate` wrote; its truth lies beside it.
    end
        First day after its history.
    province, rules
        Whose ``published.toml``, and whose scorecard makes the classes.
    """
    found = _record_figures(folder, end) | _classes(folder, end, rules)
    return [Compared(f, found[f.key]) for f in load_policy(province, "published", Published).figures]


def render(rows: list[Compared], title: str) -> Table:
    """Return the comparison for a terminal."""
    table = Table(title=title, title_justify="left")
    for column in ("figure", "published", "simulated", "tolerance", "source"):
        table.add_column(column, justify="right" if column in ("published", "simulated") else "left")
    for row in rows:
        f = row.figure
        shown = shown_value(row.simulated, f) + ("" if row.within else " (outside)")
        tolerance = f"{shown_value(f.low, f)} to {shown_value(f.high, f)}"
        table.add_row(f.title, shown_value(f.published, f), shown, tolerance, f.source)
    return table


def shown_value(value: float, figure: Figure) -> str:
    """Return a value as read: volumes a year as numbers, the rest as shares."""
    return f"{value:.3f}" if figure.key in ("complaints", "cases") else f"{value:.1%}"


def _record_figures(folder: Path, end: date) -> dict[str, float]:
    """Return what the records and the truth say; the last two years stand for the present."""
    latest = "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY version DESC) = 1"
    since = f"DATE '{end}' - INTERVAL 24 MONTH"
    gone = "'cancelled', 'revoked', 'moved_out'"

    def one(con: duckdb.DuckDBPyConnection, sql: str) -> float:
        [(value,)] = con.execute(sql).fetchall()
        return float(value)

    with duckdb.connect() as con:
        for name in ("inspections", "draws", "complaints", "abnormal_list", "registration", "penalties"):
            con.execute(f"CREATE VIEW {name} AS FROM '{folder / name}.parquet' {latest}")
        con.execute(f"CREATE VIEW truth AS FROM '{folder.parent / (folder.name + '_truth')}/risk.parquet'")
        # What a uniform draw would have found: each visit weighted by 1 / its draw probability.
        con.execute(
            """CREATE VIEW drawn AS SELECT 1e6 / d.probability_ppm AS w, string_split(i.result_codes, ';') AS codes
            FROM inspections i JOIN draws d ON d.record_id = i.draw_id WHERE i.result_codes IS NOT NULL
            AND NOT list_has_any(string_split(i.result_codes, ';'), ['F', '7', '9', '10', '11', '12'])"""
        )
        firm_years = one(con, f"SELECT count(*) / 12.0 FROM truth WHERE month >= {since}")
        year = end.year - 2
        out = {
            name: one(con, f"SELECT sum(w) FILTER (list_contains(codes, '{code}')) / sum(w) FROM drawn")
            for name, code in (("nothing_found", "1"), ("not_contactable", "6"), ("false_information", "C"))
        }
        out["refused"] = one(con, "SELECT sum(w) FILTER (list_contains(codes, '8')) / sum(w) FROM drawn")
        out["raw_draws"] = one(con, "SELECT avg((NOT list_contains(codes, '1'))::INT) FROM drawn")
        out["problem_rate"] = one(con, "SELECT avg(risk) FROM truth")
        for name, reason in (("no_annual_report", "no_annual_report"), ("listed_not_contactable", "not_contactable")):
            out[name] = one(con, f"SELECT avg((reason = '{reason}')::INT) FROM abnormal_list")
        owed = f"""SELECT count(*) FROM registration r WHERE occurred_at < DATE '{year + 1}-01-01'
            AND NOT (status IN ({gone}) AND status_since < DATE '{year + 1}-07-01')"""
        filed = f"""SELECT count(*) FROM '{folder}/annual_reports.parquet' WHERE version = 1 AND report_year = {year}
            AND occurred_at < DATE '{year + 1}-07-01'"""
        out["reporting_rate"] = one(con, f"SELECT ({filed}) / ({owed})::DOUBLE")
        con.execute(f"CREATE VIEW voiced AS SELECT * FROM complaints WHERE occurred_at >= {since}")
        out["complaints"] = one(con, "SELECT count(*) FROM voiced") / firm_years
        out["reports_share"] = one(con, "SELECT avg((complaint_kind = 'report')::INT) FROM voiced")
        out["malicious"] = one(con, "SELECT avg((outcome = 'malicious')::INT) FROM voiced WHERE outcome <> 'pending'")
        cases = f"SELECT count(*) FROM penalties WHERE authority_kind = 'market_regulation' AND occurred_at >= {since}"
        out["cases"] = one(con, cases) / firm_years
    return out


def _classes(folder: Path, end: date, rules: str) -> dict[str, float]:
    """Return the share of each class that the rules alone give at the end of the history."""
    from features.check import check_folder
    from features.table.month import read_table, write_clean_table
    from models.scoring.classify import classify_frame
    from models.scoring.rules.province import load_rules

    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        check_folder(folder, end, Path(scratch))
        table = Path(scratch) / "indicators.parquet"
        write_clean_table(Path(scratch) / "clean", end, table, Scope(rules))
        frame, _ = read_table(table)
    grades = [answer.grade for answer in classify_frame(frame, None, load_rules(rules), top=1)]
    return {f"class_{grade.lower()}": grades.count(grade) / len(grades) for grade in ("A", "B", "C", "D")}
