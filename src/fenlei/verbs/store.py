"""Store of the verbs: the one that the environment names, which answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.tracking.store import Store


def answering_store(signers: Path | None = None) -> Store:
    """Return the store of the environment, with the list of signers that the command line names.

    Raises
    ------
    ConfigError
        If MLflow can't be used there: said before any work.
    """
    from models.tracking.reach import check_store
    from models.tracking.store import Store

    store = Store.from_env()
    check_store(store)
    return store if signers is None else replace(store, signers=signers.resolve())
