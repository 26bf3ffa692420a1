"""Run of a month, from records to rows: step by step, each kept, so that a killed run goes on where it was."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.catalogue import RECENT, catalogue_hash, of_province
from features.check import check_required
from features.check.again import check_again, source_digests
from features.contract.manifest import read_manifest
from features.policy import policy_hash
from features.records.moments import check_day
from features.scope import Scope
from features.table.month import table_policies, write_clean_table
from models.scoring.overridden import NO_OVERRIDES, Overrides
from models.scoring.rules.province import ProvinceRules
from models.signoff.confirmations import NOTHING_CONFIRMED, Confirmed
from serving.current.policy import serving_policy
from serving.current.served import Served
from serving.ledger.manifest import FORMAT, build
from serving.ledger.moves import WORLDS, Answering, Between, both_months
from serving.ledger.parts import Parts, whole, write_parts
from serving.ledger.place import LedgerError, Place, check_month, month_of, read_json, write_whole
from serving.ledger.read import Ledger, Month
from serving.ledger.register import write_register
from serving.ledger.standing import recall

Say = Callable[[str], None]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where nothing more can be written; DuckDB passes its words on, not its number."""


@dataclass
class Steps:
    """How long each step took; steps that an earlier run had done already take nothing."""

    say: Say
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say and time a step."""
        self.say(name)
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 2)


@dataclass(frozen=True)
class Ask:
    """What month is to be made of what.

    Parameters
    ----------
    folder
        The source folder.
    cutoff
        First day of the month.
    known_as_of
        Knowledge to use instead of the cut-off's own, for a revision.
    served, rules
        What answers, and the province's rules.
    engine, master, memory
        As `features.table.month.write_table`.
    overrides, confirmed
        What officials decided for single enterprises, and the records that they confirmed.
    """

    folder: Path
    cutoff: date
    served: Served
    rules: ProvinceRules
    known_as_of: date | None = None
    engine: str = "duckdb"
    master: str | None = None
    memory: str | None = None
    overrides: Overrides = NO_OVERRIDES
    confirmed: Confirmed = NOTHING_CONFIRMED

    @property
    def known(self) -> date:
        """The day that knowledge ends before."""
        return self.known_as_of or self.cutoff


def make_month(ask: Ask, place: Place, steps: Steps) -> tuple[Path, dict[str, Any]]:
    """Make every row of a month in the ledger's work folder; the caller holds the ledger.

    Returns
    -------
    out : folder with the month's parts
    manifest : what it holds, without the gate's findings

    Raises
    ------
    LedgerError
        If the disk is full or a file can't be written or read midway; what was published stands.
    SourceError, ConfigError, CohortError
        As `features.table.month.write_table`.
    """
    with _disk(place):
        return _made(ask, place, steps)


def _made(ask: Ask, place: Place, steps: Steps) -> tuple[Path, dict[str, Any]]:
    month = month_of(ask.cutoff)
    as_of = read_manifest(ask.folder).as_of
    for what, day in (("cut-off", ask.cutoff), ("known-as-of", ask.known_as_of)):
        if day is not None:
            check_day(what, day, as_of, ask.folder)
    ledger = Ledger.open(place.root, place.province)
    previous = ledger.before(month)
    with steps.step("reading the records"):
        plan = _plan(ask, previous.manifest_hash if previous else None)
    work = place.work(month)
    _begin(work, plan)
    taken = as_of or max(ask.cutoff, ask.known)
    with steps.step("checking the records"):
        report = check_again(ask.folder, taken, place.checked, plan["sources"], progress=steps.say, memory=ask.memory)
        check_required(report.report, ask.folder)
    clean, table = place.checked / "clean", work / "indicators.parquet"
    if not whole(table):
        with steps.step("indicators"):
            scope = Scope(place.province, known_as_of=ask.known_as_of, peers=_peers(ask.served))
            write_clean_table(
                clean, ask.cutoff, table, scope, progress=steps.say, memory=ask.memory, engine=ask.engine,
                master=ask.master,
            )  # fmt: skip
    last = recall(place, previous.manifest) if previous and _told(previous, plan) else None
    worlds = _worlds(ask, place, steps, clean, table, previous, last) if previous and last else {}
    register = work / "register.parquet"
    if not whole(register):
        with steps.step("register"):
            rows = previous.latest_sql() if previous else None
            write_register(table, clean, ask.known, rows, worlds, register, ask.memory)
    out = work / "rows"
    with steps.step("answers"):
        policy = serving_policy(place.province)
        parts = Parts(
            place.province, table, register, out, ask.served, ask.rules, last, policy, ask.overrides, ask.confirmed
        )
        write_parts(parts, steps.say, ask.engine, ask.master)
    with steps.step("manifest"):
        manifest = build(out, ask, plan, table, previous, report)
    return out, manifest


def _told(previous: Month, plan: dict[str, Any]) -> bool:
    """Tell whether it can be said why scores moved: not where the indicators themselves are others than they were."""
    was = previous.manifest
    return all(was[name] == plan[name] for name in ("catalogue", "table_policies"))


def _worlds(
    ask: Ask, place: Place, steps: Steps, clean: Path, table: Path, previous: Month, last: Answering
) -> dict[str, Path]:
    """Write the worlds between the months that are not there yet."""
    scope = Scope(place.province, known_as_of=ask.known_as_of, peers=_peers(last[0]))
    gap = Between(clean, check_month(previous.month), ask.cutoff, scope, *last, serving_policy(place.province))
    paths = {world: place.work(month_of(ask.cutoff)) / f"{world}.parquet" for world in WORLDS}
    both = both_months(table, previous.latest_sql())
    for world, path in paths.items():
        if not whole(path):
            with steps.step(f"why scores moved: {world}"):
                gap.write(world, both, path, steps.say, engine=ask.engine, master=ask.master, memory=ask.memory)
    return paths


def _peers(served: Served) -> bool:
    """Tell whether the model reads recent peer rates."""
    return served.model is not None and bool(set(served.model.indicator_names) & set(RECENT))


def _plan(ask: Ask, previous: str | None) -> dict[str, Any]:
    """Say what the rows of a month follow from; the same plan gives the same bytes."""
    province = ask.rules.province
    return {
        "format": FORMAT,
        "province": province,
        "cutoff": ask.cutoff.isoformat(),
        "known_as_of": ask.known.isoformat(),
        "sources": source_digests(ask.folder),
        "catalogue": catalogue_hash(of_province(province, peers=True)),
        "table_policies": table_policies(province),
        "policy": ask.rules.version,
        "serving_policy": policy_hash(province, "serving"),
        "model": ask.served.model.content_hash if ask.served.model else None,
        "registered": ask.served.version,
        "why": ask.served.why,
        "overrides": [asdict(one) for _, one in sorted(ask.overrides.on(ask.cutoff).items())],
        "confirmed": sorted(record for record in ask.confirmed.spans if ask.confirmed.before(record, ask.cutoff)),
        "previous": previous,
    }


def _begin(work: Path, plan: dict[str, Any]) -> None:
    """Go on with the work of the same plan; anything else made there before is thrown away."""
    path = work / "plan.json"
    if path.is_file() and read_json(path) == json.loads(json.dumps(plan, default=str)):
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_whole(path, json.dumps(plan, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n")


@contextmanager
def _disk(place: Place) -> Iterator[None]:
    """Say what to do when the disk fails midway, or a file of the work is not what it was."""
    work = place.root / "work" / place.province
    try:
        yield
    except (OSError, duckdb.Error, pa.ArrowException) as err:
        text = str(err).splitlines()[0]
        full = getattr(err, "errno", None) in _FULL or any(os.strerror(code) in text for code in _FULL)
        if full:
            what, todo = "no space is left on the disk", "Make room and run"
        elif isinstance(err, OSError):
            what, todo = f"{err.filename or ''}: {err.strerror or text}", "Mend it and run"
        else:
            what, todo = f"a file can't be read or written: {text}", f"Remove {work} and run"
        raise LedgerError(
            f"{place.root}: {what}; nothing was published and the months before stand. {todo} the same command again:"
            " it goes on where it was"
        ) from err


def discard(place: Place, month: str) -> None:
    """Remove the work of a month that is published."""
    shutil.rmtree(place.work(month), ignore_errors=True)
