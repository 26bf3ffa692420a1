"""Parts of a month: the answers of so many enterprises, made alone and put in place in one step.

Each follows from the indicator table and the register alone, so that parts can be made in any order, by this process or
by Spark's, and again by whoever finds one missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import of_province
from features.table.month import ROW_GROUP
from models.scoring.overridden import NO_OVERRIDES, Overrides
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules
from models.signoff.confirmations import NOTHING_CONFIRMED, Confirmed, keep_confirmed
from serving.current.policy import ServingPolicy
from serving.current.served import Served
from serving.ledger.moves import Answering
from serving.ledger.place import LedgerError
from serving.ledger.rows import ledger_rows
from serving.ledger.schema import SCHEMA

GROUPS = 8
PART = GROUPS * ROW_GROUP
"""Enterprises answered at a time, and in one file of the ledger."""


@dataclass(frozen=True)
class Parts:
    """What a month's parts are made of, and where they go.

    Parameters
    ----------
    province
        Whose month.
    table, register
        The indicator table, and the register of the same enterprises row for row.
    out
        Folder of the parts.
    served, rules
        What answers.
    last
        What answered the month before; None: there was none.
    policy
        When the rules answer in the model's place.
    overrides, confirmed
        What officials decided for single enterprises, and the records that they confirmed (HB 8, 12(4)).
    """

    province: str
    table: Path
    register: Path
    out: Path
    served: Served
    rules: ProvinceRules
    last: Answering | None = None
    policy: ServingPolicy | None = None
    overrides: Overrides = NO_OVERRIDES
    confirmed: Confirmed = NOTHING_CONFIRMED

    @property
    def count(self) -> int:
        """How many parts there are."""
        return -(-int(pq.read_metadata(self.table).num_rows) // PART)

    def path(self, k: int) -> Path:
        """File of one part."""
        return self.out / f"part-{k:05d}.parquet"


def write_parts(parts: Parts, say: Callable[[str], None], engine: str = "duckdb", master: str | None = None) -> None:
    """Write the parts that are not there yet.

    Parameters
    ----------
    parts
        What they are made of.
    say
        Called with each part.
    engine, master
        With spark, its executors make the parts; they must see the ledger's folder.

    Raises
    ------
    LedgerError
        If register and table are not of the same enterprises.
    """
    parts.out.mkdir(exist_ok=True)
    missing = [k for k in range(parts.count) if not whole(parts.path(k))]
    if engine == "spark" and missing:
        _by_spark(parts, missing, master)
        return
    for k in missing:
        say(f"answers: part {k + 1} of {parts.count}")
        write_part(parts, k)


def whole(path: Path) -> bool:
    """Tell whether a Parquet file is there and has its end."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return True


def write_part(parts: Parts, k: int) -> None:
    """Write one part, in one step: a reader or a second attempt finds it whole or not at all."""
    with pq.ParquetFile(parts.table) as indicators:
        names = [n for n in indicators.schema_arrow.names if n != "uscc"]
        last = min((k + 1) * GROUPS, indicators.num_row_groups)
        given = indicators.read_row_groups(list(range(k * GROUPS, last)), columns=names)
    frame = given.to_pandas(split_blocks=True, self_destruct=True, date_as_object=True)
    del given
    frame = frame.set_index(["enterprise_id", "cutoff"])
    with pq.ParquetFile(parts.register) as register:
        people = register.read_row_groups(list(range(k * GROUPS, min((k + 1) * GROUPS, register.num_row_groups))))
    if people.column("enterprise_id").to_pylist() != frame.index.get_level_values(0).to_list():
        raise LedgerError(
            f"{parts.register}: not the enterprises of {parts.table}; remove {parts.out.parent}, run again"
        )
    frame = keep_confirmed(frame, parts.rules.determinations, parts.confirmed)
    rows = ledger_rows(
        frame,
        people,
        parts.served,
        parts.rules,
        of_province(parts.province, peers=True),
        last=parts.last,
        policy=parts.policy,
        overrides=parts.overrides,
    )
    part = parts.path(k)
    fresh = part.with_name(f".{part.name}.new")
    pq.write_table(rows.cast(SCHEMA), fresh, compression="zstd", row_group_size=ROW_GROUP)
    fresh.replace(part)


def _by_spark(parts: Parts, missing: list[int], master: str | None) -> None:
    """Let Spark's executors make parts; one that is lost is made again by another."""
    from features.engine.faults import named
    from features.engine.spark.session import errors, spark_session

    # Models travel as their files: what LightGBM holds of one is no object that can be sent.
    now, now_files = _light(parts.served, parts.out.with_name("model"))
    last, last_files = (
        (None, None) if parts.last is None else _light(parts.last[0], parts.out.with_name("model_before"))
    )
    light = replace(parts, served=now, last=None if parts.last is None or last is None else (last, parts.last[1]))
    with spark_session(master) as session, named("Spark", "answers", errors()):
        work = partial(_executed, light, now_files, last_files)
        session.sparkContext.parallelize(missing, len(missing)).foreach(work)


def _light(served: Served, folder: Path) -> tuple[Served, Path | None]:
    """Return what answers without its model, and the folder that the model was saved to."""
    if served.model is None:
        return served, None
    served.model.save(folder)
    return replace(served, model=None), folder


def _executed(parts: Parts, now: Path | None, last: Path | None, k: int) -> None:
    served = parts.served if now is None else replace(parts.served, model=_loaded(now))
    before = parts.last
    if before is not None and last is not None:
        before = (replace(before[0], model=_loaded(last)), before[1])
    write_part(replace(parts, served=served, last=before), k)


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> RiskModel:
    """Read a model once in an executor."""
    return RiskModel.load(folder)
