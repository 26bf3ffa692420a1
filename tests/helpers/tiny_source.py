"""A source folder of a few enterprises in CSV: what the check and the table of a month need, and nothing more."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

AS_OF = date(2026, 1, 1)
BEGIN = date(2020, 1, 1)
COLUMNS = "record_id,version,enterprise_id,occurred_at,known_at,name,enterprise_type,status\n"


def write_source(
    folder: Path, enterprises: int = 10, *, readable: int | None = None, as_of: date | None = AS_OF
) -> Path:
    """Write a register that begins on `BEGIN`; of its rows only the first ``readable`` keep the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    good = enterprises if readable is None else readable
    rows = [
        f"r{k},1,E{k},2019-06-01,{'2020-02-01' if k < good else 'spoilt'},示例公司,limited_company,active\n"
        for k in range(enterprises)
    ]
    (folder / "registration.csv").write_text(COLUMNS + "".join(rows), encoding="utf-8")
    told: dict[str, object] = {"tables": {"registration": {"covers_from": BEGIN.isoformat()}}}
    if as_of is not None:
        told |= {"as_of": as_of.isoformat()}
    (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return folder
