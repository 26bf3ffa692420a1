"""Gate of a month: what stands in the way of publishing it before a person has looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from features.contract import TABLES
from features.policy import Policy, load_policy
from models.scoring.classification import GRADES


class LedgerPolicy(Policy):
    """``ledger.toml``: how far a month may differ from the one before and still be published by itself."""

    most_moved: float = Field(ge=0, le=1)
    most_far: float = Field(ge=0, le=1)
    class_psi: float = Field(gt=0)
    most_by_rules: float = Field(ge=0, le=1)
    most_lost: float = Field(ge=0, lt=1)
    most_coverage_lost: float = Field(ge=0, le=1)
    least_class: int = Field(ge=1)


def ledger_policy(province: str) -> LedgerPolicy:
    """Load a province's ``ledger.toml``."""
    return load_policy(province, "ledger", LedgerPolicy)


@dataclass(frozen=True)
class Finding:
    """One thing that a person must look at: a stable code, and what it is in English and Chinese."""

    code: str
    en: str
    zh: str


def judge(month: Mapping[str, Any], previous: Mapping[str, Any] | None, policy: LedgerPolicy) -> list[Finding]:
    """Compare a month's manifest with that of the month before.

    Parameters
    ----------
    month, previous
        Manifests; None where there is no month before, and only the month itself can be looked at.
    policy
        The province's.

    Returns
    -------
    list of Finding
        Empty: it may be published.
    """
    found = _by_rules(month, policy)
    if previous is not None:
        found += _classes(month, previous, policy) + _moved(month, policy) + _records(month, previous, policy)
    return found


def _by_rules(month: Mapping[str, Any], policy: LedgerPolicy) -> list[Finding]:
    share = month["by_rules"] / max(1, month["rows"])
    if month["model"]["why"] and month["model"]["expected"]:
        why = month["model"]["why"]
        return [Finding("model_not_used", f"the rules answer for everyone: {why}", f"全部改由规则判定：{why}")]
    if month["model"]["version"] and share > policy.most_by_rules:
        text = f"the rules answer for {share:.1%} of the firms, at most {policy.most_by_rules:.1%} may be"
        return [Finding("many_by_rules", text, f"{share:.1%}的企业改由规则判定，超过允许的{policy.most_by_rules:.1%}")]
    return []


def _classes(month: Mapping[str, Any], previous: Mapping[str, Any], policy: LedgerPolicy) -> list[Finding]:
    now, before = month["classes"], previous["classes"]
    found = []
    for grade in GRADES:
        if now[grade] == 0 and before[grade] >= policy.least_class:
            found.append(
                Finding(
                    "class_emptied",
                    f"class {grade} is empty; it had {before[grade]:,} firms",
                    f"{grade}类为空，上月有{before[grade]:,}户",
                )
            )
    lost = 1 - month["rows"] / max(1, previous["rows"])
    if lost > policy.most_lost:
        found.append(
            Finding(
                "firms_lost",
                f"{lost:.1%} of the firms are gone: {month['rows']:,} after {previous['rows']:,}",
                f"企业数减少{lost:.1%}：{previous['rows']:,}户降至{month['rows']:,}户",
            )
        )
    index = class_psi(now, before)
    if index > policy.class_psi:
        found.append(
            Finding(
                "classes_drifted",
                f"the classes' stability index against the month before is {index:.3f}, above {policy.class_psi:g}",
                f"类别分布稳定性指数{index:.3f}，超过{policy.class_psi:g}",
            )
        )
    return found


def class_psi(now: Mapping[str, int], before: Mapping[str, int], floor: float = 1e-4) -> float:
    """Return the population stability index of two distributions of classes, counts by class."""
    shares = []
    for counts in (now, before):
        values = np.array([counts[g] for g in GRADES], dtype=np.float64)
        shares.append(np.maximum(values / max(1.0, values.sum()), floor))
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())


def _moved(month: Mapping[str, Any], policy: LedgerPolicy) -> list[Finding]:
    moved = month["migration"]
    if moved is None or not moved["firms"]:
        return []
    found = []
    for share, most, code, en, zh in (
        (moved["moved"], policy.most_moved, "many_moved", "moved to another class", "类别发生变化"),
        (moved["far"], policy.most_far, "many_far", "moved by two classes or more", "跨两类以上变化"),
    ):
        if share > most:
            found.append(
                Finding(code, f"{share:.1%} of the firms {en}, at most {most:.1%} may", f"{share:.1%}的企业{zh}")
            )
    return found


def _records(month: Mapping[str, Any], previous: Mapping[str, Any], policy: LedgerPolicy) -> list[Finding]:
    gone = sorted(set(previous["records"]) - set(month["records"]))
    found = [
        Finding("table_missing", f"the records have no {name} any more", f"缺少记录表：{TABLES[name].zh}")
        for name in gone
    ]
    for group, known in sorted(month["coverage"].items()):
        lost = previous["coverage"].get(group, known) - known
        if lost > policy.most_coverage_lost:
            found.append(
                Finding(
                    "coverage_lost",
                    f"{group}: known values fell by {lost:.1%} to {known:.1%}",
                    f"{group}：已知比例下降{lost:.1%}至{known:.1%}",
                )
            )
    return found
