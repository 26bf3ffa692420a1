"""Exports of a published month: to the inspection platform and upwards, whole or what changed, as policy allows.

The form is documented in docs/ledger.md: a file of rows (CSV in UTF-8 with a header, or Parquet) and ``manifest.json``
with its receiver, columns, number of rows and SHA-256.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import Field, model_validator

from features.check.reading import literal, quote
from features.near import did_you_mean
from features.places import check_output
from features.policy import Policy, load_policy
from features.records.store import connect
from serving.ledger.manifest import sha256
from serving.ledger.place import LedgerError, write_whole
from serving.ledger.read import Ledger, Month
from serving.ledger.schema import COLUMNS

Form = Literal["csv", "parquet"]

OPEN = frozenset({"enterprise_id", "cutoff", "uscc", "name", "enterprise_type", "industry", "region"})
"""Columns that say nothing of a class: all that the public or an enterprise may ever get (HB 5)."""


class Receiver(Policy):
    """Who gets what of a month.

    Parameters
    ----------
    id, zh, en
        Its short name and what it is.
    article
        Where it is asked for.
    audience
        "regulator"; or "public" and "enterprise", which never get score, class or points.
    columns
        Columns of the ledger, in the order of the file.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    zh: str
    en: str
    article: str
    audience: Literal["regulator", "public", "enterprise"]
    columns: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _allowed(self) -> Receiver:
        known = {c.name for c in COLUMNS}
        if lost := [name for name in self.columns if name not in known]:
            raise ValueError(f"columns: {lost} are not columns of the ledger{did_you_mean(lost[0], sorted(known))}")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: a column is named twice")
        secret = [name for name in self.columns if name not in OPEN]
        if self.audience != "regulator" and secret:
            raise ValueError(
                f"columns: {secret} may not go to the {self.audience}: the classification is internal (HB 5)"
            )
        return self


class ExportsPolicy(Policy):
    """``exports.toml``: the receivers of a province's months."""

    receivers: tuple[Receiver, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> ExportsPolicy:
        ids = [r.id for r in self.receivers]
        if len(set(ids)) < len(ids):
            raise ValueError("receivers: an id is given twice")
        return self


def receiver_of(province: str, name: str) -> Receiver:
    """Return a receiver of a province.

    Raises
    ------
    LedgerError
        If the policy has none of that name; lists those there are.
    ConfigError
        If the policy is missing or wrong.
    """
    there = load_policy(province, "exports", ExportsPolicy).receivers
    for receiver in there:
        if receiver.id == name:
            return receiver
    ids = [r.id for r in there]
    raise LedgerError(f"{province} exports to no {name!r}; there are {', '.join(ids)}{did_you_mean(name, ids)}")


@dataclass(frozen=True)
class Exported:
    """What was written: the file, its rows, and the manifest beside it."""

    file: Path
    rows: int
    manifest: dict[str, Any]


def export(
    ledger: Ledger, month: str, receiver: Receiver, folder: Path, *, since: str | None = None, form: Form = "csv"
) -> Exported:
    """Write what a receiver gets of a published month.

    Parameters
    ----------
    ledger, month
        The month, by its latest revisions.
    receiver
        Who gets it.
    folder
        Where the file and its manifest go.
    since
        A published month: only what is other than in it, with a column ``change``: new, changed or gone.
    form
        csv or parquet.

    Raises
    ------
    LedgerError
        If a month is not published, or a delta is asked for without the id or code that rows are told apart by.
    ConfigError
        If the file can't be written there.
    """
    now, before = ledger.month(month), ledger.month(since) if since else None
    stem = f"{ledger.place.province}_{receiver.id}_{month}" + (f"_since_{since}" if since else "")
    file = folder / f"{stem}.{form}"
    check_output(file)
    sql = _whole(now, receiver) if before is None else _delta(now, before, receiver)
    options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet, COMPRESSION zstd"
    fresh = file.with_name(f".{file.name}.new")
    con = connect()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        [(rows,)] = con.execute(f"COPY ({sql}) TO {literal(str(fresh))} ({options})").fetchall()
        fresh.replace(file)
    except duckdb.Error as err:
        raise LedgerError(f"{file}: the export can't be written: {err}") from err
    finally:
        con.close()
        fresh.unlink(missing_ok=True)
    about = {
        "receiver": receiver.id,
        "receiver_zh": receiver.zh,
        "article": receiver.article,
        "province": ledger.place.province,
        "month": month,
        "since": since,
        "ledger_manifest": now.manifest_hash,
        "columns": [*receiver.columns, *(["change"] if since else [])],
        "rows": rows,
        "file": file.name,
        "sha256": sha256(file),
    }
    write_whole(folder / f"{stem}.manifest.json", json.dumps(about, ensure_ascii=False, indent=1) + "\n")
    return Exported(file, rows, about)


def _whole(month: Month, receiver: Receiver) -> str:
    columns = ", ".join(map(quote, receiver.columns))
    # Without ids the order of the ledger would tell who is who: sorted by what is shown.
    order = "enterprise_id" if "enterprise_id" in receiver.columns or "uscc" in receiver.columns else "ALL"
    return f"SELECT {columns} FROM {month.latest_sql()} ORDER BY {order}"


def _delta(now: Month, before: Month, receiver: Receiver) -> str:
    if not {"enterprise_id", "uscc"} & set(receiver.columns):
        raise LedgerError(f"{receiver.id} gets neither ids nor codes: changes can't be told apart; export it whole")
    differ = " OR ".join(f"n.{quote(c)} IS DISTINCT FROM b.{quote(c)}" for c in receiver.columns)
    new = ", ".join(f"n.{quote(c)} AS {quote(c)}" for c in receiver.columns)
    old = ", ".join(f"b.{quote(c)} AS {quote(c)}" for c in receiver.columns)
    return f"""SELECT * EXCLUDE (key) FROM (
        SELECT n.enterprise_id AS key, {new}, CASE WHEN b.enterprise_id IS NULL THEN 'new' ELSE 'changed' END AS change
        FROM {now.latest_sql()} n LEFT JOIN {before.latest_sql()} b USING (enterprise_id)
        WHERE b.enterprise_id IS NULL OR {differ}
        UNION ALL SELECT b.enterprise_id, {old}, 'gone' FROM {before.latest_sql()} b
        ANTI JOIN {now.latest_sql()} n USING (enterprise_id)) ORDER BY key"""
