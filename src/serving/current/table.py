"""The current indicator table, as ``fenlei features`` wrote it: the service reads one enterprise at a time.

Questions go to the Parquet file itself, sorted by enterprise, so that the service needs no memory for a whole
province; only the social credit codes are held.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import Indicator, catalogue_hash, of_province
from features.catalogue.evidence import EVIDENCE
from features.contract.uscc import repaired_sql, teach
from features.errors import SourceError
from features.table.month import table_policies
from features.table.replacing import META_KEY
from serving.current.files import Signature, signature


def known_of(province: str) -> dict[str, Indicator]:
    """Return the indicators that a request or a table may give: a province's own, and recent peer rates."""
    return of_province(province, peers=True)


def columns_of(province: str) -> tuple[str, ...]:
    """Return indicators and evidence: what every row that is classified in a province holds.

    Of a table without recent peer rates, these are unknown.
    """
    return (*known_of(province), *EVIDENCE)


@dataclass(frozen=True)
class CurrentTable:
    """An indicator table that is being served.

    Parameters
    ----------
    path, signature
        The file, and what it looked like when it was opened.
    cutoff, rows
        Its month and how many enterprises it holds.
    policies
        Hash of the policies it was made under.
    columns, answered
        Its indicators and evidence; and those that a row of it is answered with: what it lacks is unknown.
    """

    path: Path
    signature: Signature
    cutoff: date
    rows: int
    policies: str
    columns: tuple[str, ...]
    answered: tuple[str, ...]
    _con: duckdb.DuckDBPyConnection

    @classmethod
    def open(cls, path: Path, province: str) -> CurrentTable:
        """Open and check a table.

        Raises
        ------
        SourceError
            If the file is missing, unreadable, or of another province, catalogue, policies or more than one cut-off.
        """
        seen = signature(path)
        if seen is None:
            raise SourceError(f"indicator table {path} does not exist; write it with `fenlei features`")
        try:
            schema = pq.read_schema(path)
            about = json.loads((schema.metadata or {})[META_KEY])
        except (pa.ArrowInvalid, OSError, KeyError, ValueError) as err:
            raise SourceError(f"{path} is no indicator table of `fenlei features`: {err}") from err
        catalogues = (of_province(province), known_of(province))
        held = {catalogue_hash(c): c for c in catalogues}.get(str(about.get("catalogue")))
        columns = (*(held or ()), *EVIDENCE)
        lost = [name for name in ("enterprise_id", "cutoff", "uscc", *columns) if name not in schema.names]
        if lost or held is None:
            raise SourceError(
                f"indicator table {path} was made with another catalogue; write it again with `fenlei features`"
            )
        if about.get("province") != province:
            raise SourceError(f"indicator table {path} is of province {about.get('province')!r}, not {province!r}")
        policies = str(about.get("policies"))
        if policies != table_policies(province):
            raise SourceError(
                f"indicator table {path} was made under other policies than hold now; write it again with"
                " `fenlei features`"
            )
        con = duckdb.connect()
        con.execute("SET threads = 1")
        con.execute("SET autoinstall_known_extensions = false")
        teach(con)
        try:
            [(first, last, rows)] = con.execute(
                "SELECT CAST(min(cutoff) AS DATE), CAST(max(cutoff) AS DATE), count(*) FROM read_parquet(?)",
                [str(path)],
            ).fetchall()
            if not isinstance(first, date) or first != last:
                raise SourceError(f"indicator table {path} must hold one cut-off, found {first} to {last}")
            con.execute(
                # A table made before codes were mended holds them as they came.
                f"CREATE TABLE codes AS SELECT {repaired_sql('uscc')} AS code, enterprise_id FROM read_parquet(?)"
                " WHERE code IS NOT NULL ORDER BY ALL",
                [str(path)],
            )
        except duckdb.Error as err:
            con.close()
            raise SourceError(f"indicator table {path} can't be read: {err}") from err
        except SourceError:
            con.close()
            raise
        return cls(path, seen, first, int(rows), policies, columns, columns_of(province), con)

    def ids_of(self, codes: Sequence[str]) -> dict[str, list[str]]:
        """Return the enterprises registered under each code; codes not found are left out.

        Codes are spelled as `features.contract.uscc.repair` does.
        """
        out: dict[str, list[str]] = {}
        if codes:
            marks = ", ".join("?" for _ in codes)
            found = self._con.cursor().execute(
                f"SELECT code, enterprise_id FROM codes WHERE code IN ({marks}) ORDER BY ALL", list(codes)
            )
            for code, enterprise_id in found.fetchall():
                out.setdefault(code, []).append(enterprise_id)
        return out

    def rows_of(self, enterprise_ids: Sequence[str]) -> pd.DataFrame:
        """Return the rows of enterprises, sorted; index (enterprise_id, cutoff); those not found are left out.

        Raises
        ------
        SourceError
            If the file can't be read any more, for instance because it is being replaced.
        """
        marks = ", ".join("?" for _ in enterprise_ids) or "NULL"
        try:
            frame = (
                self._con.cursor()
                .execute(
                    f"SELECT enterprise_id, cutoff, {', '.join(self.columns)} FROM read_parquet(?)"
                    f" WHERE enterprise_id IN ({marks}) ORDER BY enterprise_id",
                    [str(self.path), *enterprise_ids],
                )
                .df()
            )
        except duckdb.Error as err:
            raise SourceError(f"indicator table {self.path} can't be read: {err}") from err
        frame["cutoff"] = pd.to_datetime(frame["cutoff"]).dt.date
        return frame.set_index(["enterprise_id", "cutoff"]).reindex(columns=list(self.answered))

    @property
    def changed(self) -> bool:
        """Whether the file is no longer the one that was opened."""
        return signature(self.path) != self.signature
