"""The store that the test's environment names."""

from __future__ import annotations

from models.tracking.store import Store


def here() -> Store:
    """Return it: a fixture sets ``MLFLOW_TRACKING_URI`` to a database of the test's own."""
    return Store.from_env()
