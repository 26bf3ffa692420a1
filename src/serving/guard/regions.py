"""Regions: where an enterprise is, so that a token of one place does not ask about another's (HB 4, 23).

A month's table says nothing of it; a file with ``enterprise_id`` and ``region`` does, such as ``registration.parquet``
of the clean folder that the month was computed from. Where there is none, a caller's own record says it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from features.errors import SourceError
from serving.current.files import Signature, signature

if TYPE_CHECKING:
    from serving.guard.grants import Grant

log = logging.getLogger("fenlei.serving")

OUTSIDE = "this token may not ask about this enterprise, or there is none: it holds for some regions only"
"""The same whether or not there is such an enterprise."""

LOOK_SECONDS = 1.0


class Regions:
    """Where enterprises are, about 12 bytes each; a file that is replaced is read again while the old one serves.

    Parameters
    ----------
    path
        Parquet file with ``enterprise_id`` and ``region``; of several rows of an enterprise the latest version holds.
        None: nothing is known.

    Raises
    ------
    SourceError
        If the file can't be read, or has not these columns.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: Signature | None = signature(path)
        self._ids, self._codes = _read(path) if path is not None else _NOTHING
        self._looked, self._loading = time.monotonic(), threading.Lock()

    def of(self, enterprise_id: str) -> str | None:
        """Return the division code of an enterprise, None where it is not known."""
        self._look()
        ids, codes = self._ids, self._codes
        wanted = np.uint64(_hash(enterprise_id))
        at = int(np.searchsorted(ids, wanted))
        if at == len(ids) or ids[at] != wanted or codes[at] == 0:
            return None
        return f"{codes[at]:06}"

    def _look(self) -> None:
        if self._path is None or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if signature(self._path) != self._seen and self._loading.acquire(blocking=False):
            threading.Thread(target=self._load, daemon=True, name="fenlei-regions").start()

    def _load(self) -> None:
        try:
            seen = signature(self._path)
            if self._path is not None and seen is not None:
                self._ids, self._codes = _read(self._path)
                self._seen = seen
        except SourceError as err:
            log.error("the regions stay as they were: %s", err)
        finally:
            self._loading.release()


_NOTHING = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int32)


def may_ask(grant: Grant, known: str | None, rows: Sequence[Mapping[str, object]] | None, *, looked_up: bool) -> bool:
    """Tell whether a token may ask about one enterprise.

    Parameters
    ----------
    grant
        What the token allows.
    known
        Where the enterprise is as far as the service knows.
    rows
        Registrations in the caller's own record; None where no record is given.
    looked_up
        Whether the answer comes from the service's own table.

    Returns
    -------
    bool
        Where something of the service's own is told, what it knows must fit. A caller's own record is believed about an
        enterprise that is not known here: nothing of anybody else is told then. Bare indicators say nothing of where
        they are from.
    """
    if not grant.regions:
        return True
    if known is not None or looked_up:
        return grant.covers(known)
    said = [row.get("region") for row in rows or ()]
    return bool(said) and all(isinstance(region, str) and grant.covers(region) for region in said)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _read(path: Path) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint64]], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    try:
        with duckdb.connect() as con:
            rows = con.read_parquet(str(path))
            lost = {"enterprise_id", "region"} - set(rows.columns)
            if lost:
                raise SourceError(
                    f"{path}: expected the columns enterprise_id and region, {sorted(lost)[0]} is not there"
                )
            order = [name for name in ("version", "known_at", "record_id") if name in rows.columns]
            latest = f"max_by(region, ({', '.join(order)}))" if order else "max(region)"
            found = rows.aggregate(
                f"enterprise_id, coalesce(try_cast({latest} AS INTEGER), 0) AS code", "enterprise_id"
            ).to_arrow_table()
    except (duckdb.Error, OSError) as err:
        raise SourceError(f"{path}: no file of regions: {str(err).splitlines()[0]}") from err
    ids = np.fromiter((_hash(str(one)) for one in found["enterprise_id"].to_pylist()), dtype=np.uint64)
    order_of = np.argsort(ids, kind="stable")
    return ids[order_of], found["code"].to_numpy().astype(np.int32)[order_of]
