"""The current indicator table, as ``fenlei features`` wrote it: the service reads one enterprise at a time.

The table is checked here; its rows are read from what `serving.current.rows` keeps beside it, so that the service needs
no memory for a whole province and a month is swapped whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalogue import Indicator, catalogue_hash, of_province
from features.catalogue.evidence import EVIDENCE
from features.errors import SourceError
from features.table.month import table_policies
from features.table.replacing import META_KEY
from models.scoring.rows import Rows
from serving.current.files import Signature, signature
from serving.current.rows import RowStore, rows_of_table


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
    store
        Its rows, in the order of `known_of`: what the table lacks is unknown.
    """

    path: Path
    signature: Signature
    cutoff: date
    rows: int
    policies: str
    store: RowStore

    @classmethod
    def open(cls, path: Path, province: str, home: Path | None = None) -> CurrentTable:
        """Open and check a table; ``home`` is where its rows are kept, beside it by default.

        Raises
        ------
        SourceError
            If the file is missing, unreadable, or of another province, catalogue, policies or more than one cut-off; or
            its rows can't be kept.
        """
        seen = signature(path)
        if seen is None:
            raise SourceError(f"indicator table {path} does not exist; write it with `fenlei features`")
        try:
            with pq.ParquetFile(path) as file:
                schema = file.schema_arrow
                about = json.loads((schema.metadata or {})[META_KEY])
                days = pc.min_max(file.read(["cutoff"])["cutoff"]) if "cutoff" in schema.names else None
        except (pa.ArrowException, OSError, KeyError, ValueError) as err:
            raise SourceError(f"{path} is no indicator table of `fenlei features`: {err}") from err
        catalogues = (of_province(province), known_of(province))
        held = {catalogue_hash(c): c for c in catalogues}.get(str(about.get("catalogue")))
        columns = (*(held or ()), *EVIDENCE)
        lost = [name for name in ("enterprise_id", "cutoff", "uscc", *columns) if name not in schema.names]
        if lost or held is None or days is None:
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
        first, last = days["min"].as_py(), days["max"].as_py()
        if not isinstance(first, date) or first != last:
            raise SourceError(f"indicator table {path} must hold one cut-off, found {first} to {last}")
        store = rows_of_table(path, list(known_of(province)), home)
        return cls(path, seen, first, store.rows, policies, store)

    def places_of(self, code: str) -> list[int]:
        """Return the rows of the enterprises registered under a code, spelled as `features.contract.uscc.repair`
        does."""
        return self.store.places_with(code)

    def rows_at(self, places: Sequence[int]) -> Rows:
        """Return rows, in the order of their places.

        Raises
        ------
        SourceError
            If the rows can't be read any more.
        """
        lines = [self.store.line(place) for place in places]
        return Rows(
            [line.enterprise_id for line in lines],
            [self.cutoff] * len(lines),
            self.store.values(places),
            [line.evidence for line in lines],
        )
