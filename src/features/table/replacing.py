"""Replacement of an indicator table: never by nothing, and never silently by much less."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import SourceError
from features.places import check_output
from features.policies import table_policy

META_KEY = b"fenlei"
"""Where a table's file says what it is."""


class CohortError(SourceError):
    """A cohort is empty, or so much smaller than the one it would replace that the records must be at fault."""


def check_table_place(output: Path) -> None:
    """Refuse a place that an indicator table can't be written to, or that holds something else.

    Raises
    ------
    ConfigError
        If it can't be written there, or its name is no Parquet file's.
    SourceError
        If a file is there that is no indicator table.
    """
    check_output(output, suffix=".parquet")
    replaced(output)


def replaced(output: Path) -> dict[str, Any] | None:
    """Return what the table that would be replaced says of itself, None where there is none.

    Raises
    ------
    SourceError
        If the file is no indicator table: it is somebody's, and stays.
    """
    if not output.exists() or not output.stat().st_size:
        return None
    try:
        about: dict[str, Any] = json.loads((pq.read_schema(output).metadata or {})[META_KEY])
        return {"cutoff": about["cutoff"], "enterprises": int(about["enterprises"])}
    except (pa.ArrowInvalid, OSError, KeyError, ValueError, TypeError) as err:
        raise SourceError(
            f"{output} is there and is no indicator table of `fenlei features`: name another file, or remove it"
        ) from err


def check_cohort(output: Path, cutoff: date, enterprises: int, province: str, *, accept_fall: bool = False) -> None:
    """Refuse an empty cohort, and one that fell by more than ``table.toml`` allows against the table it would replace.

    Parameters
    ----------
    output
        The table that would be replaced, or none yet.
    cutoff, enterprises, province
        Of the new cohort.
    accept_fall
        A person has looked: however much it fell, it is right. An empty one is refused all the same.

    Raises
    ------
    CohortError
        With both numbers; the older table stays.
    """
    if not enterprises:
        raise CohortError(
            f"no enterprise belongs to the cohort of {province} at {cutoff}: {output} is not written"
            + (", the table that is there stays" if output.exists() else "")
        )
    older = replaced(output)
    if older is None or accept_fall:
        return
    before, most = older["enterprises"], table_policy(province).most_lost
    if enterprises < before * (1 - most):
        raise CohortError(
            f"{output} holds {before:,} enterprises at {older['cutoff']}, the cohort at {cutoff} {enterprises:,}: "
            f"{1 - enterprises / before:.1%} fewer, and table.toml lets it lose {most:.1%}; the table stays. "
            "If the records are right, write it with --accept-fall"
        )
