"""Latent misconduct and distress, month by month, and the risk that a visit finds something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from simulation.base.rng import Bools, Floats, Ints
from simulation.world.drift import added_distress, strains
from simulation.world.population import Population, World, management, owner_of_group

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
"""Gauss-Hermite nodes and weights of a standard normal mean; seven are exact to 1e-6 for the spreads in use."""


@dataclass(frozen=True)
class Latent:
    """Latent states of one chunk, standardised; both arrays have shape (n, months)."""

    misconduct: Floats
    distress: Floats


def _wander(world: World, purpose: str, key: Ints) -> Floats:
    """Return stationary AR(1) paths of unit variance, shape (len(key), months)."""
    months = world.calendar.months
    noise = world.stream.normal(purpose, key[:, None], np.arange(months)[None, :])
    memory = world.policy.latent.memory
    fresh = float(np.sqrt(1.0 - memory**2))
    path = np.empty_like(noise)
    state = world.stream.normal(purpose + " start", key)
    for month in range(months):
        state = memory * state + fresh * noise[:, month]
        path[:, month] = state
    return path


def simulate_latent(world: World, pop: Population) -> Latent:
    """Return the latent states; members of a group share a part of them, and so do owner and owned."""
    p = world.policy.latent
    groups, place = np.unique(pop.group, return_inverse=True)
    owner = owner_of_group(world, groups)
    pulled = np.where(owner >= 0, p.owner_pull * management(world, np.maximum(owner, 0)), 0.0)
    left = np.where(owner >= 0, np.sqrt(1.0 - p.owner_pull**2), 1.0)
    lasting = world.stream.normal("group culture", groups)
    shared = 0.6 * _wander(world, "group drift", groups) + 0.8 * lasting[:, None]
    shared = pulled[:, None] + left[:, None] * shared
    group_distress = _wander(world, "group distress", groups)

    misconduct = (
        p.management * management(world, pop.index)[:, None]
        + p.drift * _wander(world, "drift", pop.index)
        + p.group * shared[place]
        + p.shell_misconduct * pop.shell[:, None]
    )
    distress = (
        p.distress_own * _wander(world, "distress", pop.index)
        + p.distress_group * group_distress[place]
        + p.distress_misconduct * misconduct
    )
    if world.drift.shock < world.calendar.months:
        distress = distress + added_distress(world.drift, world.calendar, world.policy, pop.industry)
    return Latent(misconduct, distress)


def hollow(pop: Population) -> Bools:
    """Say which enterprises have a large capital (ten million yuan or more) and no staff to speak of."""
    return (pop.capital >= 1_000_000_000) & (pop.staff <= 2)


def conduct_log_odds(world: World, pop: Population, latent: Latent) -> Floats:
    """Return the log odds that a visit by an inspector of median strictness finds misconduct, shape (n, months).

    Missing reports (code B) and lost contact (code 6) come on top, see `simulation.records.inspections`.
    The form is bent on purpose: thresholds and products that no straight line over counts follows.
    """
    p, cal = world.policy.risk, world.calendar
    c, d = latent.misconduct, latent.distress
    strain = np.maximum(d, 0.0)
    industries = world.policy.industries
    tells = strains(industries)[pop.industry][:, None]
    slope = np.array([i.slope for i in industries])[pop.industry][:, None]
    own_risk = np.array([i.risk for i in industries])[pop.industry]
    years = np.maximum(cal.starts[None, :-1] - pop.founded[:, None], 0) / 365.25
    age = (np.log1p(years) - p.age_log_mean) / p.age_log_sd
    size = np.clip(pop.size, -2.5, 3.0)
    size_tells = np.array([i.size for i in industries])[pop.industry]
    age_tells = np.array([i.age for i in industries])[pop.industry][:, None]
    young_small = (years < 3.0) & (pop.staff < 6)[:, None]
    old_giant = (years > 15.0) & (pop.staff > 150)[:, None]
    constant = (
        p.intercept
        + p.industry * own_risk
        + p.hollow * hollow(pop)
        + p.size * size_tells * size
        + p.size_curve * (np.minimum(size**2, 6.0) - 1.0)
        + p.hidden * world.stream.normal("hidden", pop.index)
    )
    log_odds: Floats = (
        constant[:, None]
        + p.misconduct * slope * c
        + p.distress * tells * np.minimum(strain**2, 6.0)
        + p.both * slope * np.clip(c, 0.0, 2.5) * np.minimum(strain, 2.0)
        + p.age * age_tells * age
        + p.young_small * young_small
        + p.old_giant * old_giant
    )
    return log_odds


def probability(log_odds: Floats) -> Floats:
    """Turn log odds into a probability."""
    return np.asarray(expit(log_odds), dtype=np.float64)


def average_probability(log_odds: Floats, spread: float) -> Floats:
    """Probability of a visit by an average inspector: the mean over inspectors, whose strictness is normal.

    It lies nearer to one half than the probability of the inspector of median strictness, and it is what the random
    arm's visits come to.

    Parameters
    ----------
    log_odds
        With an inspector of median strictness, any shape.
    spread
        Standard deviation of the strictness, in log odds.
    """
    total = np.zeros(np.shape(log_odds))
    for node, weight in zip(_NODES, _WEIGHTS / _WEIGHTS.sum(), strict=True):
        total += weight * probability(log_odds + spread * node)
    return total
