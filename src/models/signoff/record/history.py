"""History: the whole record, verified; its chain, its length, and every line as if it were to be written now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from models.signoff.errors import ApprovalError
from models.signoff.record import entries as record
from models.signoff.record import rules
from models.signoff.record.entries import HEAD, Entry, record_path
from models.signoff.record.signed import Lists
from models.signoff.record.signers import Signers, load_signers
from models.tracking import versions
from models.tracking.store import Store


@dataclass(frozen=True)
class History:
    """The record, verified.

    Parameters
    ----------
    entries
        Oldest first.
    head
        ``<number> <hash of the last>``: kept elsewhere, it shows a record that lost its end.
    lists
        Province to the list of signers as it is now.
    """

    entries: list[Entry]
    head: str
    lists: dict[str, Signers]

    def under_another_list(self, entry: Entry) -> bool:
        """Tell whether the list of signers has changed since an entry was signed."""
        return entry.policies.get("signers") not in (None, self.lists[entry.province].hash)


def lists(store: Store) -> Lists:
    """A province's list, read once for one reading of the record."""
    return lru_cache(maxsize=None)(partial(load_signers, store))


def read_beside(store: Store, pointers: Mapping[str, versions.Pointers]) -> History:
    """Return the verified record, held against pointers that were read before it.

    In this order, a line written meanwhile makes the record longer than its head says, never shorter.
    """
    path = record_path(store)
    entries = record.read_chain(path)
    # Every model that was ever signed for keeps the head; of several, one that a cleaning-up took away is no loss.
    heads = {name: p.tags[HEAD] for name, p in pointers.items() if HEAD in p.tags}
    for name, head in heads.items() or [("", None)]:
        record.check_head(
            path, entries, head, f"the model registry ({name})" if len(heads) > 1 else "the model registry"
        )
    return _held(store, entries)


def read_alone(store: Store, head: str | None) -> History:
    """Return the verified record without asking the registry.

    Parameters
    ----------
    store
        Whose record.
    head
        ``<number> <hash>`` kept beside it; None where none is kept yet.

    Raises
    ------
    ApprovalError
        As `read`.
    """
    path = record_path(store)
    entries = record.read_chain(path)
    if head is not None:
        record.check_head(path, entries, head, "the head kept beside it")
    return _held(store, entries)


def _held(store: Store, entries: list[Entry]) -> History:
    """Hold every line of a record as if it were to be written now."""
    path = record_path(store)
    known = lists(store)
    for number, entry in enumerate(entries):
        try:
            rules.admit(entry, entries[:number], known)
        except ApprovalError as err:
            raise type(err)(
                f"{path}, line {number + 1}, {entry.action} of version {entry.version} by {entry.by}: {err}",
                f"line {number + 1} of the approval record does not hold",
            ) from err
    return History(entries, record.head_of(entries), {e.province: known(e.province) for e in entries})


def read(store: Store, head: str | None = None) -> History:
    """Return the whole record after verifying every line.

    Parameters
    ----------
    head
        A head kept elsewhere (`History.head`, or its hash alone), which the record must still hold.

    Raises
    ------
    ApprovalError
        If a line was changed, removed or put in, is not signed by a listed key good on that day, or breaks a rule;
        or if lines are missing at the end. The message names line and person.
    """
    found = read_beside(store, versions.pointers(store))
    if head is not None:
        record.check_head(record_path(store), found.entries, head, "the head you gave")
    return found


def history(store: Store) -> list[Entry]:
    """Return the verified record's entries, oldest first; see `read` for the errors."""
    return read(store).entries
