"""Records of chosen enterprises out of a clean folder, with what other enterprises' records make of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from features.engine.plan import REGISTER
from features.engine.record.record import Record, extract_context
from features.errors import SourceError
from features.given import PathLike
from features.records.store import RecordStore, opened
from features.scope import Scope


def records_of(
    source: PathLike | RecordStore, enterprise_ids: Sequence[str], cutoff: date, scope: Scope
) -> list[Record]:
    """Return the records of enterprises as a calling system would hold them.

    Parameters
    ----------
    source
        Clean folder, or an open store.
    enterprise_ids
        Of n enterprises, each once.
    cutoff, scope
        When, and whose policies hold.

    Raises
    ------
    SourceError
        If one is given twice, or has no entry in the register that was known before the cut-off; names all of those.
    """
    twice = sorted({e for e in enterprise_ids if list(enterprise_ids).count(e) > 1})
    if twice:
        raise SourceError(f"enterprises given twice: {', '.join(twice)}")
    with opened(source) as store:
        _hold_known(store, enterprise_ids, cutoff)
        return extract_context(store, list(enterprise_ids), cutoff, scope)


def _hold_known(store: RecordStore, enterprise_ids: Sequence[str], cutoff: date) -> None:
    chosen = ", ".join("?" for _ in enterprise_ids)
    sql = f"SELECT DISTINCT enterprise_id FROM raw_{REGISTER} WHERE known_at < ? AND enterprise_id IN ({chosen})"
    known = {row[0] for row in store.con.execute(sql, [cutoff, *enterprise_ids]).fetchall()}
    unknown = [e for e in enterprise_ids if e not in known]
    if unknown:
        where = "in the register" if store.folder is None else f"in {store.folder}"
        raise SourceError(f"no enterprise {', '.join(unknown)} {where} that was known before {cutoff}")
