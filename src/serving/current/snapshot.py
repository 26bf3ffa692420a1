"""Snapshot of what is served, renewed after an approval, a withdrawal or a new month's table.

A thread looks at the approval record, its signers and the table every second or so (`stat` calls) and reloads when they
changed; a request only picks up the newest snapshot and never waits. Only what two people signed
(`models.signoff.export`) is ever served: where it refuses (files changed since approval, a broken record), the rules
answer and say why.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property

from features.catalogue import Indicator, catalogue_for, catalogue_hash
from features.errors import ConfigError, FenleiError
from features.policies import cohort_policy, features_policy, outcomes_policy
from features.policy import policy_hash
from models.scoring.classification import FallbackCode
from models.scoring.overridden import NO_OVERRIDES, Overrides
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import POLICIES, ProvinceRules, load_rules
from models.signoff import approval, export
from models.signoff import confirmations as confirmation_record
from models.signoff import overrides as override_record
from models.signoff.confirmations import NOTHING_CONFIRMED, Confirmed
from models.signoff.errors import HashMismatch
from models.signoff.record.signers import signers_path
from serving.current.files import Signature, signature
from serving.current.policy import ServingPolicy, serving_policy
from serving.current.ready import Ready
from serving.current.served import NO_MODEL, Served, Signed
from serving.current.table import CurrentTable, known_of
from serving.current.tables import NO_TABLE, OneTable, Source, Tables
from serving.settings import Settings

log = logging.getLogger("fenlei.serving")

TRIES = 3
"""Times the policies are read again when they changed while they were read."""

PATIENCE = 2.0
"""Seconds to give a sign-off that is under way: the record is written before the alias."""


@dataclass(frozen=True)
class Snapshot:
    """What one request is answered from, unchanging.

    Parameters
    ----------
    served
        Model or rules.
    rules
        The province's bands, points and direct rules: one request sees one set of them.
    table
        The current indicator table, if there is a usable one.
    no_table
        Else why not; with a table, why an older month is served than lies there.
    policy
        When the rules answer in the model's place.
    overrides
        What officials decided for single enterprises (HB 8).
    no_overrides
        Why the record of overrides or of confirmations can't be taken as it is now; what was read last goes on
        holding. Empty: both can.
    confirmed
        Records that a person confirmed with a signature (H12.4).
    """

    served: Served
    rules: ProvinceRules
    table: CurrentTable | None
    no_table: str
    policy: ServingPolicy = field(default_factory=ServingPolicy)
    overrides: Overrides = NO_OVERRIDES
    no_overrides: str = ""
    confirmed: Confirmed = NOTHING_CONFIRMED

    @cached_property
    def columns(self) -> dict[str, int]:
        """Indicators that a row may give, and where each stands in it."""
        return {name: k for k, name in enumerate(self.catalogue)}

    @cached_property
    def catalogue(self) -> dict[str, Indicator]:
        """Indicators that a row may give."""
        return known_of(self.served.province)

    @cached_property
    def ready(self) -> Ready:
        """What answers, made ready for rows of these columns."""
        return Ready(list(self.columns), self.served, self.rules, policy=self.policy)


def load_policies(province: str) -> ProvinceRules:
    """Read every policy that answers of a province rest on, and return its rules.

    Raises
    ------
    features.errors.ConfigError
        If one is missing or wrong: a service would find out at the first question.
    """
    try:
        rules = load_rules(province)
        for load in (features_policy, outcomes_policy, cohort_policy, serving_policy):
            load(province)
        return rules
    except ConfigError as err:
        raise ConfigError(f"province {province!r} can't be served: {err}") from err


class State:
    """Holds the newest snapshot; `start` keeps it new.

    Parameters
    ----------
    settings
        Of the service.
    source
        Where tables come from, such as a ledger; None: the one that the settings name, if any.

    Raises
    ------
    features.errors.ConfigError
        If the province's policies are missing or wrong.
    """

    def __init__(self, settings: Settings, source: Source | None = None) -> None:
        if source is None and settings.table is not None:
            source = OneTable(settings.table, settings)
        self._tables = Tables(settings.province, source)
        self._store = settings.store
        self._rules = load_policies(settings.province)
        self._policy = serving_policy(settings.province)
        self.settings = settings
        self._refreshing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._record: tuple[Signature | None, Signature | None, str] = (None, None, "")
        self._override_head: str | None = None
        self._people_record: tuple[Signature | None, Signature | None, Signature | None] | None = None
        self._checked = 0.0
        self._failing_since: float | None = None
        self._snapshot = Snapshot(Served(settings.province), self._rules, None, NO_TABLE, self._policy)
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
            signers = signature(signers_path(self._store, self.settings.province))
            record = (signature(approval.record_path(self._store)), signers, self._policies())
            stale = now - self._checked >= self.settings.recheck_seconds or self._failing_since is not None
            if force or stale or record != self._record:
                self._rules, policies = self._read_rules()
                served = self._served(now, policies, settled=force)
                self._record, self._checked = (*record[:2], policies), now
            else:
                served = self._snapshot.served
            table, no_table = self._tables.look()
            try:
                self._policy = serving_policy(self.settings.province)
            except ConfigError as err:
                log.warning("the policy of serving stays as it was read last: %s", err)
            before, people = self._snapshot, self._people(signers, force=force)
            fresh = Snapshot(served, self._rules, table, no_table, self._policy, *people)
            if fresh == before:
                return before
            # Here, not in the first call: the booster is read, and all that does not change is laid out.
            _ = fresh.ready
            self._snapshot = fresh
            if served != before.served:
                log.info("now serving: %s", f"model version {served.version}" if served.model else served.why)
            return self._snapshot

    def _read_rules(self) -> tuple[ProvinceRules, str]:
        """Return the rules as the policies say now, and the hash of the very files that they were read from.

        Where the files can't be read, or are written while they are, those read last go on answering, and no model was
        signed under what can't be told.
        """
        for _ in range(TRIES):
            policies = self._policies()
            try:
                rules = load_rules(self.settings.province)
            except ConfigError as err:
                log.warning("the rules stay as they were read last: %s", err)
                return self._rules, ""
            if policies == self._policies():
                return rules, policies
        log.warning("the rules stay as they were read last: the policies are being written")
        return self._rules, ""

    def _policies(self) -> str:
        """Hash of the policies as they are now; empty when they can't be read, which no model was signed under."""
        try:
            return policy_hash(self.settings.province, *POLICIES)
        except (ConfigError, OSError) as err:
            log.warning("%s", err)
            return ""

    def _served(self, now: float, policies: str, *, settled: bool) -> Served:
        province = self.settings.province
        try:
            found = self._in_force()
        except FenleiError as err:
            self._failing_since = self._failing_since or now
            if not settled and now - self._failing_since < PATIENCE:
                return self._snapshot.served
            # The whole message is for the operator: it may name files of this machine.
            log.warning("the approved model is not served: %s", err)
            short = err.short if isinstance(err, approval.ApprovalError) else "its files can't be read"
            code: FallbackCode = "model_unreadable"
            if isinstance(err, approval.ApprovalError):
                code = "hash_mismatch" if isinstance(err, HashMismatch) else "not_as_signed"
            return Served(province, why=f"the approved model is not served: {short}", code=code)
        self._failing_since = None
        if found is None:
            return Served(province, why=NO_MODEL)
        model, version, signed = found
        otherwise = ""
        if model.catalogue_hash != catalogue_hash(catalogue_for(model.indicator_names, province)):
            # Columns may still be there and mean something else: not what was signed.
            otherwise = "with another catalogue"
        elif model.policy_hash != policies:
            otherwise = "under other policies than hold now"
        elif not model.bands.same_bands(self._rules.bands):
            otherwise = "with other cuts than hold now"
        if otherwise:
            why = f"approved version {version} was signed {otherwise}"
            return Served(province, why=why, code="signed_otherwise")
        before = self._snapshot.served
        if before.model is not None and before.version == version and before.model.version == model.version:
            return before
        return Served(province, model, version, "", None, signed)

    def _in_force(self) -> tuple[RiskModel, str, tuple[Signed, ...]] | None:
        """Return the model in force, its version and who signed it, from the record and the files beside it alone.

        MLflow is asked only for a version approved before such files were kept.
        """
        province = self.settings.province
        try:
            found = export.in_use_without_registry(self._store, province)
        except export.NotExported:
            approved = approval.approved_model(self._store, province)
            if approved is None:
                return None
            acts = export.pair_of(approved[1], approval.history(self._store)) or ()
            return *approved, tuple(Signed(act.action, act.by, act.on) for act in acts)
        if found is None:
            return None
        acts = found.proposal, found.approval
        return found.model, found.version, tuple(Signed(act.action, act.by, act.on) for act in acts)

    def _people(self, signers: Signature | None, *, force: bool) -> tuple[Overrides, str, Confirmed]:
        """Return overrides and confirmations, read again when one of their records or the list of signers changed."""
        before, province = self._snapshot, self.settings.province
        records = (override_record.record_path(self._store), confirmation_record.record_path(self._store))
        seen = (signature(records[0]), signature(records[1]), signers)
        if seen == self._people_record and not force:
            return before.overrides, before.no_overrides, before.confirmed
        self._people_record = seen
        try:
            # What was seen to stand there must still: lines cut off the end would end an override, or bring one back.
            lines = override_record.read(self._store, self._override_head)
            confirmed = confirmation_record.load_confirmations(self._store, province)
            self._override_head = override_record.head_of(lines)
            return override_record.overrides_of(lines, province), "", confirmed
        except FenleiError as err:
            log.warning("overrides and confirmations stay as they were read last: %s", err)
            short = err.short if isinstance(err, approval.ApprovalError) else "the list of signers can't be read"
            return before.overrides, short, before.confirmed
