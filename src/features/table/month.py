"""Indicator table of a month: every enterprise of the cohort, written as Parquet with its provenance."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import catalogue_hash, with_sector
from features.catalogue.evidence import EVIDENCE
from features.catalogue.sectors import own_of, sector_policy_name
from features.check import check_folder, check_required
from features.contract.manifest import read_manifest
from features.engine.choice import check_engine, run_engine
from features.engine.duckdb_engine import Progress
from features.errors import SourceError
from features.places import check_apart
from features.policies import cohort_policy, features_policy, outcomes_policy, table_policy
from features.policy import policy_hash
from features.population.cohort import cohort
from features.population.groups import groups_policy
from features.records.connection import Opened
from features.records.moments import check_day
from features.scope import Scope
from features.table.comparisons import comparison_paths, reasons_policy, write_comparisons
from features.table.quality import quality_path, write_quality
from features.table.replacing import META_KEY, CohortError, check_cohort, check_table_place

ROW_GROUP = 16_384
"""Rows that are read to find one enterprise."""
PART = {"duckdb": 24 * ROW_GROUP, "spark": 6 * ROW_GROUP}
"""Enterprises taken from an engine at a time; whole row groups, so that the file does not depend on it."""


def write_table(
    folder: Path,
    cutoff: date,
    output: Path,
    scope: Scope,
    *,
    progress: Progress | None = None,
    memory: str | None = None,
    engine: str = "duckdb",
    master: str | None = None,
    accept_fall: bool = False,
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
    scope
        Whose policies hold and what is known; all indicators are written. With a sector, its enterprises alone, the
        general indicators and its own behind them; with ``peers``, recent peer rates between these.
    progress, memory
        As in `features.compute_indicators`.
    engine, master
        As in `features.engine.choice.run_engine`; the table is the same.
    accept_fall
        Replace an older table also by one with far fewer enterprises; see `features.table.replacing.check_cohort`.

    Returns
    -------
    dict
        As `write_clean_table`, with the number of rows quarantined and what was left out for its name.

    Raises
    ------
    ConfigError
        If the table can't be written there, or the cut-off is after the day of the records or before they begin.
    SourceError
        If the source can't be read, or its register has no usable row.
    CohortError
        If the cohort is empty or fell too far; an older table stays.
    """
    check_engine(engine, master)
    check_apart(output, folder)
    check_table_place(output)
    check_policies(scope)
    as_of = read_manifest(folder).as_of
    for what, day in (("cut-off", cutoff), ("known-as-of", scope.known_as_of)):
        if day is not None:
            check_day(what, day, as_of, folder)
    # A source taken later than the cut-off is no error: what came later is clean, and simply not seen. A source that
    # does not say its day is the caller's, as `fenlei check --as-of` is.
    taken = as_of or max(cutoff, scope.known_as_of or cutoff)
    with tempfile.TemporaryDirectory(prefix="fenlei-") as scratch:
        report = check_folder(folder, taken, Path(scratch), progress=progress)
        check_required(report, folder)
        try:
            written = write_clean_table(
                Path(scratch) / "clean",
                cutoff,
                output,
                scope,
                progress=progress,
                memory=memory,
                engine=engine,
                master=master,
                accept_fall=accept_fall,
            )
        except CohortError as err:
            raise CohortError(f"{err}. {folder}: {report.tables['registration'].fate}") from err
    misnamed = [f"{w.table}: {w.text}" if w.table else w.text for w in report.misnamed]
    return {**written, "quarantined": report.totals["quarantined"], "misnamed": misnamed}


def write_clean_table(
    clean: Path,
    cutoff: date,
    output: Path,
    scope: Scope,
    *,
    progress: Progress | None = None,
    memory: str | None = None,
    engine: str = "duckdb",
    master: str | None = None,
    accept_fall: bool = False,
    records_before: date | None = None,
) -> dict[str, Any]:
    """Compute the cohort's indicators from a clean folder and write them; parameters as `write_table`.

    ``records_before`` as in `features.records.store.open_folder`: a table of corrections alone, for
    `features.table.between`; it says so in its metadata.

    Returns
    -------
    dict
        What is also written into the file's metadata (but the paths): cut-off, known_as_of, province, numbers of
        enterprises and indicators, the sector where there is one, hashes of the catalogue and of `table_policies`. What
        `features.table.quality` measures stands beside, under ``quality``, and what reasons compare a value with
        (`features.table.comparisons`).
    """
    check_table_place(output)
    known, province, sector = scope.known_as_of or cutoff, scope.province, scope.sector
    scope = replace(scope, names=None)
    catalogue = with_sector(own_of(province, sector), peers=scope.peers)
    with run_engine(engine, clean, memory=memory, master=master, records_before=records_before) as (store, batches):
        everyone = cohort(store, [cutoff], Scope(province, sector=sector))
        check_cohort(output, cutoff, len(everyone), province, accept_fall=accept_fall)
        about = {
            "cutoff": cutoff.isoformat(),
            "known_as_of": known.isoformat(),
            "province": province,
            **({"sector": sector} if sector else {}),
            **({"records_before": records_before.isoformat()} if records_before else {}),
            "enterprises": len(everyone),
            "indicators": len(catalogue),
            "catalogue": catalogue_hash(catalogue),
            "policies": table_policies(province, sector),
        }
        metadata = {META_KEY: json.dumps(about, sort_keys=True).encode()}
        schema = _schema(list(catalogue), metadata)
        output.parent.mkdir(parents=True, exist_ok=True)
        # A service may be reading the file: it is replaced in one step, never half written.
        fresh = output.with_name(f".{output.name}.new")
        found = batches(
            everyone,
            scope,
            progress=progress,
            part=PART[engine],
        )
        try:
            with pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
                for rows in found:
                    coded = rows.append_column("uscc", _codes(store, known))
                    writer.write_table(coded.select(schema.names).cast(schema), row_group_size=ROW_GROUP)
            if progress:
                progress("quality")
            write_quality(fresh, clean, store, about, catalogue).replace(quality_path(output))
            if progress:
                progress("comparisons")
            beside = write_comparisons(fresh, clean, cutoff, province, catalogue)
            for part, path in zip(beside, comparison_paths(output), strict=True):
                part.replace(path)
            fresh.replace(output)
        finally:
            fresh.unlink(missing_ok=True)  # half written, where something went wrong
            for path in (quality_path(fresh), *comparison_paths(fresh)):
                path.unlink(missing_ok=True)
    return {**about, "output": str(output), "quality": str(quality_path(output))}


def check_policies(scope: Scope) -> None:
    """Read every policy that a table rests on, before any record is.

    Raises
    ------
    ConfigError
        If one is missing or wrong, or the province has no such sector.
    """
    for load in (cohort_policy, features_policy, groups_policy, outcomes_policy, reasons_policy, table_policy):
        load(scope.province)
    own_of(scope.province, scope.sector)


def table_policies(province: str, sector: str | None = None) -> str:
    """SHA-256 over the policies that decide what an indicator table holds; stands in its metadata.

    A sector's declaration counts where there is one.

    Raises
    ------
    ConfigError
        If the province lacks one of them.
    """
    of_sector = (sector_policy_name(sector),) if sector else ()
    return policy_hash(province, "cohort", "features", "outcomes", *of_sector)


def read_table(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read what `write_table` wrote: the frame as `features.compute_indicators` gives it, and where it comes from.

    Raises
    ------
    SourceError
        If the file is missing, can't be read, or is no indicator table.
    """
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[META_KEY])
    except (pa.ArrowException, OSError, KeyError, ValueError) as err:
        raise SourceError(f"{path} is no indicator table of `fenlei features`: {err}") from err
    frame = table.to_pandas()
    frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
    return frame.set_index(["enterprise_id", "cutoff"]), about


def _schema(names: list[str], metadata: dict[bytes, bytes]) -> pa.Schema:
    """Columns of the file, with types by name, so that a column without any value has its type too."""
    keys = [("enterprise_id", pa.string()), ("cutoff", pa.date32()), ("uscc", pa.string())]
    columns = [(name, pa.float64()) for name in names] + [(name, pa.string()) for name in EVIDENCE]
    return pa.schema([*keys, *columns], metadata=metadata)


def _codes(store: Opened, known: date) -> pa.ChunkedArray:
    """Return the social credit codes of the present ``part``, in the order of its pairs."""
    rows = store.con.sql(
        f"""SELECT r.uscc FROM part c LEFT JOIN (
            SELECT enterprise_id, max_by(uscc, version) AS uscc FROM raw_registration
            WHERE known_at < DATE '{known}' AND uscc IS NOT NULL
              AND enterprise_id >= (SELECT min(enterprise_id) FROM part)
              AND enterprise_id <= (SELECT max(enterprise_id) FROM part)
            GROUP BY enterprise_id) r ON r.enterprise_id = c.enterprise_id ORDER BY c.pair"""
    )
    return rows.to_arrow_table().column("uscc")
