"""Moves: why a score and a class changed since the month before, for everyone, in parts that sum to the change.

An enterprise is scored in a chain of worlds, in the order of `models.scoring.reasons.changes`: last month as published;
time passed; known records corrected; new records; the model; the policies. The worlds between are computed from the
records, by the same indicators; only the score and the class of each are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.check.reading import literal
from features.engine.choice import run_engine
from features.engine.duckdb_engine import Progress
from features.records.store import connect
from features.scope import Scope
from models.arrays import Bools, Floats, Ints
from models.scoring.columns import classes_of
from models.scoring.reasons.changes import CAUSES, split
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import TENTHS
from serving.current.policy import ServingPolicy
from serving.current.ready import unfit
from serving.current.served import Served

WORLDS = ("aged", "corrected")
"""Worlds between the two months that are computed from the records."""

Answering = tuple[Served, ProvinceRules]
"""What answers a month."""

CHUNK = 131_072
"""Enterprises scored at a time."""


def standing(
    frame: pd.DataFrame, served: Served, rules: ProvinceRules, policy: ServingPolicy | None = None
) -> tuple[Floats, Ints]:
    """Return published scores and classes of rows, the rules answering where the model can't; nothing else of them."""
    model = served.model
    good = np.zeros(len(frame), dtype=np.bool_)
    score = np.zeros(len(frame))
    grade = np.zeros(len(frame), dtype=np.int64)
    if model is not None:
        inputs = model.read(frame)
        good = np.ones(len(frame), dtype=np.bool_)
        good[list(unfit(model, inputs, policy or ServingPolicy()))] = False
        good[good] = _scored(model, inputs[good], frame.loc[good], rules, score, grade, np.flatnonzero(good))
    if not good.all():
        others = frame.loc[~good]
        found = rules.scorecard.evaluate(others)
        score[~good] = found.score
        grade[~good] = classes_of(found.score, found.missing, others, rules).grade
    return score, grade


def _scored(
    model: RiskModel,
    inputs: Floats,
    frame: pd.DataFrame,
    rules: ProvinceRules,
    score: Floats,
    grade: Ints,
    at: Ints,
) -> Bools:
    """Put the model's scores and classes at their places, and tell which rows got a finite margin."""
    margin = model.margin(inputs)
    finite = np.isfinite(margin)
    told = np.round(model.score(margin[finite]), 1)
    score[at[finite]] = told
    grade[at[finite]] = classes_of(told, np.isnan(inputs[finite]), frame.loc[finite], rules).grade
    return np.asarray(finite)


@dataclass(frozen=True)
class Between:
    """Two months and what is between them.

    Parameters
    ----------
    clean
        The clean records.
    before, after
        Their cut-offs.
    scope
        Of the later month.
    served, rules
        What answered the month before.
    policy
        When the rules answer in the model's place.
    """

    clean: Path
    before: date
    after: date
    scope: Scope
    served: Served
    rules: ProvinceRules
    policy: ServingPolicy | None = None

    def write(
        self, world: str, both: str, out: Path, say: Progress, *, engine: str, master: str | None, memory: str | None
    ) -> None:
        """Write score and class of enterprises in one world.

        Parameters
        ----------
        world
            One of `WORLDS`.
        both
            SQL of the enterprises that are in both months, column ``enterprise_id``.
        out
            Parquet file, written in one step: enterprise_id, score, grade (0 for A to 3 for D), sorted.
        say, engine, master, memory
            As `features.table.month.write_table`.
        """
        with connect() as con:
            pairs = con.sql(f"SELECT enterprise_id FROM {both} ORDER BY 1").df()
        pairs["cutoff"] = self.after
        known = self.before if world == "aged" else self.scope.known_as_of
        records = self.before if world == "corrected" else None
        parts = []
        scope = replace(self.scope, known_as_of=known)
        with run_engine(engine, self.clean, memory=memory, master=master, records_before=records) as (_, batches):
            for table in batches(pairs, scope, progress=lambda step: say(f"{world}: {step}"), part=CHUNK):
                frame = table.to_pandas(split_blocks=True, self_destruct=True, date_as_object=True)
                score, grade = standing(
                    frame.set_index(["enterprise_id", "cutoff"]), self.served, self.rules, self.policy
                )
                parts.append(pa.table({"enterprise_id": frame["enterprise_id"], "score": score, "grade": grade}))
        fresh = out.with_name(f".{out.name}.new")
        pq.write_table(pa.concat_tables(parts) if parts else _NONE.empty_table(), fresh, compression="zstd")
        fresh.replace(out)


_NONE = pa.schema([("enterprise_id", pa.string()), ("score", pa.float64()), ("grade", pa.int64())])


def both_months(table: Path, previous: str) -> str:
    """Return SQL of the enterprises that are in an indicator table and in the latest rows of the month before."""
    return f"(SELECT enterprise_id FROM read_parquet({literal(str(table))}) SEMI JOIN {previous} USING (enterprise_id))"


def moved(
    register: pa.Table,
    frame: pd.DataFrame,
    score: Floats,
    grade: Ints,
    last: Answering | None,
    now: Answering,
    policy: ServingPolicy | None = None,
) -> dict[str, pa.Array]:
    """Split the change of each row since the month before.

    Parameters
    ----------
    register
        ``<world>_score`` and ``<world>_place`` of the month before, as published ("previous"), and of each of `WORLDS`;
        null where the enterprise was not in the month before [n].
    frame
        The month's indicators and evidence [n].
    score, grade
        The month's published scores, and the classes before overrides [n].
    last, now
        What answered the month before, and what answers this one; None where there was none before.
    policy
        When the rules answer in the model's place.

    Returns
    -------
    dict
        ``moved_<cause>`` for each of `CAUSES`, points, and ``moved_class_by``: the last cause at which the class moved;
        null where there is nothing to tell.
    """
    n = len(frame)
    names = [f"{world}_{what}" for world in ("previous", *WORLDS) for what in ("score", "place")]
    columns: dict[str, pa.Array] = {f"moved_{cause}": pa.nulls(n, pa.float64()) for cause in CAUSES}
    columns["moved_class_by"] = pa.nulls(n, pa.string())
    if last is None or not set(names) <= set(register.column_names):
        return columns
    cells = register.select(names).to_pandas()
    there = cells.notna().all(axis=1).to_numpy()
    if not there.any():
        return columns
    at = np.flatnonzero(there)
    scores = [cells.loc[there, f"{w}_score"].to_numpy(np.float64) for w in ("previous", *WORLDS)]
    grades = [cells.loc[there, f"{w}_place"].to_numpy(np.int64) for w in ("previous", *WORLDS)]
    ends = (score[at], np.asarray(grade[at], dtype=np.int64))
    same = _alike(last, now)
    # Where model and policies are those of the month before, what is new in the records is all that is left.
    own = frame.iloc[at]
    others = ((last[0], last[1]), (now[0], last[1]))
    for world in (ends, ends) if same else (standing(own, *pair, policy) for pair in others):
        scores.append(world[0])
        grades.append(world[1])
    found = split([*scores, ends[0]], [*grades, ends[1]])
    for k, cause in enumerate(CAUSES):
        cells_of = np.full(n, np.nan)
        cells_of[at] = found.tenths[:, k] / TENTHS
        columns[f"moved_{cause}"] = pa.array(cells_of, mask=~there)
    steps = found.steps != 0
    final = len(CAUSES) - 1 - np.argmax(steps[:, ::-1], axis=1)
    by = np.full(n, -1)
    by[at] = np.where(steps.any(axis=1), final, -1)
    coded = pa.array(by.astype(np.int32), mask=by < 0)
    columns["moved_class_by"] = pa.DictionaryArray.from_arrays(coded, pa.array(CAUSES)).cast(pa.string())
    return columns


def _alike(last: Answering, now: Answering) -> bool:
    versions = [None if served.model is None else served.model.content_hash for served, _ in (last, now)]
    return versions[0] == versions[1] and last[1].version == now[1].version
