"""Stronger baseline of the engine: the same indicators in numpy tuned by hand, beyond what a data team usually does.

Only the needed columns are read, texts as categories; the latest known version is taken once a table; every
condition is one vectorised mask over the table; counts and sums are `bincount`s by the enterprise's number, latest
values one assignment of sorted rows; nothing loops over rows. The indicators' expressions are read by sqlglot and
evaluated with numpy, so that the baseline computes what the catalogue says today. Relations that other enterprises make
are left out on both sides.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from features.catalogue import CATALOGUE
from features.catalogue.relations import BASES
from features.contract import TABLES
from features.contract.manifest import read_manifest
from features.engine.plan import plan
from features.policies import OutcomesPolicy, features_policy, outcomes_policy

Values = npt.NDArray[np.float64]
"""Numbers, days since 1970 or truth values; NaN is null."""
KEYS = ("record_id", "version", "enterprise_id", "occurred_at", "known_at", "record_state")
_COMPARE: dict[type[exp.Expr], Callable[[Values, Values], Any]] = {
    exp.GTE: np.greater_equal, exp.GT: np.greater, exp.LTE: np.less_equal, exp.LT: np.less,
    exp.EQ: np.equal, exp.NEQ: np.not_equal, exp.Add: np.add, exp.Sub: np.subtract, exp.Mul: np.multiply,
    exp.IntDiv: np.floor_divide,
}  # fmt: skip


def names_compared() -> list[str]:
    """Indicators that read only an enterprise's own tables, or its visits."""
    return [n for n, i in CATALOGUE.items() if all(t in TABLES or t == "visits" for t in i.tables)]


def day(value: date) -> float:
    """Days since 1970."""
    return float((value - date(1970, 1, 1)).days)


def earlier(value: date, *, months: int = 0, days: int = 0) -> date:
    """The day some calendar months or days before."""
    return (pd.Timestamp(value) - pd.DateOffset(months=months, days=days)).date()


class Evaluator:
    """Evaluates an expression of the catalogue over all rows of a frame at once."""

    def __init__(self, frame: pd.DataFrame, cutoff: date, outcomes: OutcomesPolicy) -> None:
        self._frame, self._cutoff, self._outcomes = frame, cutoff, outcomes
        self._known: dict[str, Any] = {}

    def __call__(self, node: exp.Expr) -> Values:
        """Return one value a row; what was computed once is kept."""
        text = node.sql()
        if text not in self._known:
            self._known[text] = self._value(node)
        found: Values = self._known[text]
        return found

    def _full(self, value: float) -> Values:
        return np.full(len(self._frame), value)

    def _texts(self, column: exp.Expr, test: Callable[[str], bool]) -> Values:
        """Test the categories of a text column, then look each row's up; NaN where the text is missing."""
        cells = self._frame[column.name].cat
        hit = np.array([*(float(test(str(c))) for c in cells.categories), np.nan])
        return hit[cells.codes.to_numpy()]

    def _value(self, node: exp.Expr) -> Values:
        if isinstance(node, exp.Paren):
            return self(node.this)
        if isinstance(node, exp.Cast):
            if isinstance(node.this, exp.Sub) and isinstance(node.this.expression, exp.Interval):
                months = int(node.this.expression.this.name)
                return self._full(day(earlier(self._cutoff, months=months)))
            return self(node.this)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Literal):
            return self._full(float(node.name))
        if isinstance(node, exp.Null):
            return self._full(np.nan)
        if isinstance(node, exp.Neg):
            return -self(node.this)
        if isinstance(node, exp.Is):
            null = self._null(node.this)
            return null.astype(float)
        if isinstance(node, exp.Not):
            return 1 - self(node.this)
        if isinstance(node, exp.And | exp.Or):
            return self._logic(node)
        if type(node) in _COMPARE:
            return self._compared(node)
        return self._function(node)

    def _logic(self, node: exp.Expr) -> Values:
        a, b = self(node.this), self(node.expression)
        sure = 0.0 if isinstance(node, exp.And) else 1.0
        either: Values = np.where(
            (a == sure) | (b == sure), sure, np.where(np.isnan(a) | np.isnan(b), np.nan, 1 - sure)
        )
        return either

    def _compared(self, node: exp.Expr) -> Values:
        if isinstance(node.expression, exp.Literal) and node.expression.is_string:
            wanted, same = node.expression.name, isinstance(node, exp.EQ)
            return self._texts(node.this, lambda text: (text == wanted) == same)
        a, b = self(node.this), self(node.expression)
        found = _COMPARE[type(node)](a, b).astype(float)
        return np.where(np.isnan(a) | np.isnan(b), np.nan, found)

    def _null(self, node: exp.Expr) -> npt.NDArray[np.bool_]:
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.Column) and node.name in self._frame:
            cells = self._frame[node.name]
            if isinstance(cells.dtype, pd.CategoricalDtype):
                return np.asarray(cells.cat.codes == -1)
        return np.isnan(self(node))

    def _column(self, node: exp.Column) -> Values:
        name = node.name
        if node.table == "c":
            if name == "cutoff":
                return self._full(day(self._cutoff))
            [[count, unit]] = re.findall(r"from_(\d+)([md])", name)
            n = int(count)
            back = earlier(self._cutoff, months=n) if unit == "m" else earlier(self._cutoff, days=n)
            return self._full(day(back))
        if name == "violation":
            bad, good = set(self._outcomes.violation), set(self._outcomes.none)
            codes = exp.column("result_codes")
            violated = self._texts(codes, lambda text: bool(bad & set(text.split(";"))))
            clean = self._texts(codes, lambda text: set(text.split(";")) <= good)
            return np.where(violated == 1, 1.0, np.where(clean == 1, 0.0, np.nan))
        cells: Values = self._frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return cells

    def _function(self, node: exp.Expr) -> Values:
        if isinstance(node, exp.In):
            wanted = {e.name for e in node.expressions}
            return self._texts(node.this, lambda text: text in wanted)
        if isinstance(node, exp.ArrayContains):
            part = node.expression.name
            return self._texts(node.this.this, lambda text: part in text.split(";"))
        if isinstance(node, exp.ArrayOverlaps):
            parts = {e.name for e in node.expression.expressions}
            return self._texts(node.this.this, lambda text: bool(parts & set(text.split(";"))))
        if isinstance(node, exp.Case):
            found = self(node.args["default"]) if node.args.get("default") else self._full(np.nan)
            for branch in reversed(node.args["ifs"]):
                found = np.where(self(branch.this) == 1, self(branch.args["true"]), found)
            return found
        if isinstance(node, exp.Coalesce):
            found = self(node.this)
            for other in node.expressions:
                found = np.where(np.isnan(found), self(other), found)
            return found
        if isinstance(node, exp.Least | exp.Greatest):
            pick = np.fmin if isinstance(node, exp.Least) else np.fmax
            found = self(node.this)
            for other in node.expressions:
                found = pick(found, self(other))
            return found
        if isinstance(node, exp.Div):
            with np.errstate(all="ignore"):
                quotient: Values = self(node.this) / self(node.expression)
            return quotient
        if isinstance(node, exp.Year | exp.Month):
            days = self(node.this)
            known = ~np.isnan(days)
            months = np.where(known, days, 0).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
            part = months // 12 + 1970 if isinstance(node, exp.Year) else months % 12 + 1
            return np.where(known, part.astype(float), np.nan)
        if isinstance(node, exp.DateFromParts):
            year, month, of_month = (self(node.args[k]) for k in ("year", "month", "day"))
            known = ~np.isnan(year)
            start = ((np.where(known, year, 1970) - 1970) * 12 + month - 1).astype(np.int64).astype("datetime64[M]")
            days = start.astype("datetime64[D]").astype(np.int64).astype(float) + of_month - 1
            found = np.where(known, days, np.nan)
            return found
        raise NotImplementedError(f"the rival knows no {type(node).__name__}: {node.sql()[:80]}")


class Rival:
    """The pipeline over one clean folder at one cut-off; ``seconds`` says where its time went."""

    def __init__(self, clean: Path, cutoff: date, province: str) -> None:
        self._clean, self._cutoff = clean, cutoff
        self._outcomes, self._policy = outcomes_policy(province), features_policy(province)
        self.seconds = {"read": 0.0, "versions": 0.0, "masks": 0.0, "group": 0.0, "formulas": 0.0}

    def _timed(self, step: str, begin: float) -> float:
        now = time.perf_counter()
        self.seconds[step] += now - begin
        return now

    def _seen(self, table: str, wanted: set[str]) -> pd.DataFrame:
        """Read a table's latest versions known before the cut-off that may be used."""
        begin = time.perf_counter()
        columns = [c for c in TABLES[table].columns if c.name in wanted or c.name in KEYS]
        texts = [c.name for c in columns if c.type in ("code", "codes", "text", "uscc") and c.name not in KEYS[:3]]
        read = pq.read_table(self._clean / f"{table}.parquet", columns=[c.name for c in columns], read_dictionary=texts)
        for c in columns:
            if c.type == "date":
                read = read.set_column(read.column_names.index(c.name), c.name, read.column(c.name).cast("int32"))
            elif c.type == "bool":
                read = read.set_column(read.column_names.index(c.name), c.name, read.column(c.name).cast("int8"))
        frame = read.to_pandas()
        begin = self._timed("read", begin)
        frame = frame[frame["known_at"] < day(self._cutoff)]
        if len(frame) and frame["version"].max() > 1:
            frame = frame.sort_values("version", kind="stable").drop_duplicates("record_id", keep="last")
        usable = (frame["occurred_at"] < day(self._cutoff)) & (frame["record_state"] == "active")
        found: pd.DataFrame = frame[usable]
        self._timed("versions", begin)
        return found

    def _left_out(self) -> dict[str, set[str]]:
        """Records with an open objection or, by policy, a repair, by table."""
        found: dict[str, set[str]] = {}
        for table, state in (("objections", "open"), ("repairs", "granted")):
            if table == "repairs" and self._policy.repaired_records_feed_indicators:
                continue
            rows = self._seen(table, {"state", "ref_table", "ref_record_id"})
            rows = rows[rows["state"] == state]
            for ref, records in rows.groupby("ref_table", observed=True)["ref_record_id"]:
                found.setdefault(str(ref), set()).update(records)
        return found

    def run(self, cohort: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Compute the indicators of the cohort."""
        chosen, left_out = plan(names, features=self._policy), self._left_out()
        index = pd.Index(cohort["enterprise_id"])
        cells: dict[str, Values] = {}
        for source, aggregates in chosen.wanted.items():
            table = BASES["visits"][0] if source == "visits" else source
            wanted = set(re.findall(r"\w+", " ".join(a.sql for a in aggregates))) | {"result_codes"}
            rows = self._seen(table, wanted)
            begin = time.perf_counter()
            if table in left_out and table not in ("objections", "repairs"):
                rows = rows[~rows["record_id"].isin(left_out[table])]
            number = index.get_indexer(rows["enterprise_id"])
            rows, number = rows[number >= 0], number[number >= 0]
            begin = self._timed("versions", begin)
            if any("max_by" in a.sql for a in aggregates):
                order = np.lexsort((rows["record_id"].to_numpy(), rows["occurred_at"].to_numpy()))
                rows, number = rows.iloc[order], number[order]
            begin = self._timed("group", begin)
            value = Evaluator(rows, self._cutoff, self._outcomes)
            for k, a in enumerate(aggregates):
                cells[f"{source}_{k}"] = self._aggregate(
                    value, sqlglot.parse_one(a.sql, dialect="duckdb"), number, len(index)
                )
        begin = time.perf_counter()
        found = self._formulas(chosen, cells, cohort)
        self._timed("formulas", begin)
        return found

    def _aggregate(self, value: Evaluator, node: exp.Expr, number: npt.NDArray[np.intp], size: int) -> Values:
        while isinstance(node, exp.Cast | exp.Paren):
            node = node.this
        if isinstance(node, exp.Least):  # days since the last
            inner = node.expressions[0].expression
            last = self._aggregate(value, inner, number, size)
            return np.where(np.isnan(last), np.nan, np.minimum(float(node.this.name), day(self._cutoff) - last))
        begin = time.perf_counter()
        keep = np.ones(len(number), dtype=bool)
        if isinstance(node, exp.Filter):
            keep = value(node.expression.this) == 1
            node = node.this
        of = node.this
        if isinstance(node, exp.Count) and isinstance(of, exp.Distinct):
            raw = value._frame[of.expressions[0].name]
            distinct = raw.cat.codes if isinstance(raw.dtype, pd.CategoricalDtype) else raw
            begin = self._timed("masks", begin)
            pairs = pd.DataFrame({"n": number[keep], "v": distinct.to_numpy()[keep]}).dropna()
            pairs = pairs[pairs["v"] != -1] if isinstance(raw.dtype, pd.CategoricalDtype) else pairs
            found = np.bincount(pairs.drop_duplicates()["n"], minlength=size).astype(float)
            self._timed("group", begin)
            return found
        values = None if isinstance(node, exp.Count) else value(of)
        begin = self._timed("masks", begin)
        group = number[keep]
        if values is None:
            found = np.bincount(group, minlength=size).astype(float)
        elif isinstance(node, exp.Sum):
            found = np.bincount(group, weights=values[keep], minlength=size).astype(float)
        elif isinstance(node, exp.ArgMax):
            found = np.full(size, np.nan)
            found[group] = values[keep]  # rows are in order: the last one stays
        else:
            greatest = pd.Series(values[keep]).groupby(group).max()
            found = np.full(size, np.nan)
            found[greatest.index.to_numpy()] = greatest.to_numpy()
        self._timed("group", begin)
        return found

    def _formulas(self, chosen: Any, cells: dict[str, Values], cohort: pd.DataFrame) -> pd.DataFrame:
        covers = {t: c.covers_from for t, c in read_manifest(self._clean).tables.items()}
        value = Evaluator(cohort, self._cutoff, self._outcomes)
        found = {}
        for i in chosen.indicators:
            parts = []
            for a in i.formula.parts:
                name = f"{a.table}_{chosen.wanted[a.table].index(a)}"
                first = covers[BASES["visits"][0] if a.table == "visits" else a.table]
                since = day(self._cutoff)
                if a.window:
                    since = day(earlier(self._cutoff, months=a.window.months, days=a.window.days)) + 1
                cell = cells[name] if first and day(first) < since else np.full(len(cohort), np.nan)
                if a.empty is not None and first and day(first) < since:
                    cell = np.where(np.isnan(cell), a.empty, cell)
                parts.append(cell)
            value = Evaluator(pd.DataFrame({f"p{k}": c for k, c in enumerate(parts)}), self._cutoff, self._outcomes)
            template = i.formula.template.format(*(f"p{k}" for k in range(len(parts))))
            found[i.name] = value(sqlglot.parse_one(template, dialect="duckdb"))
        keys = pd.MultiIndex.from_frame(cohort[["enterprise_id", "cutoff"]])
        return pd.DataFrame(found, index=keys)
