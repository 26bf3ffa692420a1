"""What the sector of a study changes: which indicators there are, and which policies decide them."""

from __future__ import annotations

from features.catalogue import with_sector
from features.catalogue.declaration import Indicator
from features.catalogue.sectors import sector_or_none, sector_policy_name
from features.policy import policy_hash
from models.scoring.risk_model import POLICIES
from models.study.experiment import Experiment


def catalogue(experiment: Experiment) -> dict[str, Indicator]:
    """Return the indicators a study may use: the general ones and, behind them, its sector's."""
    return with_sector(sector_or_none(experiment.province, experiment.sector))


def policies_hash(experiment: Experiment) -> str:
    """SHA-256 over the policies a study rests on; a sector's declaration counts where there is one."""
    own = (sector_policy_name(experiment.sector),) if experiment.sector else ()
    return policy_hash(experiment.province, *POLICIES, *own)
