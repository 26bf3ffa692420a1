"""Published months made up for a test: rows as given, no model, no records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from serving.ledger.manifest import digest_of
from serving.ledger.place import MANIFEST, Place
from serving.ledger.read import Ledger, Month
from serving.ledger.record import Line
from serving.ledger.schema import SCHEMA


def ledger_of(root: Path, months: Mapping[str, pd.DataFrame], models: Mapping[str, str] | None = None) -> Ledger:
    """A ledger of Hebei with these rows; columns not given are null. ``models``: hash of a month's model."""
    place, made = Place(root, "hebei"), {}
    for name, rows in sorted(months.items()):
        folder = place.revision(name, 0)
        folder.mkdir(parents=True)
        full = rows.assign(covered=True).reindex(columns=SCHEMA.names).astype(object)
        table = pa.Table.from_pandas(full.where(full.notna(), None), schema=SCHEMA, preserve_index=False)
        pq.write_table(table, folder / "part-0.parquet")
        model = (models or {}).get(name, "m1")
        manifest: dict[str, Any] = {"month": name, "model": {"content_hash": model}, "policy": "p"}
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        line = Line("published", name, 0, digest_of(manifest), f"{name}-02", "", "", name)
        made[name] = Month(place, name, (line,))
    return Ledger(place, made, tuple(month.lines[0] for month in made.values()))
