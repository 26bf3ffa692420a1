"""What is being served, and noticing when that changes: approval, withdrawal, a new month's table.

A thread looks at the approval record and the table every second or so (two `stat` calls) and reloads when they
changed; a request only picks up the newest snapshot and never waits. Only what `models.approval` gives is ever
served: where it refuses (files changed since approval, a broken record), the rules answer and say why.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from features.catalogue import CATALOGUE, catalogue_hash
from features.errors import FenleiError
from models import approval
from models.classify import NO_MODEL, load_rules
from serving.classify import Served
from serving.settings import Settings
from serving.table import CurrentTable, Signature, signature

log = logging.getLogger("fenlei.serving")

PATIENCE = 2.0
"""Seconds to give a sign-off that is under way: the record is written before the alias."""


@dataclass(frozen=True)
class Snapshot:
    """What one request is answered from, unchanging.

    Parameters
    ----------
    served
        Model or rules.
    table
        The current indicator table, if there is a usable one.
    no_table
        Else why not.
    """

    served: Served
    table: CurrentTable | None
    no_table: str


class State:
    """Holds the newest snapshot; `start` keeps it new.

    Raises
    ------
    features.errors.ConfigError
        If the province's policies are missing or wrong.
    """

    def __init__(self, settings: Settings) -> None:
        settings.use_store()
        load_rules(settings.province)
        self.settings = settings
        self._refreshing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._record: Signature | None = None
        self._checked = 0.0
        self._failing_since: float | None = None
        self._snapshot = Snapshot(Served(settings.province), None, "no indicator table is set")
        self.refresh(force=True)

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def start(self) -> None:
        """Look for changes from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._watch, name="fenlei-reload", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking for changes."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self.settings.reload_seconds):
            try:
                self.refresh()
            except Exception:
                # The watch must outlive any surprise; what is served stays as it was verified.
                log.exception("looking for a newly approved model failed; going on")

    def refresh(self, *, force: bool = False) -> Snapshot:
        """Reload what changed since the last look and return the newest snapshot."""
        with self._refreshing:
            now = time.monotonic()
            record = signature(approval.record_path())
            stale = now - self._checked >= self.settings.recheck_seconds or self._failing_since is not None
            if force or stale or record != self._record:
                served = self._served(now, settled=force)
                self._record, self._checked = record, now
            else:
                served = self._snapshot.served
            table, no_table = self._table()
            before, self._snapshot = self._snapshot, Snapshot(served, table, no_table)
            if served != before.served:
                log.info("now serving: %s", f"model version {served.version}" if served.model else served.why)
            return self._snapshot

    def _served(self, now: float, *, settled: bool) -> Served:
        province = self.settings.province
        try:
            found = approval.approved_model()
        except FenleiError as err:
            self._failing_since = self._failing_since or now
            if not settled and now - self._failing_since < PATIENCE:
                return self._snapshot.served
            log.warning("the approved model is not served: %s", err)
            return Served(province, why=f"the approved model is not served: {_first_line(err)}")
        self._failing_since = None
        if found is None:
            return Served(province, why=NO_MODEL)
        model, version = found
        if model.province != province:
            return Served(province, why=f"approved version {version} is of {model.province}, not of {province}")
        if model.catalogue_hash != catalogue_hash(CATALOGUE):
            # Columns may still be there and mean something else: not what was signed.
            return Served(province, why=f"approved version {version} was signed with another catalogue")
        before = self._snapshot.served
        if before.model is not None and before.version == version and before.model.version == model.version:
            return before
        return Served(province, model, version, "")

    def _table(self) -> tuple[CurrentTable | None, str]:
        path, table = self.settings.table, self._snapshot.table
        if path is None:
            return None, "no indicator table is set"
        if table is not None and signature(path) == table.signature:
            return table, ""
        try:
            return CurrentTable.open(path, self.settings.province), ""
        except FenleiError as err:
            if self._snapshot.no_table != str(err):
                log.warning("%s", err)
            # What was opened can't be read any more once the file is gone or half written.
            return None, str(err)


def _first_line(err: Exception) -> str:
    return str(err).partition("\n")[0]
