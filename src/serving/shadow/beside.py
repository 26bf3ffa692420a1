"""Work of a shadow: a thread of its own scores again what light calls asked, when it has the time.

A call hands over what it was asked and answered, and goes on: where the shadow is busy the work is thrown away and
counted. After each piece the thread rests as long as it worked, so that answers have the processor.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from features.catalogue import catalogue_for, catalogue_hash
from models.errors import ModelError
from models.scoring.classification import Classification
from models.scoring.overridden import NO_OVERRIDES
from models.scoring.risk_model import RiskModel
from models.signoff.errors import HashMismatch
from models.tracking import artifacts, versions
from models.tracking.store import Store
from serving.answers.answer import Result, answer
from serving.answers.requests import Item
from serving.current.served import Served
from serving.current.snapshot import Snapshot
from serving.shadow.tally import Tally

log = logging.getLogger("fenlei.serving")

WAITING = 64
"""Calls that wait for the shadow; more are thrown away."""
WRITE_SECONDS = 5.0
"""How often the file is written anew."""
MOST_SEEN = 500_000
"""Enterprises and months that are counted; as many are evidence enough, and remembering them costs 40 MB."""

Work = tuple[Sequence[Item], Snapshot, Sequence[Result]]
Count = Callable[[str, int], None]


class Shadow:
    """A registered version beside the one that answers.

    Parameters
    ----------
    load
        Gives the model; called in the thread, so that neither MLflow nor a large file delays the start.
    version
        The registered version.
    file
        Where the comparison is written; one of other versions, or of an earlier run, is moved aside.
    count
        Told of every enterprise: "agree", "differ", "dropped", "failed", "by_rules" or "repeated", and how many.
    """

    def __init__(self, load: Callable[[], RiskModel], version: str, file: Path, count: Count) -> None:
        self._load, self._version, self._file, self._count = load, version, file, count
        self._queue: queue.Queue[Work] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self._dropped = 0
        self._ready: tuple[Snapshot, Snapshot] | None = None
        self._tally: Tally | None = None
        self._seen: set[bytes] = set()
        self._written = 0.0
        self._thread = threading.Thread(target=self._run, name="fenlei-shadow", daemon=True)

    def start(self) -> None:
        """Begin to score."""
        self._thread.start()

    def offer(self, items: Sequence[Item], snapshot: Snapshot, results: Sequence[Result]) -> None:
        """Hand over a call that was answered; never waits, never raises."""
        try:
            self._queue.put_nowait((items, snapshot, results))
        except queue.Full:
            self._dropped += len(items)
            self._count("dropped", len(items))

    def close(self) -> None:
        """Stop, and write what was counted."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        try:
            model = self._load()
        except Exception:
            log.exception("the shadow %s can't be loaded; calls are answered as ever", self._version)
            return
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                self._score(model, *self._queue.get(timeout=0.2))
            except queue.Empty:
                begun = time.monotonic()
            except Exception:
                log.exception("the shadow %s failed", self._version)
            self._write(late=False)
            self._stop.wait(time.monotonic() - begun)
        self._write(late=True)

    def _score(self, model: RiskModel, items: Sequence[Item], snapshot: Snapshot, results: Sequence[Result]) -> None:
        tally = self._tally_for(model, snapshot)
        asked = []
        for item, result in zip(items, results, strict=True):
            if not isinstance(result, Classification):
                continue
            mark = hashlib.blake2b(repr((result.enterprise_id, result.cutoff)).encode(), digest_size=8).digest()
            if mark in self._seen or len(self._seen) >= MOST_SEEN:
                tally.repeated += 1
                self._count("repeated", 1)
                continue
            self._seen.add(mark)
            asked.append((item, result))
        if not asked:
            return
        try:
            found = answer([item for item, _ in asked], self._beside(model, snapshot), top=0)
        except Exception:
            tally.failed += len(asked)
            self._count("failed", len(asked))
            raise
        for (_, result), one in zip(asked, found, strict=True):
            if not isinstance(one, Classification):
                tally.failed += 1
                self._count("failed", 1)
            elif one.source != "model":
                tally.by_rules += 1
                self._count("by_rules", 1)
            else:
                self._count("agree" if tally.add(result, one) else "differ", 1)

    def _beside(self, model: RiskModel, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the shadow in the place of what answers, made once for each."""
        if self._ready is None or self._ready[0] is not snapshot:
            served = Served(snapshot.served.province, model, self._version, "", None)
            self._ready = snapshot, replace(snapshot, served=served, overrides=NO_OVERRIDES)
        return self._ready[1]

    def _tally_for(self, model: RiskModel, snapshot: Snapshot) -> Tally:
        """Return the tally of what answers now; counting begins anew where that changed."""
        answering = snapshot.served.model
        key = (
            snapshot.served.version or "rules",
            "" if answering is None else answering.content_hash,
            snapshot.rules.version,
        )
        tally = self._tally
        if tally is not None and (tally.served, tally.served_hash, tally.policy) == key:
            return tally
        self._write(late=True)
        self._aside()
        self._seen.clear()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._tally = Tally(key[0], self._version, key[1], model.content_hash, key[2], now)
        return self._tally

    def _aside(self) -> None:
        """Keep the comparison that stands there under the time it was written."""
        try:
            when = datetime.fromtimestamp(self._file.stat().st_mtime, UTC)
            self._file.replace(self._file.with_name(f"{self._file.stem}-{when:%Y%m%dT%H%M%S%f}{self._file.suffix}"))
        except FileNotFoundError:
            return
        except OSError as err:
            log.warning("%s can't be moved aside: %s", self._file, err)

    def _write(self, *, late: bool) -> None:
        if self._tally is None or not (late or time.monotonic() - self._written >= WRITE_SECONDS):
            return
        self._tally.dropped, self._written = self._dropped, time.monotonic()
        try:
            self._tally.write(self._file)
        except OSError as err:
            log.warning("the comparison of the shadow can't be written to %s: %s", self._file, err)


def registered_model(store: Store, version: str, province: str) -> RiskModel:
    """Return a registered version's model, if its files are those that were registered and fit the province.

    Raises
    ------
    HashMismatch
        If they are not.
    RegistryError
        If there is no such version.
    ModelError
        If it is another province's, or made with another catalogue.
    """
    folder = versions.bundle(store, version)
    if artifacts.bundle_hash(folder) != versions.inputs(store, version).get("bundle_hash"):
        raise HashMismatch(f"the files of version {version} are not those that were registered")
    model = RiskModel.load(folder)
    if model.province != province:
        raise ModelError(f"version {version} is of {model.province}, not of {province}")
    if model.catalogue_hash != catalogue_hash(catalogue_for(model.indicator_names, province)):
        raise ModelError(f"version {version} was made with another catalogue of indicators")
    return model
