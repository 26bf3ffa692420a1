"""Reach of a store: whether MLflow answers there, asked before work is done whose result it is to keep."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from features.errors import ConfigError
from features.places import check_output
from models.tracking import runs
from models.tracking.server import ask_server, is_server, without_password
from models.tracking.store import Store


class StoreError(ConfigError):
    """MLflow does not answer where its runs are said to be, or its database is broken."""


def check_store(store: Store) -> None:
    """Refuse a store that can't be used.

    A local database that is missing is not made, only its place is looked at.

    Raises
    ------
    StoreError
        If the server does not answer, or the database is none or can't be written; the message names the URI.
    """
    try:
        if is_server(store.uri):
            ask_server(store.uri)
        elif store.database is not None:
            check_output(store.database)
            if not store.database.exists():
                return
            look_at(store.database)
        with runs.quiet():
            runs.client(store).search_experiments(max_results=1)
    except Exception as err:  # ours; and MLflow lets through its own, SQLAlchemy's, alembic's, requests'
        raise StoreError(fault(store, err)) from err


def look_at(database: Path) -> None:
    """Let SQLite itself find what is broken in a file: MLflow takes a broken one for a busy one, and waits.

    Raises
    ------
    StoreError
        If the file is no database, or a part of it is lost.
    """
    try:
        found = _quick_check(database)
    except sqlite3.Error as err:
        raise StoreError(f"{database}: {err}") from err
    if found != "ok":
        raise StoreError(f"{database}: {found}")


def _quick_check(database: Path) -> str:
    con = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        [(found,)] = con.execute("PRAGMA quick_check(1)").fetchall()
        return str(found)
    finally:
        con.close()


def fault(store: Store, err: Exception) -> str:
    """Return what is to be said of a store that failed: its URI and the reason's first line, without a password."""
    first = (str(err).strip().splitlines() or [type(err).__name__])[0]
    secret = store.uri.partition("://")[2].rpartition("@")[0]
    first = first.replace(secret, "…") if secret else first
    return (
        f"MLflow at {without_password(store.uri)} can't be used: {first}; MLFLOW_TRACKING_URI says where it is "
        "(unset: a database under data/generated)"
    )
