"""Lazy imports of a face's names: a caller that does not need LightGBM must not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(face: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a face (PEP 562).

    Parameters
    ----------
    face
        Name of the package.
    homes
        Exported name to the module that defines it.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return attribute
