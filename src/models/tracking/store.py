"""Where a deployment keeps its runs, its approval record and its list of signers: a value, read once at the edge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import ConfigError
from features.given import PathLike, as_path

DEFAULT = Path("data/generated/mlflow.db")
"""MLflow's database where the environment names none."""

_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Store:
    """Where MLflow keeps runs and versions, and where our own records stand beside them.

    Whoever needs one is given it: nothing below the command line, the service's settings and a notebook reads the
    environment, and nothing writes it, so that two stores can be at work in one process.

    Parameters
    ----------
    uri
        MLflow's tracking and registry URI; a sqlite path in it is absolute.
    records
        Folder of the approval record.
    signers
        List of signers for every province, instead of each province's own ``signers.toml``: for a demo or a test.

    Examples
    --------
    >>> Store.in_folder(Path("/srv/fenlei")).uri
    'sqlite:////srv/fenlei/mlflow.db'
    >>> Store.from_env({"MLFLOW_TRACKING_URI": "sqlite:////srv/fenlei/mlflow.db"}).records
    PosixPath('/srv/fenlei')
    """

    uri: str
    records: Path
    signers: Path | None = None

    @classmethod
    def named(cls, uri: str | None = None, records: Path | None = None, signers: Path | None = None) -> Store:
        """Return the store of a URI; what is not named is where it stands by default.

        Parameters
        ----------
        uri
            None: sqlite under ``data/generated``. A relative sqlite path counts from the working directory, once, here.
        records
            None: beside the database; with a server, under ``data/generated``.
        signers
            None: each province's own list.
        """
        uri = uri or f"{_SQLITE}{DEFAULT}"
        if uri.startswith(_SQLITE):
            uri = f"{_SQLITE}{Path(uri.removeprefix(_SQLITE)).resolve()}"
        beside = Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else DEFAULT
        return cls(uri, (records or beside.parent).resolve(), signers.resolve() if signers else None)

    @classmethod
    def in_folder(cls, folder: PathLike, signers: Path | None = None) -> Store:
        """Return a store whose database and records stand in a folder."""
        return cls.named(f"{_SQLITE}{as_path(folder, 'folder of the store') / 'mlflow.db'}", signers=signers)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Store:
        """Read ``MLFLOW_TRACKING_URI``, ``FENLEI_RECORDS`` and ``FENLEI_SIGNERS``; each may be missing or empty."""
        told = os.environ if environ is None else environ
        records, signers = told.get("FENLEI_RECORDS"), told.get("FENLEI_SIGNERS")
        return cls.named(
            told.get("MLFLOW_TRACKING_URI"), Path(records) if records else None, Path(signers) if signers else None
        )

    @property
    def database(self) -> Path | None:
        """File of a local database; None with a server."""
        return Path(self.uri.removeprefix(_SQLITE)) if self.uri.startswith(_SQLITE) else None

    @property
    def artifacts(self) -> Path | None:
        """Folder of the runs' files, beside the database; None where a server decides."""
        return self.database.parent / "mlartifacts" if self.database is not None else None


def checked_store(store: Store) -> Store:
    """Return the store.

    Raises
    ------
    ConfigError
        If it is none, for instance a path or a URI.
    """
    if isinstance(store, Store):
        return store
    raise ConfigError(
        f"expected a store, such as Store.in_folder(folder) or Store.from_env(), got {type(store).__name__}"
    )
