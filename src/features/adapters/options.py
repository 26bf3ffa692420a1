"""Options of an adapter, as an experiment file or a notebook gives them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from features.errors import ConfigError


def inspections_named(given: Sequence[str] | str, known: Collection[str]) -> list[str]:
    """Return the inspection files that are asked for, at least one, each once.

    Raises
    ------
    ConfigError
        If none is named, one is unknown, or one is named twice.
    """
    there = ", ".join(f'"{name}"' for name in sorted(known))
    if not isinstance(given, Sequence):
        raise ConfigError(f"option inspections = {given!r}: expected a list of one or more of {there}")
    names = [given] if isinstance(given, str) else list(given)
    if not names:
        raise ConfigError(f"option inspections is missing: expected a list of one or more of {there}")
    if any(name not in known for name in names) or len(set(names)) != len(names):
        raise ConfigError(f"option inspections = {names}: expected a list of one or more different names of {there}")
    return names
