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
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import ProvinceRules
from serving.current.served import Served
from serving.ledger.place import LedgerError
from serving.ledger.rows import REGISTER, ledger_rows
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
    """

    province: str
    table: Path
    register: Path
    out: Path
    served: Served
    rules: ProvinceRules

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
        people = register.read_row_groups(
            list(range(k * GROUPS, min((k + 1) * GROUPS, register.num_row_groups))),
            columns=["enterprise_id", *REGISTER],
        )
    if people.column("enterprise_id").to_pylist() != frame.index.get_level_values(0).to_list():
        raise LedgerError(
            f"{parts.register}: not the enterprises of {parts.table}; remove {parts.out.parent}, run again"
        )
    rows = ledger_rows(frame, people, parts.served, parts.rules, of_province(parts.province, peers=True))
    part = parts.path(k)
    fresh = part.with_name(f".{part.name}.new")
    pq.write_table(rows.cast(SCHEMA), fresh, compression="zstd", row_group_size=ROW_GROUP)
    fresh.replace(part)


def _by_spark(parts: Parts, missing: list[int], master: str | None) -> None:
    """Let Spark's executors make parts; one that is lost is made again by another."""
    from features.engine.faults import named
    from features.engine.spark.session import errors, spark_session

    model, folder = parts.served.model, parts.out.parent / "model"
    if model is not None:
        model.save(folder)
    # The model travels as its files: what LightGBM holds of it is no object that can be sent.
    light = replace(parts, served=replace(parts.served, model=None))
    with spark_session(master) as session, named("Spark", "answers", errors()):
        work = partial(_executed, light, folder if model is not None else None)
        session.sparkContext.parallelize(missing, len(missing)).foreach(work)


def _executed(parts: Parts, model: Path | None, k: int) -> None:
    served = parts.served if model is None else replace(parts.served, model=_loaded(model))
    write_part(replace(parts, served=served), k)


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> RiskModel:
    """Read a model once in an executor."""
    return RiskModel.load(folder)
