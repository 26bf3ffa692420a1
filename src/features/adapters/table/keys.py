"""Keys: which enterprise a row is about, without keeping what may be a person's name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from features.adapters.names import is_masked_person, is_short, normalise_name
from features.adapters.table.cells import Cells, Unmappable, opaque
from features.adapters.table.city import CityMap, Known

PERSON = "natural person"
SHORT_NAME = "name too short to tell from a person's"
ZERO = "0"

Key = tuple[str, ...]


def key_of(city: CityMap, row: Cells, columns: Sequence[str]) -> Key:
    """Return the key of a row's enterprise.

    Raises
    ------
    Unmappable
        If a part of it is missing, or it is, or may be, a natural person.
    """
    found = []
    for column in columns:
        cell = row[column]
        part = "" if cell is None else str(cell)
        if city.enterprise.key_is == "name" and part:
            part = normalise_name(part)
            if is_masked_person(part):
                raise Unmappable(PERSON)
            if is_short(part):
                raise Unmappable(SHORT_NAME)
        if part in ("", ZERO):
            raise Unmappable(f"{column}: nobody to hold it against")
        if "PERSON_" in part:
            raise Unmappable(PERSON)
        found.append(part)
    return tuple(found)


def enterprise_id(city: CityMap, key: Key) -> str:
    """Opaque id of the enterprise of a key."""
    return city.prefix + opaque("enterprise", *key)[:16].upper()


def name_of(city: CityMap, key: Key, given: str | None) -> str:
    """Return the name an enterprise is registered under: the given one where it is no person's, else its key."""
    if given and not is_masked_person(given) and not is_short(normalise_name(given)):
        return given.upper()
    return " ".join(key) if city.enterprise.key_is == "name" else f"{' '.join(city.enterprise.key)} {' '.join(key)}"


def known_on(known: Known, row: Cells, occurred: date) -> date:
    """Return the day from which a row is known: its own, unless that is before the event, else after the lag."""
    said = row[known.column] if known.column else None
    if isinstance(said, date) and said >= occurred:
        return said
    return occurred + timedelta(days=known.lag_days)


def day_before_month(of: date) -> date:
    """Return the last day of the month before a day's."""
    return of.replace(day=1) - timedelta(days=1)
