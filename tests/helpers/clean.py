"""Rows in memory as a clean folder, which every engine reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from features.records.store import open_frames


def clean_folder(folder: Path, tables: Mapping[str, pd.DataFrame], covers_from: Mapping[str, date]) -> Path:
    """Write tables as `features.check` writes clean ones; return the folder."""
    folder.mkdir()
    store = open_frames(tables, covers_from)
    for name in tables:
        store.con.execute(f"COPY (SELECT * FROM raw_{name} ORDER BY ALL) TO '{folder / name}.parquet'")
    stated = {name: {"covers_from": day.isoformat()} for name, day in store.covers_from.items()}
    (folder / "manifest.json").write_text(json.dumps({"tables": stated}), encoding="utf-8")
    store.close()
    return folder
