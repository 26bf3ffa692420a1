"""Rows of the ledger: the service's own answers, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import FAMILIES
from features.catalogue.declaration import GROUPS, Indicator
from features.catalogue.evidence import EVIDENCE
from models.arrays import Bools, Floats, Ints
from models.scoring.classification import GRADES
from models.scoring.columns import Scored, graded, hit, scored_by_rules
from models.scoring.overridden import NO_OVERRIDES, NONE, Overrides, override_grades, with_floors
from models.scoring.reasons.points import family_points, strongest
from models.scoring.rows import Cause
from models.scoring.rules.province import ProvinceRules
from serving.answers.fallback import by_model
from serving.current.policy import ServingPolicy
from serving.current.served import Served
from serving.ledger.moves import Answering, moved
from serving.ledger.schema import REASONS, SCHEMA, group_column

REGISTER = ("uscc", "name", "enterprise_type", "industry", "region", "previous_grade", "previous_score")
"""Columns that come from the register and from the month before, not from an answer."""


def ledger_rows(
    frame: pd.DataFrame,
    register: pa.Table,
    served: Served,
    rules: ProvinceRules,
    catalogue: Mapping[str, Indicator],
    last: Answering | None = None,
    policy: ServingPolicy | None = None,
    overrides: Overrides = NO_OVERRIDES,
) -> pa.Table:
    """Answer for every row of a frame, by the model and by the rules where it can't.

    Parameters
    ----------
    frame
        As `features.compute_indicators` gives it [n].
    register
        The columns of `REGISTER` of the same enterprises, in the same order [n].
    served, rules
        What answers; see `serving.answers.fallback.classify`, which says the same of each row as an object.
    catalogue
        The groups of the indicators.
    last
        What answered the month before, where there was one: then the register tells of its worlds, too
        (`serving.ledger.moves`).
    policy
        When the rules answer in the model's place; by default only where it can't.
    overrides
        What officials decided for single enterprises; those in force on the cut-off hold for the month (HB 8).

    Returns
    -------
    pyarrow.Table
        Of `SCHEMA`, n rows in the order of the frame.
    """
    found = by_model(frame, served, rules, policy)
    parts, order = [], []
    if found.scored is not None and found.good.any():
        some = frame.loc[found.good]
        parts.append(_answered(some, found.scored, rules, catalogue, None))
        order.append(np.flatnonzero(found.good))
    others = ~found.good
    if others.any():
        some = frame.loc[others]
        parts.append(_answered(some, scored_by_rules(some, rules), rules, catalogue, found.lost))
        order.append(np.flatnonzero(others))
    if not parts:
        return SCHEMA.empty_table()
    table = pa.concat_tables(parts)
    if len(parts) > 1:
        table = table.take(pa.array(np.argsort(np.concatenate(order), kind="stable")))
    for name in REGISTER:
        table = table.append_column(name, register.column(name))
    score = table.column("score").to_numpy()
    place = np.searchsorted(np.asarray(GRADES), table.column("computed_grade").to_numpy().astype(str))
    table = _overridden(table, place, overrides)
    told = moved(register, frame, score, place, last, (served, rules), policy)
    told["moved_class_by"] = _or_override(told["moved_class_by"], table)
    for name, cells in told.items():
        table = table.append_column(name, cells)
    return table.select(SCHEMA.names).cast(SCHEMA)


def _or_override(by: pa.Array, table: pa.Table) -> pa.Array:
    """Name the override where a class changed that the computed one did not explain."""
    changed = pc.not_equal(table.column("grade"), table.column("previous_grade")).combine_chunks()
    alone = pc.and_(pc.fill_null(changed, False), pc.is_null(by))
    told = pc.is_valid(table.column("override")).combine_chunks()
    return pc.if_else(pc.and_(alone, told), pa.scalar("override"), by)


def _overridden(table: pa.Table, computed: Ints, overrides: Overrides) -> pa.Table:
    """Lay over the computed classes what officials decided, never below a direct determination."""
    cutoffs = table.column("cutoff")
    given = np.full(table.num_rows, NONE, dtype=np.int8)
    for day in cutoffs.unique().to_pylist():
        own = pc.equal(cutoffs, pa.scalar(day)).to_numpy()
        given[own] = override_grades(table.column("enterprise_id").filter(pa.array(own)).to_pandas(), overrides, day)
    final = with_floors(computed.astype(np.int8), given, table.column("floor").to_numpy().astype(np.int8))
    columns = {"grade": _named(final, GRADES), "override": _named(np.maximum(given, 0), GRADES, given == NONE)}
    for name, cells in columns.items():
        table = table.drop_columns([name]).append_column(name, cells)
    return table


def _answered(
    frame: pd.DataFrame,
    scored: Scored,
    rules: ProvinceRules,
    catalogue: Mapping[str, Indicator],
    causes: Sequence[Cause] | None,
) -> pa.Table:
    """Return the columns that follow from one source's answers, in any order."""
    n = len(frame)
    classes = graded(scored, frame, rules)
    model = scored.probability is not None
    columns: dict[str, Any] = {
        "enterprise_id": pa.array(frame.index.get_level_values("enterprise_id"), pa.string()),
        "cutoff": pa.array(frame.index.get_level_values("cutoff"), pa.date32()),
        "covered": _all(True, n, pa.bool_()),
        "grade": _named(classes.grade, GRADES),
        "computed_grade": _named(classes.grade, GRADES),
        "floor": classes.floor,
        "score": scored.score,
        "score_grade": _named(classes.score_grade, GRADES),
        "source": _all("model" if model else "rules", n),
        "fallback": pa.nulls(n, pa.string()) if causes is None else pa.array([c.why for c in causes], pa.string()),
        "fallback_code": pa.nulls(n, pa.string())
        if causes is None
        else pa.array([c.code for c in causes], pa.string()),
        "probability": scored.probability if scored.probability is not None else pa.nulls(n, pa.float64()),
        "insufficient": classes.insufficient,
        "unknown": scored.unknown.sum(axis=1).astype(np.int32),
        "base_score": np.full(n, scored.base_score),
        "points_limit": scored.limit,
        "model": _all(scored.versions["model"], n),
        "registered": _all(scored.versions.get("registered"), n),
        "policy": _all(scored.versions["policy"], n),
        "override": pa.nulls(n, pa.string()),
    }
    low, high = scored.interval or (None, None)
    columns |= {"probability_low": _or_null(low, n), "probability_high": _or_null(high, n)}
    columns |= _points(scored, catalogue)
    columns |= _reasons(scored)
    columns |= _determined(frame, rules)
    table = pa.table(columns)
    for name in SCHEMA.names:
        if name not in columns and name not in REGISTER and not name.startswith("moved_"):
            table = table.append_column(name, pa.nulls(n, SCHEMA.field(name).type))
    return table


def _all(value: Any, n: int, kind: pa.DataType | None = None) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind or pa.string()), n)


def _or_null(values: Floats | None, n: int) -> pa.Array:
    return pa.nulls(n, pa.float64()) if values is None else pa.array(values)


def _named(places: Any, names: tuple[str, ...], null: Bools | None = None) -> pa.Array:
    """Return names by their places, null where asked."""
    coded = pa.array(np.asarray(places, dtype=np.int32), mask=null)
    return pa.DictionaryArray.from_arrays(coded, pa.array(names, pa.string())).cast(pa.string())


def _points(scored: Scored, catalogue: Mapping[str, Indicator]) -> dict[str, Floats]:
    """Sum points by family and by group; a family or group without an indicator has 0."""
    n = len(scored.score)
    names, sums = family_points(scored.points, scored.families)
    families = dict(zip(names, sums.T, strict=True))
    of = [catalogue[name].group if name in catalogue else "" for name in scored.names]
    grouped, by_group = family_points(scored.points, of)
    groups = dict(zip(grouped, by_group.T, strict=True))
    nothing = np.zeros(n)
    return {f"points_{name}": families.get(name, nothing) for name in FAMILIES} | {
        group_column(group): groups.get(group, nothing) for inner in GROUPS.values() for group in inner
    }


def _reasons(scored: Scored) -> dict[str, Any]:
    """Return the strongest indicators with their values and points; places without points are null."""
    best = strongest(scored.points, REASONS)
    rows = np.arange(len(best))
    columns: dict[str, Any] = {}
    for k in range(1, REASONS + 1):
        if k > best.shape[1]:
            none = np.ones(len(best), dtype=np.bool_)
            at = np.zeros(len(best), dtype=np.intp)
        else:
            at = best[:, k - 1]
            none = scored.points[rows, at] == 0
        value = scored.inputs[rows, at]
        columns[f"reason_{k}"] = _named(at, scored.names, none)
        columns[f"reason_{k}_value"] = pa.array(value, mask=none | np.isnan(value))
        columns[f"reason_{k}_points"] = pa.array(scored.points[rows, at], mask=none)
    return columns


def _determined(frame: pd.DataFrame, rules: ProvinceRules) -> dict[str, Any]:
    """Return the direct rules that were hit, D before C, and the evidence as it stands."""
    evidence: dict[str, Any] = {}
    for name in EVIDENCE:
        cells = frame[name].to_numpy(dtype=object) if name in frame.columns else np.full(len(frame), None)
        evidence[name] = pa.array(cells, pa.string(), from_pandas=True)
    looked_at = [rule for rule in rules.determinations.active if rule.column in frame.columns]
    bits = np.zeros(len(frame), dtype=np.int64)
    for k, rule in enumerate(looked_at):
        bits |= hit(frame[rule.column]).astype(np.int64) << k
    patterns, which = np.unique(bits, return_inverse=True)
    names = [";".join(rule.id for k, rule in enumerate(looked_at) if bit >> k & 1) for bit in patterns.tolist()]
    return evidence | {"determinations": _named(which.ravel(), tuple(names))}
