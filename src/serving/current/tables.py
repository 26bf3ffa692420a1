"""Table that is served at present, and the look for a newer one: what can't be used leaves in place what answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from features.errors import ConfigError, FenleiError
from features.table.month import table_policies
from serving.current.files import Signature, signature
from serving.current.table import CurrentTable
from serving.settings import Settings

log = logging.getLogger("fenlei.serving")

NO_TABLE = "no indicator table is set"

Seen = tuple[Signature | None, ...]
"""What the files looked like, by which a change is noticed."""


@dataclass(frozen=True)
class Offer:
    """A table that may be served.

    Parameters
    ----------
    name
        What a caller is told of it: a month, or nothing of the only table that there is.
    opened
        Opens and checks it; raises `FenleiError` where it can't be used.
    """

    name: str
    opened: Callable[[], CurrentTable]


class Source(Protocol):
    """Where tables come from."""

    def seen(self) -> Seen:
        """Return what the files look like now: cheap, as it is asked every second."""

    def offers(self) -> tuple[Sequence[Offer], str]:
        """Return the tables that may be served, the newest first, and why a newer one is not among them.

        Raises
        ------
        FenleiError
            If that can't be told.
        """


class OneTable:
    """The table that the settings name."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path, self._settings = path, settings

    def seen(self) -> Seen:
        """Return what the file looks like."""
        return (signature(self._path),)

    def offers(self) -> tuple[Sequence[Offer], str]:
        """Return the table."""
        return [Offer("", lambda: CurrentTable.open(self._path, self._settings.province, self._settings.rows))], ""


class Tables:
    """Keeps the table that answers, and looks for a newer one.

    Parameters
    ----------
    province
        Whose.
    source
        Where tables come from; None: there is none.
    """

    def __init__(self, province: str, source: Source | None) -> None:
        self._province, self._source = province, source
        self._seen: tuple[Seen, str] | None = None
        self._table: CurrentTable | None = None
        self._why = NO_TABLE

    def look(self) -> tuple[CurrentTable | None, str]:
        """Return the table that answers now, and why there is none, or none that is newer."""
        if self._source is None:
            return None, NO_TABLE
        policies = self._policies()
        # Taken before the files are read: what changes meanwhile is found at the next look.
        seen = self._source.seen(), policies
        if seen == self._seen:
            return self._table, self._why
        holds = self._table is not None and self._table.policies == policies
        table, why = self._newest(self._table if holds else None)
        if why and why != self._why:
            log.warning("the table is not the newest there: %s", why)
        self._seen, self._table, self._why = seen, table, why
        return table, why

    def _policies(self) -> str:
        try:
            return table_policies(self._province)
        except FenleiError:
            return ""

    def _newest(self, before: CurrentTable | None) -> tuple[CurrentTable | None, str]:
        """Return the newest table that can be used; a month that can't be leaves the one before it in place, unless
        the policies changed its meaning."""
        assert self._source is not None
        try:
            offers, newer = self._source.offers()
        except FenleiError as err:
            log.warning("%s", err)
            return before, short(err)
        said = [newer] if newer else []
        for offer in offers:
            try:
                return offer.opened(), "; ".join(said)
            except FenleiError as err:
                log.warning("%s", err)
                said.append(f"{offer.name}: {short(err)}" if offer.name else short(err))
                if before is not None:
                    return before, "; ".join(said)
        return before, "; ".join(said) or NO_TABLE


def short(err: FenleiError) -> str:
    """Say in one line what is wrong with a table; a caller learns files' names, not where they are."""
    if isinstance(err, ConfigError):
        return "the indicator table can't be used: the province's policies can't be read"
    words = str(err).partition("\n")[0].split(" ")
    return " ".join(_name(word) for word in words)


def _name(word: str) -> str:
    bare = word.rstrip(",:;")
    return Path(bare).name + word[len(bare) :] if bare.startswith("/") or "/" in bare.strip("`'\"") else word
