"""Questions to ask a service: by indicators, by id, by record, a thousand at once; and the same for MLflow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.catalogue.evidence import EVIDENCE
from features.engine.record.record import extract_context
from features.records.store import open_folder
from features.scope import Scope
from features.table.month import read_table

SINGLE, MANY, RECORDS = 200, 1_000, 20


@dataclass(frozen=True)
class Questions:
    """Bodies, in JSON.

    Parameters
    ----------
    indicators, plain
        One enterprise by its indicators, with reasons and without.
    ids, thousand
        One enterprise by its id; up to a thousand in one call.
    records
        One enterprise by its whole record.
    mlflow
        The same rows as MLflow's server takes them.
    """

    indicators: list[bytes]
    plain: list[bytes]
    ids: list[bytes]
    thousand: list[bytes]
    records: list[bytes]
    mlflow: list[bytes]


def questions(table: Path, clean: Path, province: str, names: Sequence[str]) -> Questions:
    """Make questions of the first enterprises of a table, and of their records in a clean folder.

    Parameters
    ----------
    names
        The model's indicators, which MLflow asks for.
    """
    frame, about = read_table(table)
    frame = frame.drop(columns="uscc")
    cutoff = date.fromisoformat(str(about["cutoff"]))
    ids = [str(e) for e in frame.index.get_level_values("enterprise_id")]
    asked = [_by_indicators(frame.iloc[i], ids[i], cutoff) for i in range(min(SINGLE, len(ids)))]
    rows = frame[list(names)].head(SINGLE)
    store = open_folder(clean, threads=1)
    try:
        records = extract_context(store, ids[:RECORDS], cutoff, Scope(province))
    finally:
        store.close()
    return Questions(
        indicators=[_json(one) for one in asked],
        plain=[_json({**one, "reasons": False}) for one in asked],
        ids=[_json({"enterprise_id": e}) for e in ids[:SINGLE]],
        thousand=[_json({"items": [{"enterprise_id": e} for e in ids[:MANY]]})],
        records=[
            _json(
                {
                    "enterprise_id": one.enterprise_id,
                    "cutoff": cutoff.isoformat(),
                    "record": {
                        "tables": one.tables,
                        "context": one.relations,
                        "covers_from": {name: day.isoformat() for name, day in one.covers_from.items()},
                    },
                }
            )
            for one in records
        ],
        mlflow=[
            _json({"dataframe_split": {"columns": list(names), "data": [[_or_none(v) for v in row]]}})
            for row in rows.to_numpy().tolist()
        ],
    )


def _by_indicators(row: pd.Series, enterprise: str, cutoff: date) -> dict[str, Any]:
    return {
        "enterprise_id": enterprise,
        "cutoff": cutoff.isoformat(),
        "indicators": {name: _or_none(value) for name, value in row.items() if name not in EVIDENCE},
        "evidence": {name: [r for r in row[name].split(";") if r] for name in EVIDENCE if isinstance(row[name], str)},
    }


def _or_none(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, default=str).encode()
