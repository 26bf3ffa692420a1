"""Difference of two policies on a month's table: who moves class, from where to where, and why, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import ConfigError
from features.policy import policies_from, policy_hash
from features.population.groups import enterprise_groups, groups_policy
from models.arrays import Floats
from models.scoring.bands import BandPolicy, freeze_score_map
from models.scoring.classification import GRADES
from models.scoring.risk_model import RiskModel
from models.scoring.rules.province import POLICIES, ProvinceRules, load_rules
from models.scoring.rules.scorecard import TENTHS

Indices = NDArray[np.intp]
CAUSES = ("determination", "cut", "scorecard", "known", "several")
"""What a move can rest on: a direct rule, the bands, the scorecard, how much must be known, or several of these."""
ENTRIES = 3
"""Entries of a scorecard that a reason names, those that changed the points most."""
OF_THE_TABLE = ("cohort", "features", "outcomes")
"""Policies that decide the table itself: what they change shows only in a table computed under them."""


@dataclass(frozen=True)
class Policies:
    """One set of policies: whose, the file hashes by name, and the rules they make."""

    given: str
    province: str
    hashes: dict[str, str]
    rules: ProvinceRules


def load_policies(given: str, province: str | None = None) -> Policies:
    """Load the policies of a province name, of a province's folder, or of a folder of provinces' folders.

    Parameters
    ----------
    given
        A name such as hebei: what is in force. A folder with bands.toml or province.toml: that province's. Another
        folder: what stands in it under the province named. What a folder does not state comes from its ``base``.
    province
        Whose, in a folder of several.

    Raises
    ------
    ConfigError
        If there are none, or one is wrong; names file and line.
    """
    path = Path(given)
    root: Path | None = None
    if path.is_dir():
        own = any((path / f"{name}.toml").is_file() for name in ("bands", "province"))
        root = path.absolute().parent if own else path.absolute()
        places = [path.absolute().name] if own else sorted({p.parent.name for p in root.glob("*/*.toml")})
        if own and province not in (None, places[0]):
            raise ConfigError(f"{given} holds the policies of {places[0]}, not of {province}")
        if province is None and len(places) != 1:
            raise ConfigError(f"{given}: say --province; it has policies of {', '.join(places) or 'no place'}")
        province = province or places[0]
    elif path.suffix or len(path.parts) > 1:
        raise ConfigError(f"{given}: no such folder; expected a folder of policies or the name of a province")
    else:
        province = given
    with policies_from(root):
        rules = load_rules(province)
        homes = {"scorecard": rules.bands.scorecard, "determinations": rules.bands.determinations}
        hashes = {name: policy_hash(homes.get(name, province), name) for name in POLICIES}
    return Policies(given, province, hashes, rules)


@dataclass(frozen=True)
class _Judged:
    """Rows under one set of policies: scores and classes by step, points by entry (none of a model), rules hit."""

    score: Floats
    by_score: Indices
    enough: NDArray[np.bool_]
    grade: Indices
    points: dict[str, Floats]
    hits: dict[str, tuple[int, NDArray[np.bool_]]]


def _judge(frame: pd.DataFrame, rules: ProvinceRules, model: RiskModel | None, usable: NDArray[np.bool_]) -> _Judged:
    card = rules.scorecard.evaluate(frame)
    score, known = card.score.copy(), (~card.missing).mean(axis=1)
    if model is not None and usable.any():
        values = model.read(frame)
        margin = model.margin(values[usable])
        score[usable] = np.round(_under(model, rules.bands, margin).score(margin), 1)
        known[usable] = (~np.isnan(values[usable])).mean(axis=1)
    by_score = rules.bands.grade_index(score)
    enough = known >= rules.bands.minimum_known
    grade = np.where(enough, by_score, np.maximum(by_score, GRADES.index("B")))
    hits = {}
    for rule in rules.determinations.active:
        if rule.column not in frame.columns:
            continue
        hit = frame[rule.column].fillna("").astype(str).str.strip(";").ne("").to_numpy()
        hits[rule.id] = (GRADES.index(rule.grade), hit)
        grade = np.where(hit, np.maximum(grade, GRADES.index(rule.grade)), grade)
    points = {name: card.tenths[:, j] / TENTHS for j, name in enumerate(rules.scorecard.indicators)}
    points["base"] = np.full(len(frame), card.base / TENTHS)
    return _Judged(score, by_score, enough, grade, points, hits)


def _under(model: RiskModel, bands: BandPolicy, margin: Floats) -> RiskModel:
    """Return the model as it would be signed under other bands, the table's rows being the population."""
    if model.bands == bands:
        return model
    reach = (model.score_map.margins[0], model.score_map.margins[-1])
    return model.model_copy(
        update={"bands": bands, "score_map": freeze_score_map(bands, margin, reach, model.calibrator)}
    )


@dataclass(frozen=True)
class PolicyDiff:
    """What a change of policy would do to a table's enterprises.

    Parameters
    ----------
    enterprises
        How many there are.
    by
        "model" or "rules".
    moves
        Columns old, new, enterprises, share: every pair of classes that somebody is in, A to A included.
    groups
        Columns by ("region", "trade"), group, enterprises, safer, riskier, share (of movers).
    movers
        Columns enterprise_id, cutoff, old, new, old_score, new_score, cause, why, region, trade; riskier ones first.
    notes
        What the table can't show, and what the change asks for beside.
    """

    old: Policies
    new: Policies
    enterprises: int
    by: str
    moves: pd.DataFrame
    groups: pd.DataFrame
    causes: dict[str, int]
    movers: pd.DataFrame
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``; the movers themselves are a file's."""
        sides = {
            side: {"policies": one.given, "province": one.province, "version": one.rules.version}
            for side, one in (("old", self.old), ("new", self.new))
        }
        return {
            **sides,
            "changed": [name for name in POLICIES if self.old.hashes[name] != self.new.hashes[name]],
            "by": self.by,
            "enterprises": self.enterprises,
            "movers": len(self.movers),
            "moves": self.moves.to_dict("records"),
            "causes": self.causes,
            "groups": self.groups.to_dict("records"),
            "notes": list(self.notes),
        }


def policy_diff(
    frame: pd.DataFrame,
    old: Policies,
    new: Policies,
    *,
    model: RiskModel | None = None,
    groups: pd.DataFrame | None = None,
) -> PolicyDiff:
    """Classify a table under two sets of policies and tell who moves.

    Parameters
    ----------
    frame
        Index (enterprise_id, cutoff); indicators and evidence of one month.
    old, new
        The policies, of `load_policies`.
    model
        The approved model, its score map frozen anew under bands that are not its own; without, the rules. Rows it
        can't read are judged by the rules, as the service does.
    groups
        Columns region and trade [n], in the order of the rows; without, both are unknown.
    """
    usable = np.zeros(len(frame), dtype=np.bool_)
    if model is not None:
        usable = np.asarray(~model.unusable(model.read(frame)).any(axis=1), dtype=np.bool_)
    before, after = (_judge(frame, side.rules, model, usable) for side in (old, new))
    grades = np.asarray(GRADES, dtype=object)
    moved = np.flatnonzero(before.grade != after.grade)
    told = [_why(int(i), before, after, old.rules, new.rules, by_model=bool(usable[i])) for i in moved]
    said = pd.DataFrame({"region": "unknown", "trade": "unknown"}, index=range(len(frame)))
    if groups is not None:
        said = groups[["region", "trade"]].reset_index(drop=True)
    movers = pd.DataFrame(
        {
            "enterprise_id": frame.index.get_level_values("enterprise_id").astype(str)[moved],
            "cutoff": pd.to_datetime(frame.index.get_level_values("cutoff")).date[moved],
            "old": grades[before.grade[moved]],
            "new": grades[after.grade[moved]],
            "old_score": before.score[moved],
            "new_score": after.score[moved],
            "cause": [cause for cause, _ in told],
            "why": [why for _, why in told],
            "region": said["region"].to_numpy()[moved],
            "trade": said["trade"].to_numpy()[moved],
        }
    )
    step = (after.grade - before.grade)[moved]
    movers = movers.iloc[np.lexsort((movers["enterprise_id"], -step))].reset_index(drop=True)
    pairs = pd.DataFrame({"old": grades[before.grade], "new": grades[after.grade]})
    moves = pairs.value_counts().sort_index().rename("enterprises").reset_index()
    moves["share"] = moves["enterprises"] / max(len(frame), 1)
    return PolicyDiff(
        old=old,
        new=new,
        enterprises=len(frame),
        by="rules" if model is None else "model",
        moves=moves,
        groups=_by_group(said, before.grade, after.grade),
        causes={c: n for c in CAUSES if (n := int((movers["cause"] == c).sum()))},
        movers=movers,
        notes=_notes(old, new, model, int((~usable).sum())),
    )


def _why(
    i: int, before: _Judged, after: _Judged, old: ProvinceRules, new: ProvinceRules, *, by_model: bool
) -> tuple[str, str]:
    """Return the cause of a row's move and its reason in words."""
    found: dict[str, str] = {}
    rules = []
    for rule in sorted(before.hits.keys() | after.hits.keys()):
        was, now = (GRADES[s.hits[rule][0]] if rule in s.hits and s.hits[rule][1][i] else None for s in (before, after))
        if was != now:
            rules.append(f"{rule} gives {now or 'no class'}, before {was or 'none'}")
    if rules:
        found["determination"] = "; ".join(rules)
    if before.by_score[i] != after.by_score[i]:
        moved = before.score[i] != after.score[i]
        if not by_model and moved and (said := _entries(i, before, after)):
            found["scorecard"] = said
        again = int(new.bands.grade_index(before.score[i]))
        if by_model or again != before.by_score[i]:
            cuts = f"cuts {_cuts(new.bands, by_model)}, before {_cuts(old.bands, by_model)}"
            found["cut"] = f"score {after.score[i]:.1f}, before {before.score[i]:.1f}; {cuts}"
    if before.enough[i] != after.enough[i]:
        least = f"{new.bands.minimum_known:.0%} must be known, before {old.bands.minimum_known:.0%}"
        found["known"] = f"{'enough' if after.enough[i] else 'too little'} is known of it for class A: {least}"
    cause = next(iter(found)) if len(found) == 1 else "several"
    return cause, "; ".join(found.values())


def _cuts(bands: BandPolicy, by_model: bool) -> str:
    said = "/".join(f"{cut:g}" for cut in bands.cuts)
    side = "below" if bands.closed == "right" else "above"
    # What sits at a cut moves a model's scores; the rules' points are what they are.
    rates = f" at rates {'/'.join(f'{r:g}' for r in bands.rates)}" if bands.anchor == "rate" else " by share"
    return f"{said} (a score at a cut is of the class {side}){rates if by_model else ''}"


def _entries(i: int, before: _Judged, after: _Judged) -> str:
    """Name the entries whose points changed most."""
    nothing = np.zeros(len(before.score))
    changes = {
        name: (float(before.points.get(name, nothing)[i]), float(after.points.get(name, nothing)[i]))
        for name in dict.fromkeys((*before.points, *after.points))
    }
    largest = sorted(changes.items(), key=lambda each: -abs(each[1][1] - each[1][0]))[:ENTRIES]
    return ", ".join(f"{name} {now:+g} points, before {was:+g}" for name, (was, now) in largest if was != now)


def _by_group(said: pd.DataFrame, old: Indices, new: Indices) -> pd.DataFrame:
    parts = []
    for by in ("region", "trade"):
        counted = pd.DataFrame({"group": said[by], "safer": new < old, "riskier": new > old})
        one = counted.groupby("group", sort=True).agg(
            enterprises=("safer", "size"), safer=("safer", "sum"), riskier=("riskier", "sum")
        )
        one["share"] = (one["safer"] + one["riskier"]) / one["enterprises"]
        parts.append(one.reset_index().assign(by=by))
    out = pd.concat(parts, ignore_index=True)
    return out[["by", "group", "enterprises", "safer", "riskier", "share"]]


def _notes(old: Policies, new: Policies, model: RiskModel | None, unread: int) -> tuple[str, ...]:
    notes = []
    if beside := [f"{name}.toml" for name in OF_THE_TABLE if old.hashes[name] != new.hashes[name]]:
        notes.append(
            f"{', '.join(beside)} changed: they decide the table itself; who moves by them shows only when a table "
            "computed under the new policies is compared"
        )
    if model is not None:
        if any(side.rules.bands != model.bands for side in (old, new)):
            notes.append(
                f"model {model.version} was signed under other bands: its scores here are as if frozen anew on the "
                "table's enterprises; it must be signed again before it serves them"
            )
        if unread:
            notes.append(f"{unread:,} enterprises have values that the model can't read: judged by the rules")
    return tuple(notes)


def groups_of(clean: Path, frame: pd.DataFrame, province: str) -> pd.DataFrame:
    """Return region and trade of a table's enterprises at their cut-offs, from checked records.

    Parameters
    ----------
    clean
        Folder of clean tables, as ``fenlei check`` writes it.
    frame
        Index (enterprise_id, cutoff).

    Raises
    ------
    SourceError, ConfigError
        If the records can't be read, or were taken before the cut-off.
    """
    found = enterprise_groups(clean, frame.index.to_frame(index=False), groups_policy(province))
    return found.rename(columns={"industry": "trade"})[["region", "trade"]]
