"""Baseline of the engine: the same indicators as a competent data scientist writes them in pandas.

A table at a time: ``read_parquet`` of the needed columns with nullable types, the latest known version by
``sort_values`` and ``drop_duplicates``, vectorised conditions as columns, one ``groupby(...).agg(...)`` with a named
aggregation for each number, ``reindex`` to the cohort, then arithmetic on columns. No loop over rows, no function
called once a group. `fenlei.bench.speed.pandas_rival` goes on from here with numpy by hand; this one does not.

The expressions are those of the catalogue, read by sqlglot, so that what is compared is what the catalogue says
today. Relations that other enterprises make are left out on both sides.
"""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import sqlglot
from sqlglot import exp

from features.catalogue.expressions import Aggregate, Window
from features.catalogue.relations import BASES
from features.contract import TABLES
from features.contract.manifest import read_manifest
from features.engine.plan import Plan, plan
from features.policies import OutcomesPolicy, features_policy, outcomes_policy

_KEYS = ("record_id", "version", "enterprise_id", "occurred_at", "known_at", "record_state")
_COMPARE: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.GTE: operator.ge, exp.GT: operator.gt, exp.LTE: operator.le, exp.LT: operator.lt,
    exp.EQ: operator.eq, exp.NEQ: operator.ne,
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.Add: operator.add,
    exp.Mul: operator.mul,
    exp.Div: operator.truediv,
    exp.IntDiv: operator.floordiv,
}


class Columns:
    """Evaluates expressions of the catalogue over the columns of a frame; nulls are as in SQL.

    Parameters
    ----------
    frame
        Nullable columns, days as datetime64.
    cutoff, outcomes
        What ``c.cutoff``, ``c.from_…`` and ``violation`` mean.
    """

    def __init__(self, frame: pd.DataFrame, cutoff: date, outcomes: OutcomesPolicy) -> None:
        self._frame, self._cutoff, self._outcomes = frame, pd.Timestamp(cutoff), outcomes
        self._known: dict[str, Any] = {}

    def __call__(self, node: exp.Expr) -> Any:
        """Return a column, or one value where the expression reads none; what was computed once is kept."""
        text = node.sql()
        if text not in self._known:
            self._known[text] = self._value(node)
        return self._known[text]

    def _value(self, node: exp.Expr) -> Any:
        if isinstance(node, exp.Paren):
            return self(node.this)
        if isinstance(node, exp.Cast):
            return self._cast(node)
        if isinstance(node, exp.Literal):
            return node.name if node.is_string else float(node.name) if "." in node.name else int(node.name)
        if isinstance(node, exp.Null):
            return pd.NA
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Is):
            return self(node.this).isna().astype("boolean")
        if isinstance(node, exp.Not):
            return ~self(node.this)
        if isinstance(node, exp.Neg):
            return -self(node.this)
        if isinstance(node, exp.And):
            return self(node.this) & self(node.expression)
        if isinstance(node, exp.Or):
            return self(node.this) | self(node.expression)
        if type(node) in _COMPARE:
            return self._compared(node)
        if isinstance(node, exp.Add) and isinstance(self(node.this), pd.Timestamp):
            return self(node.this) + pd.Timedelta(days=self(node.expression))
        if type(node) in _ARITHMETIC:
            return _ARITHMETIC[type(node)](self(node.this), self(node.expression))
        if isinstance(node, exp.Sub):
            difference = self(node.this) - self(node.expression)
            days = isinstance(difference, pd.Series) and difference.dtype.kind == "m"
            return difference.dt.days.astype("Int64") if days else difference
        return self._function(node)

    def _cast(self, node: exp.Cast) -> Any:
        if isinstance(node.this, exp.Sub) and isinstance(node.this.expression, exp.Interval):
            return self._cutoff - pd.DateOffset(months=int(node.this.expression.this.name))
        value = self(node.this)
        whole = isinstance(value, pd.Series) and pd.api.types.is_bool_dtype(value.dtype)
        return value.astype("Int64") if whole else value

    def _column(self, node: exp.Column) -> Any:
        name = node.name
        if name == "violation":
            codes = self._frame["result_codes"]
            return codes.map({text: self._outcome(text) for text in codes.dropna().unique()}).astype("Int64")
        if node.table != "c":
            return self._frame[name]
        if name == "cutoff":
            return self._cutoff
        [[count, unit]] = re.findall(r"from_(\d+)([md])", name)
        return self._cutoff - _span(Window(int(count), 0) if unit == "m" else Window(0, int(count)))

    def _outcome(self, codes: str) -> int | None:
        found = set(codes.split(";"))
        if found & set(self._outcomes.violation):
            return 1
        return 0 if found <= set(self._outcomes.none) else None

    def _compared(self, node: exp.Expr) -> Any:
        sides = [self(node.this), self(node.expression)]
        found = _COMPARE[type(node)](*sides)
        missing = [s.isna() for s in sides if isinstance(s, pd.Series) and s.dtype.kind == "M"]
        for null in missing:  # a comparison with a missing day is False in pandas
            found = found.astype("boolean").mask(null)
        return found

    def _function(self, node: exp.Expr) -> Any:
        if isinstance(node, exp.In):
            column = self(node.this)
            return column.isin([e.name for e in node.expressions]).astype("boolean").mask(column.isna())
        if isinstance(node, exp.ArrayContains | exp.ArrayOverlaps):
            one = isinstance(node, exp.ArrayContains)
            parts = [node.expression.name] if one else [e.name for e in node.expression.expressions]
            return self(node.this.this).str.contains(rf"(?:^|;)(?:{'|'.join(map(re.escape, parts))})(?:;|$)")
        if isinstance(node, exp.Case):
            default = self(node.args["default"]) if node.args.get("default") else pd.NA
            for branch in reversed(node.args["ifs"]):
                default = _chosen(self(branch.this), self(branch.args["true"]), default)
            return default
        if isinstance(node, exp.Coalesce):
            found = self(node.this)
            for other in node.expressions:
                found = found.fillna(self(other))
            return found
        if isinstance(node, exp.Least | exp.Greatest):  # of one number and one column
            bound = "upper" if isinstance(node, exp.Least) else "lower"
            return self(node.expressions[0]).clip(**{bound: self(node.this)})
        if isinstance(node, exp.Year | exp.Month):
            days, part = self(node.this), "year" if isinstance(node, exp.Year) else "month"
            return getattr(days.dt, part).astype("Int64") if isinstance(days, pd.Series) else getattr(days, part)
        if isinstance(node, exp.DateFromParts):
            parts = [self(node.args[k]) for k in ("year", "month", "day")]
            if not isinstance(parts[0], pd.Series):
                return pd.Timestamp(*parts)
            return pd.to_datetime(pd.DataFrame(dict(zip(("year", "month", "day"), parts, strict=True))))
        raise NotImplementedError(f"the pipeline knows no {type(node).__name__}: {node.sql()[:80]}")


def _chosen(condition: Any, value: Any, otherwise: Any) -> Any:
    """CASE of one branch."""
    if not isinstance(condition, pd.Series):
        return value if condition else otherwise
    if not isinstance(otherwise, pd.Series):
        otherwise = pd.Series(otherwise, index=condition.index, dtype="Float64")
    return otherwise.mask(condition.fillna(False), value)


class Pipeline:
    """The pipeline over one clean folder at one cut-off; ``seconds`` says where its time went."""

    def __init__(self, clean: Path, cutoff: date, province: str) -> None:
        self._clean, self._cutoff = clean, cutoff
        self._outcomes, self._policy = outcomes_policy(province), features_policy(province)
        self.seconds = {"read": 0.0, "versions": 0.0, "conditions": 0.0, "groupby": 0.0, "formulas": 0.0}

    def _timed(self, step: str, begin: float) -> float:
        now = time.perf_counter()
        self.seconds[step] += now - begin
        return now

    def _seen(self, table: str, wanted: set[str]) -> pd.DataFrame:
        """Read a table's latest versions known before the cut-off that may be used."""
        begin = time.perf_counter()
        frame: pd.DataFrame = pd.read_parquet(
            self._clean / f"{table}.parquet",
            engine="pyarrow",
            columns=[c for c in TABLES[table].column_names if c in wanted or c in _KEYS],
            dtype_backend="numpy_nullable",
            to_pandas_kwargs={"date_as_object": False},
        )
        begin = self._timed("read", begin)
        known = frame[frame["known_at"] < pd.Timestamp(self._cutoff)]
        latest = known.sort_values("version").drop_duplicates("record_id", keep="last")
        seen: pd.DataFrame = latest[
            (latest["record_state"] == "active") & (latest["occurred_at"] < pd.Timestamp(self._cutoff))
        ]
        self._timed("versions", begin)
        return seen

    def _left_out(self) -> pd.DataFrame:
        """Records with an open objection or, by policy, a repair: ref_table and ref_record_id."""
        wanted = {"state", "ref_table", "ref_record_id"}
        objections, repairs = self._seen("objections", wanted), self._seen("repairs", wanted)
        found = [objections[objections["state"] == "open"]]
        if not self._policy.repaired_records_feed_indicators:
            found.append(repairs[repairs["state"] == "granted"])
        return pd.concat(found)[["ref_table", "ref_record_id"]]

    def run(self, cohort: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Compute the indicators of the cohort."""
        chosen, left_out = plan(names, features=self._policy), self._left_out()
        cells = {}
        for source, aggregates in chosen.wanted.items():
            table = BASES["visits"][0] if source == "visits" else source
            named = set(re.findall(r"\w+", " ".join(a.sql for a in aggregates)))
            rows = self._seen(table, named | ({"result_codes"} if source == "visits" else set()))
            begin = time.perf_counter()
            if table not in ("objections", "repairs"):
                rows = rows[~rows["record_id"].isin(left_out.loc[left_out["ref_table"] == table, "ref_record_id"])]
            if any("max_by" in a.sql for a in aggregates):
                rows = rows.sort_values(["occurred_at", "record_id"])
            self._timed("versions", begin)
            cells[source] = self._grouped(rows, aggregates).reindex(cohort["enterprise_id"])
        begin = time.perf_counter()
        found = self._formulas(chosen, cells, cohort)
        self._timed("formulas", begin)
        return found

    def _grouped(self, rows: pd.DataFrame, aggregates: list[Aggregate]) -> pd.DataFrame:
        """Make all aggregates of a table, as columns a0, a1, …, by enterprise."""
        begin = time.perf_counter()
        value = Columns(rows, self._cutoff, self._outcomes)
        columns, how = {"enterprise_id": rows["enterprise_id"]}, {}
        for k, a in enumerate(aggregates):
            columns[f"a{k}"], how[f"a{k}"] = _column_and_way(value, a.sql, rows)
        begin = self._timed("conditions", begin)
        by_enterprise = pd.DataFrame(columns).groupby("enterprise_id", sort=False)
        found = by_enterprise.agg(**{name: pd.NamedAgg(name, way) for name, way in how.items()})
        for k, a in enumerate(aggregates):
            if isinstance(_bare(a.sql), exp.Least):  # days since the last, at most so many
                most = int(_bare(a.sql).this.name)
                found[f"a{k}"] = (pd.Timestamp(self._cutoff) - found[f"a{k}"]).dt.days.clip(upper=most)
        self._timed("groupby", begin)
        return found

    def _formulas(self, chosen: Plan, cells: dict[str, pd.DataFrame], cohort: pd.DataFrame) -> pd.DataFrame:
        covers = {t: c.covers_from for t, c in read_manifest(self._clean).tables.items()}
        found = {}
        for i in chosen.indicators:
            parts = {}
            for k, a in enumerate(i.formula.parts):
                cell = cells[a.table][f"a{chosen.wanted[a.table].index(a)}"].reset_index(drop=True)
                first = covers[BASES["visits"][0] if a.table == "visits" else a.table]
                begin = pd.Timestamp(self._cutoff) - _span(a.window or Window(days=1))
                if not first or pd.Timestamp(first) > begin:
                    cell = pd.Series(pd.NA, index=cell.index, dtype="Int64")
                elif a.empty is not None:
                    cell = cell.fillna(a.empty)
                parts[f"p{k}"] = cell
            text = i.formula.template.format(*parts)
            value = Columns(pd.DataFrame(parts), self._cutoff, self._outcomes)(
                sqlglot.parse_one(text, dialect="duckdb")
            )
            found[i.name] = value.to_numpy(dtype="float64", na_value=float("nan"))
        keys = pd.MultiIndex.from_frame(cohort[["enterprise_id", "cutoff"]])
        return pd.DataFrame(found, index=keys)


def _span(window: Window) -> pd.DateOffset:
    return pd.DateOffset(months=window.months, days=window.days)


def _bare(sql: str) -> exp.Expr:
    """Parse an aggregate and take off the casts around it."""
    node = sqlglot.parse_one(sql, dialect="duckdb")
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    return node


def _column_and_way(value: Columns, sql: str, rows: pd.DataFrame) -> tuple[pd.Series[Any], str]:
    """Return the column to aggregate, missing where the filter is not met, and the name of pandas' aggregation."""
    node = _bare(sql)
    if isinstance(node, exp.Least):
        node = node.expressions[0].expression
    keep = pd.Series(True, index=rows.index)
    if isinstance(node, exp.Filter):
        keep = value(node.expression.this).fillna(False).astype(bool)
        node = node.this
    if isinstance(node, exp.Count) and not isinstance(node.this, exp.Distinct):
        return keep, "sum"
    of = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    column = value(of)
    if not isinstance(column, pd.Series):
        column = pd.Series(column, index=rows.index, dtype="Int64")
    ways: dict[type[exp.Expr], str] = {exp.Count: "nunique", exp.Sum: "sum", exp.Max: "max", exp.ArgMax: "last"}
    return column.where(keep), ways[type(node)]
