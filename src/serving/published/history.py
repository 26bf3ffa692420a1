"""History of one enterprise in a ledger: every published class of it, and who answered."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from features.check.reading import literal
from features.records.store import connect
from serving.ledger.place import LedgerError
from serving.ledger.read import Ledger
from serving.ledger.record import Line
from serving.published.told import PublishedClass

_COLUMNS = (
    "covered", "grade", "computed_grade", "score_grade", "score", "probability", "override", "source", "fallback_code",
    "model", "registered", "policy", "determinations", "moved_class_by",
)  # fmt: skip


def history_of(root: Path, province: str, enterprise_id: str) -> tuple[PublishedClass, ...]:
    """Return every published row of an enterprise; none where no month has it.

    Raises
    ------
    LedgerError
        If the ledger's record was changed, or a month can't be read.
    """
    ledger = Ledger.open(root, province)
    place = ledger.place
    each: list[str] = []
    lines: list[Line] = []
    for month in ledger.months.values():
        for line in month.lines:
            files = literal(str(place.revision(month.month, line.revision) / "part-*.parquet"))
            # Rows are sorted by id: a reader passes over the groups that can't hold it.
            each.append(
                f"SELECT {len(lines)} AS line, {', '.join(_COLUMNS)} FROM read_parquet({files},"
                " hive_partitioning = false) WHERE enterprise_id = $who"
            )
            lines.append(line)
    if not each:
        return ()
    con = connect()
    try:
        found = con.execute(f"{' UNION ALL '.join(each)} ORDER BY line", {"who": enterprise_id}).df()
    except duckdb.Error as err:
        raise LedgerError(f"{root}: the ledger can't be read: {err}") from err
    finally:
        con.close()
    return tuple(
        PublishedClass(
            month=line.month,
            revision=line.revision,
            cause=line.why if line.revision else "",
            published_on=date.fromisoformat(line.on),
            released_by=line.by,
            determinations=tuple(filter(None, (_text(row["determinations"]) or "").split(";"))),
            probability=None if pd.isna(row["probability"]) else float(row["probability"]),
            **{name: _text(row[name]) for name in ("override", "fallback_code", "registered", "moved_class_by")},
            **{name: row[name] for name in ("covered", "score")},
            **{name: row[name] for name in ("grade", "computed_grade", "score_grade", "source", "model", "policy")},
        )
        for row in found.to_dict("records")
        for line in [lines[int(row["line"])]]
    )


def id_of_code(root: Path, province: str, code: str) -> list[str]:
    """Return the enterprises that a code was published with, for one that the current month does not hold."""
    ledger = Ledger.open(root, province)
    if not ledger.months:
        return []
    found = ledger.query("SELECT DISTINCT enterprise_id FROM ledger WHERE uscc = $code ORDER BY 1", {"code": code})
    return [str(one) for one in found["enterprise_id"]]


def _text(cell: Any) -> str | None:
    return cell if isinstance(cell, str) else None
