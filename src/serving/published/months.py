"""Months of a ledger as tables to serve: the newest published one, verified whole, with the one before behind it.

A month counts as the ledger's record says (`serving.ledger.record`): one that is held is not served, and one whose
files are not those that were published is not either.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from features.errors import FenleiError, SourceError
from serving.current.files import Signature, signature
from serving.current.table import CurrentTable
from serving.current.tables import Offer, Seen
from serving.ledger.place import MANIFEST, LedgerError, Place, check_month
from serving.ledger.publish import held_months
from serving.ledger.read import Ledger, Month

MOST = 3
"""Months that are tried, where the newest can't be used and none is served yet."""


class Months:
    """Source of tables (`serving.current.tables.Source`): the months that a ledger has published.

    Parameters
    ----------
    root
        The ledger.
    province
        Whose months.
    home
        Folder for the rows, made for reading one; in the ledger by default, one for all months.
    """

    def __init__(self, root: Path, province: str, home: Path | None = None) -> None:
        self._place, self._home = Place(root, province), home or root / "rows" / province
        self._ledger: tuple[Signature | None, Ledger] | None = None

    def seen(self) -> Seen:
        """Return what the record and the newest month's files look like."""
        found: list[Signature | None] = [signature(self._place.record)]
        try:
            newest = self._read().latest
        except FenleiError:
            return tuple(found)  # `offers` says why
        if newest is not None:
            found.append(signature(self._place.indicators(newest.month)))
            for folder in newest.folders:
                found.append(signature(folder / MANIFEST))
                found += [signature(file) for file in sorted(folder.glob("part-*.parquet"))]
        return tuple(found)

    def _read(self) -> Ledger:
        """Return the ledger, read again when its record changed."""
        now = signature(self._place.record)
        if self._ledger is None or self._ledger[0] != now:
            self._ledger = now, Ledger.open(self._place.root, self._place.province)
        return self._ledger[1]

    def offers(self) -> tuple[Sequence[Offer], str]:
        """Return the newest published months, and which newer one waits for a person.

        Raises
        ------
        LedgerError
            If the ledger's record was changed, or a published month is not there.
        """
        ledger, waiting = self._read(), held_months(self._place)
        months = list(reversed(list(ledger.months.values())))[:MOST]
        if not months:
            why = f"; {waiting[-1]} waits for a person's release" if waiting else ""
            return [], f"the ledger has no published month of {self._place.province}{why}"
        newest = months[0].month
        waiting = [month for month in waiting if month > newest]
        newer = f"{waiting[-1]} waits for a person's release; {newest} is served" if waiting else ""
        return [Offer(month.month, partial(self._opened, month)) for month in months], newer

    def _opened(self, month: Month) -> CurrentTable:
        """Open a month's table after its rows were found to be those that were published.

        Raises
        ------
        LedgerError, SourceError
            If a file of the month or its table is missing, torn or another.
        """
        month.verify()
        path = self._place.indicators(month.month)
        table = CurrentTable.open(path, self._place.province, self._home)
        if table.cutoff != check_month(month.month):
            raise SourceError(f"indicator table {path} is of {table.cutoff}, not of {month.month}")
        if len(month.lines) == 1 and table.rows != month.manifest["rows"]:
            raise LedgerError(f"{path} has {table.rows} enterprises, the month {month.manifest['rows']}")
        return table
