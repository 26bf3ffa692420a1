"""The indicator table of a month: every enterprise of the cohort, written as Parquet with where it comes from."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import CATALOGUE, catalogue_hash
from features.check import check_folder
from features.cohort import cohort
from features.engine import Progress, compute_indicators
from features.evidence import EVIDENCE
from features.manifest import read_manifest
from features.store import open_folder

META_KEY = b"fenlei"
ROW_GROUP = 16_384
"""Rows that are read to find one enterprise."""


def write_table(
    folder: Path,
    cutoff: date,
    output: Path,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Check a source folder, compute the cohort's indicators at a cut-off and write them.

    Parameters
    ----------
    folder
        Source folder of the contract; rows that break it are left out and counted.
    cutoff
        The moment; windows end before it.
    output
        Parquet file: ``enterprise_id``, ``cutoff``, ``uscc``, indicators (double) and evidence (text), sorted.
    province, known_as_of, progress
        As in `features.compute_indicators`.

    Returns
    -------
    dict
        As `write_clean_table`, with the number of rows quarantined.
    """
    # A source taken later than the cut-off is no error: what came later is clean, and simply not seen.
    taken = max(d for d in (cutoff, known_as_of, read_manifest(folder).as_of) if d is not None)
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        report = check_folder(folder, taken, Path(scratch), progress=progress)
        written = write_clean_table(
            Path(scratch) / "clean", cutoff, output, province=province, known_as_of=known_as_of, progress=progress
        )
    return {**written, "quarantined": report.totals["quarantined"]}


def write_clean_table(
    clean: Path,
    cutoff: date,
    output: Path,
    *,
    province: str = "hebei",
    known_as_of: date | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compute the cohort's indicators from a clean folder and write them; parameters as `write_table`.

    Returns
    -------
    dict
        What is also written into the file's metadata (but the path): cut-off, known_as_of, province, numbers of
        enterprises and indicators, hash of the catalogue.
    """
    everyone = cohort(clean, [cutoff], province=province, known_as_of=known_as_of)
    frame = compute_indicators(clean, everyone, province=province, known_as_of=known_as_of, progress=progress)
    codes = _codes(clean, known_as_of or cutoff)
    frame.insert(0, "uscc", frame.index.get_level_values("enterprise_id").map(codes).astype(object))
    about = {
        "cutoff": cutoff.isoformat(),
        "known_as_of": (known_as_of or cutoff).isoformat(),
        "province": province,
        "enterprises": len(frame),
        "indicators": len(CATALOGUE),
        "catalogue": catalogue_hash(CATALOGUE),
    }
    plain = frame.reset_index()
    table = pa.Table.from_pandas(plain, schema=_schema(list(plain.columns)), preserve_index=False)
    metadata = {META_KEY: json.dumps(about, sort_keys=True).encode()}
    output.parent.mkdir(parents=True, exist_ok=True)
    # A service may be reading the file: it is replaced in one step, never half written.
    fresh = output.with_name(f".{output.name}.new")
    pq.write_table(table.replace_schema_metadata(metadata), fresh, compression="zstd", row_group_size=ROW_GROUP)
    fresh.replace(output)
    return {**about, "output": str(output)}


def read_table(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read what `write_table` wrote: the frame as `features.compute_indicators` gives it, and where it comes from."""
    table = pq.read_table(path)
    about = json.loads((table.schema.metadata or {}).get(META_KEY, b"{}"))
    frame = table.to_pandas()
    frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
    return frame.set_index(["enterprise_id", "cutoff"]), about


def _schema(columns: list[str]) -> pa.Schema:
    """Types by name, so that a column without any value has its type too."""
    texts = {"enterprise_id", "uscc", *EVIDENCE}
    kinds = {name: pa.string() for name in texts} | {"cutoff": pa.date32()}
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in columns])


def _codes(clean: Path, known: date) -> dict[str, str]:
    store = open_folder(clean)
    try:
        rows = store.con.execute(
            """SELECT enterprise_id, max_by(uscc, version) FROM raw_registration
            WHERE known_at < ? AND uscc IS NOT NULL AND record_state = 'active' GROUP BY enterprise_id""",
            [known],
        ).fetchall()
    finally:
        store.close()
    return dict(rows)
