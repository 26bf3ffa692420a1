"""The catalogue: every indicator of the five families, in one ordered dictionary."""

from __future__ import annotations

from features import association, basic, dynamic, regulatory, societal, visited
from features.declare import FAMILIES, Indicator, catalogue_hash, registered
from features.errors import CatalogueError

_MODULES = (basic, dynamic, regulatory, visited, association, societal)  # importing them declares

CATALOGUE: dict[str, Indicator] = registered()
"""All indicators by name, ordered by family and declaration."""


def lookup(name: str) -> Indicator:
    """Return one indicator.

    Raises
    ------
    CatalogueError
        If there is none of that name; the message lists similar names.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = [n for n in CATALOGUE if any(part in n for part in name.split("_"))][:8]
    raise CatalogueError(f"no indicator {name!r}; similar: {', '.join(near) or 'none'}")


__all__ = ["CATALOGUE", "FAMILIES", "Indicator", "catalogue_hash", "lookup"]
