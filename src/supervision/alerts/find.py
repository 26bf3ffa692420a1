"""All warnings of a month: each kind's detector run on what was known at the cut-off."""

from __future__ import annotations

from datetime import date

from features.errors import ConfigError
from features.given import PathLike
from features.records.store import RecordStore, opened
from serving.ledger.place import month_of
from serving.ledger.read import Ledger
from supervision.alerts.alert import Alert
from supervision.alerts.changes import upheavals
from supervision.alerts.complaints import complaints
from supervision.alerts.jumps import jumps
from supervision.alerts.moment import Moment
from supervision.alerts.policy import KINDS, LEVELS, WarningsPolicy
from supervision.alerts.registration import batches
from supervision.alerts.sectors import sectors


def month_before(day: date) -> date:
    """Return the same day of the month before, or its last one."""
    year, month = (day.year - 1, 12) if day.month == 1 else (day.year, day.month - 1)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise AssertionError


def find_alerts(
    source: PathLike | RecordStore,
    cutoff: date,
    policy: WarningsPolicy,
    *,
    ledger: Ledger | None = None,
    since: date | None = None,
) -> list[Alert]:
    """Find the warnings of a month, or of what became known lately.

    Parameters
    ----------
    source
        Clean folder or open store.
    cutoff
        Nothing known on it or later counts.
    policy
        The province's.
    ledger
        Whose published month of the cut-off is looked through for jumps; None: no jumps.
    since
        Only warnings with evidence known on this day or later; None: a month before the cut-off.

    Returns
    -------
    list of Alert
        The gravest first, then by kind, place and evidence.

    Raises
    ------
    ConfigError
        If ``since`` is not before the cut-off, or the records don't reach it.
    LedgerError
        If the ledger has not published the month.
    """
    begin = since or month_before(cutoff)
    if begin >= cutoff:
        raise ConfigError(
            f"--since {begin} is not before the cut-off {cutoff}: nothing known on that day or later counts"
        )
    month = month_of(cutoff) if ledger else ""
    if ledger:
        ledger.month(month)
    with opened(source) as store:
        moment = Moment.at(store, cutoff, begin)
        found = (
            batches(moment, policy.registration)
            + upheavals(moment, policy.changes)
            + complaints(moment, policy.complaints)
            + (jumps(moment, ledger, month, policy.jumps) if ledger else [])
            + sectors(moment, policy.sectors)
        )
    alerts = [each.judged(policy) for each in found]
    return sorted(alerts, key=lambda a: (-LEVELS.index(a.level), KINDS.index(a.kind), a.region, a.core))
