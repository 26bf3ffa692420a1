"""Search for the fewest lawful acts that bring enterprises at least one class down.

Sets of one, two and three acts are all tried, smaller ones first, so that none smaller is overlooked; of those of one
size that help, the one with the lowest score is given. An act brings along what it needs, which counts. Where no set
of three helps, all acts are done, and where that helps those that are not needed are taken away again, first what
helps least alone: a small set, not surely the smallest. Acts beyond the policy's ``most`` are left out, those with the
least gain alone first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from features.engine.record.record import Record
from features.policies import FeaturesPolicy, features_policy
from models.remedies.changes import REPORTS, Touched, as_known, done
from models.remedies.policy import Act, Acts, load_acts
from models.remedies.result import Done, Remedies, touched_record
from models.remedies.variants import Judge, Standing, standings
from models.remedies.waiting import waiting_of
from models.scoring.classification import GRADES

EXACT = 3
"""Sets of up to so many acts are all tried."""

Chosen = tuple[str, ...]
"""Acts, in the policy's order."""


@dataclass
class _Case:
    """One enterprise during the search; ``open`` holds the acts in which there is something to do, ``possible`` those
    of them that are tried."""

    record: Record
    acts: Acts
    features: FeaturesPolicy
    open: dict[str, list[Touched]]
    before: Standing
    possible: Chosen = ()
    tried: dict[Chosen, Standing] = field(default_factory=dict)
    found: Chosen = ()
    exact: bool = True

    def closed(self, names: Iterable[str]) -> Chosen:
        """Return acts with what they need, where there is something to do in it, in the policy's order."""
        asked = set(names)
        needed = {need for act in self.acts.acts if act.id in asked for need in act.needs}
        asked |= needed & set(self.open)
        return tuple(act.id for act in self.acts.acts if act.id in asked)

    def after(self, chosen: Chosen) -> Record:
        return done(self.record, self._acts(chosen), self.features)[0]

    def touched(self, chosen: Chosen) -> dict[str, list[Touched]]:
        """Return what each act touches, done one after the other."""
        record, found = self.record, {}
        for act in self._acts(chosen):
            record, found[act.id] = done(record, [act], self.features)
        return found

    def _acts(self, chosen: Chosen) -> list[Act]:
        # What an act needs is done before it.
        acts = [self.acts.named(name) for name in chosen]
        return sorted(acts, key=lambda act: bool(act.needs))

    def helps(self, chosen: Chosen) -> bool:
        return GRADES.index(self.tried[chosen].grade) < GRADES.index(self.before.grade)

    def gain(self, chosen: Chosen) -> float:
        return self.before.score - self.tried[chosen].score


def remedies_of(
    records: Sequence[Record], judge: Judge, *, acts: Iterable[str] | None = None, wait: bool = True
) -> list[Remedies]:
    """Find, for each enterprise, the fewest acts that bring it at least one class down, or what it waits for.

    Parameters
    ----------
    records
        Of n enterprises, as a calling system holds them or `features.extract_context` takes them from a folder.
    judge
        Who classifies: the model and the rules of a province.
    acts
        Names of the acts to try; None: all of the province's ``acts.toml``.
    wait
        Look for the month in which a record stops counting, where no act helps.

    Returns
    -------
    list of Remedies
        In the order of the records.

    Raises
    ------
    features.errors.ConfigError
        If an act is unknown to the policy; names it and the known ones.
    features.errors.RecordError
        If a record's rows don't fit the contract.
    """
    province = judge.rules.province
    policy, features = load_acts(province).chosen(acts), features_policy(province)
    known = [as_known(record) for record in records]
    cases = [
        _Case(record, policy, features, _open(record, policy, features), before)
        for record, before in zip(known, standings(known, judge), strict=True)
    ]
    for case in cases:
        case.possible = tuple(case.open)
    _search([case for case in cases if case.before.grade != GRADES[0] and case.possible], judge)
    waits = [case for case in cases if wait and not case.found and case.before.grade != GRADES[0]]
    waited = waiting_of([case.record for case in waits], [case.before for case in waits], judge, policy)
    of = {id(case): one for case, one in zip(waits, waited, strict=True)}
    return [_result(case).model_copy(update={"waiting": of.get(id(case))}) for case in cases]


def after_acts(record: Record, judge: Judge, acts: Sequence[str]) -> Remedies:
    """Return where one enterprise would stand after named acts, whether or not they bring it a class down.

    Parameters
    ----------
    record
        As a calling system holds it.
    judge
        Who classifies.
    acts
        Names of the acts to do, all of them, each with what it needs; one in which there is nothing to do is left out.

    Raises
    ------
    features.errors.ConfigError
        If an act is unknown to the policy.
    """
    policy, features = load_acts(judge.rules.province).chosen(acts), features_policy(judge.rules.province)
    known = as_known(record)
    [before] = standings([known], judge)
    case = _Case(known, policy, features, _open(known, policy, features), before)
    case.found = case.closed(name for name in acts if name in case.open)
    if case.found:
        _try([case], judge, lambda one: [one.found])
    return _result(case)


def _open(record: Record, policy: Acts, features: FeaturesPolicy) -> dict[str, list[Touched]]:
    """Return the acts in which there is something to do, and what each touches for itself."""
    touched = {act.id: done(record, [act], features)[1] for act in policy.acts}
    return {name: records for name, records in touched.items() if records}


def _try(cases: Sequence[_Case], judge: Judge, wanted: Callable[[_Case], Iterable[Chosen]]) -> None:
    """Compute the sets that each case wants and has not tried yet, all in few calls."""
    asked = [(case, chosen) for case in cases for chosen in dict.fromkeys(wanted(case)) if chosen not in case.tried]
    found = standings([case.after(chosen) for case, chosen in asked], judge)
    for (case, chosen), standing in zip(asked, found, strict=True):
        case.tried[chosen] = standing


def _search(cases: list[_Case], judge: Judge) -> None:
    _try(cases, judge, lambda case: [case.closed([name]) for name in case.possible])
    for case in cases:
        ranked = sorted(case.possible, key=lambda name: -case.gain(case.closed([name])))
        case.possible = tuple(act.id for act in case.acts.acts if act.id in ranked[: case.acts.most])
    waiting = cases
    for size in range(1, EXACT + 1):
        _try(waiting, judge, lambda case, size=size: _sets(case, size))  # type: ignore[misc]
        for case in waiting:
            helping = [chosen for chosen in case.tried if len(chosen) == size and case.helps(chosen)]
            case.found = min(helping, key=lambda chosen: (case.tried[chosen].score, chosen), default=())
        waiting = [case for case in waiting if not case.found]
    _from_all([case for case in waiting if len(case.closed(case.possible)) > EXACT], judge)


def _sets(case: _Case, size: int) -> list[Chosen]:
    """Return the sets of exactly so many acts, each with what it needs."""
    closed = (case.closed(some) for n in range(1, size + 1) for some in combinations(case.possible, n))
    return [chosen for chosen in closed if len(chosen) == size]


def _from_all(cases: list[_Case], judge: Judge) -> None:
    """Do everything, and take away again what is not needed."""
    _try(cases, judge, lambda case: [case.closed(case.possible)])
    helped = [case for case in cases if case.helps(case.closed(case.possible))]
    for case in helped:
        case.found, case.exact = case.closed(case.possible), False
    weakest = {id(case): sorted(case.found, key=lambda name: case.gain(case.closed([name]))) for case in helped}
    for step in range(max((len(names) for names in weakest.values()), default=0)):
        trying = [case for case in helped if step < len(weakest[id(case)])]

        def without(case: _Case, step: int = step) -> Chosen:
            return case.closed(name for name in case.found if name != weakest[id(case)][step])

        _try(trying, judge, lambda case: [without(case)])
        for case in trying:
            if case.helps(without(case)):
                case.found = without(case)


def _result(case: _Case) -> Remedies:
    after = case.tried[case.found] if case.found else case.before
    touched = case.touched(case.found)
    named = [case.acts.named(name) for name in case.found]
    return Remedies(
        enterprise_id=case.record.enterprise_id,
        cutoff=case.record.cutoff,
        score_before=case.before.score,
        grade_before=case.before.grade,
        acts=tuple(_done(act, touched[act.id]) for act in named),
        score_after=after.score,
        grade_after=after.grade,
        exact=case.exact,
        possible=tuple(_done(case.acts.named(name), records) for name, records in case.open.items()),
    )


def _done(act: Act, touched: Sequence[Touched]) -> Done:
    records = tuple(touched_record(one) for one in touched)
    told = [r for r in records if not r.added or r.table == REPORTS]
    en, zh = ("; ".join(r.text_en for r in told), "、".join(r.text_zh for r in told))
    days = "1 day" if act.days == 1 else f"{act.days} days"
    return Done(
        act=act.id,
        article=act.article,
        days=act.days,
        records=records,
        text_en=f"{act.en} ({act.article}; about {days})." + (f" Concerns: {en}." if en else ""),
        text_zh=f"{act.zh}（约需{act.days}日）。" + (f"涉及：{zh}。" if zh else ""),
    )
