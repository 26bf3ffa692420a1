"""Errors a user can act on. The command line prints their message and exits with 2."""

from __future__ import annotations


class FenleiError(Exception):
    """Base of every error that is the caller's to mend."""


class ConfigError(FenleiError):
    """A policy or experiment file is missing or wrong."""


class SourceError(FenleiError):
    """A source folder can't be read as the contract asks."""


class CatalogueError(FenleiError):
    """An indicator is declared wrongly, or a name is not in the catalogue."""
