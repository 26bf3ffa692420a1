"""A province's rules: its bands, its scorecard, its direct determinations, and their version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from features.policy import policy_hash, read_policy
from models.scoring.bands import BandPolicy
from models.scoring.rules.determinations import Determinations
from models.scoring.rules.known import check_evidence, check_indicators
from models.scoring.rules.scorecard import Scorecard

POLICIES = ("bands", "cohort", "determinations", "features", "outcomes", "scorecard")
"""Policy files that decide what a model means; their hash travels with it."""


@dataclass(frozen=True)
class ProvinceRules:
    """A province's bands, points and direct rules; `version` covers these and what its indicators rest on."""

    province: str
    bands: BandPolicy
    scorecard: Scorecard
    determinations: Determinations
    version: str


def load_rules(province: str) -> ProvinceRules:
    """Load what a province decides about scores, as its files say now: each is parsed from the bytes that are hashed.

    Raises
    ------
    features.errors.ConfigError
        If a policy is missing or wrong.

    Examples
    --------
    >>> load_rules("hebei").bands.grade(200.1)
    'B'
    """
    bands, bands_hash = read_policy(province, "bands", BandPolicy)
    scorecard, scorecard_hash = read_policy(bands.scorecard, "scorecard", Scorecard)
    check_indicators(scorecard, bands.scorecard, province)
    determinations, determinations_hash = read_policy(bands.determinations, "determinations", Determinations)
    check_evidence(determinations, bands.determinations)
    parts = [
        bands_hash,
        scorecard_hash,
        determinations_hash,
        policy_hash(province, "features", "outcomes", "cohort"),
    ]
    digest = hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
    return ProvinceRules(province, bands, scorecard, determinations, version=f"{province}-{digest}")
