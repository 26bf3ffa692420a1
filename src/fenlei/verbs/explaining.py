"""Reading of one enterprise's case, from a folder of records or from a month's indicator table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.contract.identity import holds_identity_number
from features.errors import ConfigError, SourceError
from features.records.store import RecordStore
from features.scope import Scope
from models.reporting.case import Case, Month, Texts

if TYPE_CHECKING:
    from features.table.comparisons import Comparisons
    from models.scoring.classification import Classification
    from models.scoring.risk_model import RiskModel
    from models.scoring.rules.province import ProvinceRules
    from models.tracking.store import Store

Say = Callable[[str], None]

ALL = 999
"""Reasons to take: the page says which it leaves out."""

_OWNERS = ("individual_business", "sole_proprietorship")
"""Legal forms whose name may be the owner's: it is not shown."""


class Explainer:
    """Classifies single enterprises of a province by its approved model, or by the rules.

    Parameters
    ----------
    province
        Whose policies hold.
    store
        Where an approved model may be; None lets the rules answer.
    comparisons
        What values are compared with; None: with nothing.
    """

    def __init__(self, province: str, store: Store | None, comparisons: Comparisons | None) -> None:
        from models.scoring.rules.province import load_rules

        self.province, self.comparisons = province, comparisons
        self.rules: ProvinceRules = load_rules(province)
        self.model: RiskModel | None = None
        self.fallback: str | None = "no store of models is named"
        self.signed = Texts(("rules: signed as a policy, not as a model",), ("规则作为政策发布，不单独签署模型",))
        if store is not None:
            self._load(store)

    def _load(self, store: Store) -> None:
        from models.signoff.approval import approved_model, history, in_force

        approved = approved_model(store, self.province)
        self.fallback = None if approved else f"no model is approved for {self.province}"
        if approved is None:
            return
        self.model, entries = approved[0], history(store)
        entry = in_force(entries, self.province)
        assert entry is not None  # a model is approved by it
        proposed = [e for e in entries if e.version == entry.version and e.action in ("propose", "back")][-1]
        self.signed = Texts(
            (f"proposed by {proposed.by} on {proposed.on}; approved by {entry.by} on {entry.on}",),
            (f"提请：{proposed.by}，{proposed.on}；批准：{entry.by}，{entry.on}",),
        )

    def classify(self, frame: pd.DataFrame) -> list[Classification]:
        """Classify rows, with all reasons."""
        from models.scoring.classify import classify_frame

        fallback = None if self.model is not None else self.fallback
        return classify_frame(frame, self.model, self.rules, top=ALL, fallback=fallback, comparisons=self.comparisons)

    def case(self, frame: pd.DataFrame, cutoff: date) -> Case:
        """Make a case of the rows of one enterprise: the one at the cut-off, and earlier ones as its history."""
        answers = {answer.cutoff: answer for answer in self.classify(frame)}
        found = answers.pop(cutoff)
        months = tuple(Month(day, one.score, one.grade) for day, one in sorted(answers.items()))
        bands = self.rules.bands
        return Case(found, bands.cuts, bands.closed, history=months, signed=self.signed)


def from_table(table: Path, enterprise: str, cutoff: date, explainer: Explainer) -> Case:
    """Read a case from a month's indicator table: without records, which the table does not hold.

    Raises
    ------
    SourceError
        If it is no indicator table, is of another month, or lacks the enterprise.
    """
    from features.table.month import read_table

    frame, about = read_table(table)
    if about["cutoff"] != cutoff.isoformat():
        raise SourceError(
            f"{table} is the table of {about['cutoff']}, not of {cutoff}: write that month's with `fenlei features`"
        )
    ids = frame.index.get_level_values("enterprise_id")
    here = frame[(ids == enterprise) | (frame["uscc"] == enterprise).to_numpy()]
    if here.empty:
        raise _unknown(enterprise, f"{table}, {len(frame):,} enterprises")
    code = here["uscc"].iloc[0]
    return replace(explainer.case(here.head(1), cutoff), code=_safe(code))


def from_records(
    store: RecordStore, where: Path, enterprise: str, cutoff: date, months: int, explainer: Explainer, say: Say
) -> Case:
    """Read a case from records: indicators of this month and earlier ones, and the records behind them.

    Raises
    ------
    SourceError
        If no enterprise of that id or code was known at the cut-off, or it is not one that is classified.
    """
    from features.engine.duckdb_engine import evaluate
    from features.population.cohort import cohort

    scope = Scope(explainer.province, peers=_peers(explainer))
    enterprise_id, name, code = _entry(store, where, enterprise, cutoff)
    begin = store.covers_from["registration"]
    earlier = [day for day in (_before(cutoff, k) for k in range(months - 1, 0, -1)) if day > begin]
    say("who is classified")
    everyone = cohort(store, [*earlier, cutoff], Scope(explainer.province))
    pairs = everyone[everyone["enterprise_id"] == enterprise_id]
    if cutoff not in {pd.Timestamp(day).date() for day in pairs["cutoff"]}:
        raise SourceError(
            f"{enterprise}: known, but not one of the {len(everyone):,} that are classified at {cutoff} (cohort.toml)"
        )
    frame = evaluate(store, pairs, scope, progress=say)
    case = replace(explainer.case(frame, cutoff), name=name, code=code)
    say("records behind the reasons")
    return _with_records(store, case, explainer)


def _with_records(store: RecordStore, case: Case, explainer: Explainer) -> Case:
    from features.catalogue import catalogue_of
    from features.catalogue.sectors import own_of
    from features.policies import features_policy
    from features.table.behind import evidence_rows, records_behind

    province, found = explainer.province, case.found
    catalogue = catalogue_of(features_policy(province), own_of(province), peers=True)
    named = [catalogue[r.indicator] for r in found.reasons if r.indicator in catalogue]
    behind = records_behind(store, found.enterprise_id, found.cutoff, named, province)
    evidence = [record for hit in found.determinations for record in hit.evidence]
    rows = evidence_rows(store, found.enterprise_id, found.cutoff, evidence, province)
    return replace(case, behind=behind, evidence=rows)


def _entry(store: RecordStore, where: Path, enterprise: str, cutoff: date) -> tuple[str, str, str]:
    """Return id, name and code of the enterprise of an id or a social credit code, as known before the cut-off."""
    found = store.con.execute(
        """SELECT enterprise_id, name, uscc, enterprise_type FROM raw_registration
        WHERE known_at < ? AND (enterprise_id = ? OR uscc = ?) ORDER BY known_at DESC, version DESC LIMIT 1""",
        [cutoff, enterprise, enterprise],
    ).fetchone()
    if found is None:
        raise _unknown(enterprise, f"{where}, as known before {cutoff}")
    enterprise_id, name, code, legal_form = found
    return str(enterprise_id), "" if legal_form in _OWNERS else _safe(name), _safe(code)


def _safe(text: object) -> str:
    return text if isinstance(text, str) and not holds_identity_number(text, code=True) else ""


def _unknown(enterprise: str, where: str) -> SourceError:
    from features.contract.identity import masked

    return SourceError(f"{masked(enterprise, code=True)}: no enterprise of this id or social credit code in {where}")


def _peers(explainer: Explainer) -> bool:
    from features.catalogue import RECENT

    return explainer.model is not None and any(name in RECENT for name in explainer.model.indicator_names)


def _before(cutoff: date, months: int) -> date:
    return (pd.Timestamp(cutoff) - pd.DateOffset(months=months)).date()


def check_source(source: Path) -> None:
    """Refuse what is neither a folder nor a file.

    Raises
    ------
    ConfigError
        With what was expected.
    """
    if not source.exists():
        raise ConfigError(
            f"{source}: no such folder or file; expected a folder of records, or a table of `fenlei features`"
        )
