"""Population: attributes of enterprises that do not change, each a function of its index alone.

Relations cross chunks without a word between them, because the group, batch or owner of any
enterprise can be computed from its index anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import codes as c
from simulation.base.months import Calendar
from simulation.base.rng import Bools, Floats, Ints, Stream
from simulation.config import SimulationPolicy
from simulation.world.drift import Drift, new_trade

OLDEST_YEARS = 35
NEWEST_DAYS = 40
"""Every enterprise is at least so old at the end, so that its registration is known by then."""

GROUP_BASE, BATCH_BASE, CENTRE_BASE, NEW_BASE = 500_000_000, 700_000_000, 800_000_000, 1_000_000_000
"""Ranges of opaque ids: of one enterprise, its group, its shell batch, a business centre, a newcomer."""

SHAREHOLDER = {code: i for i, code in enumerate(c.SHAREHOLDER_TYPE.codes)}


@dataclass(frozen=True)
class World:
    """What every part of the simulation needs: size, calendar, assumptions, randomness."""

    enterprises: int
    calendar: Calendar
    policy: SimulationPolicy
    stream: Stream
    drift: Drift

    @property
    def groups(self) -> int:
        """Number of ordinary groups."""
        return max(1, round(self.enterprises * self.policy.population.group_ratio))

    @property
    def batches(self) -> int:
        """Number of shell batches."""
        p = self.policy.population
        return max(1, round(self.enterprises * p.shell_share / p.shells_per_batch))


@dataclass(frozen=True)
class Population:
    """Constant attributes of the enterprises of one chunk; every array has shape (n,)."""

    index: Ints
    shell: Bools
    group: Ints
    owner: Ints
    """Index of the owning enterprise, -1 without one."""
    founded: Ints
    type: Ints
    industry: Ints
    district: Ints
    region: Ints
    staff: Ints
    size: Floats
    capital: Ints
    """Registered capital in fen; 0 for a branch, which has none."""
    shareholder: Ints
    listed: Bools
    high_tech: Bools
    representative: Ints
    address: Ints
    phone: Ints
    agent: Ints
    """-1 without an agent."""

    def __len__(self) -> int:
        return len(self.index)


def is_shell(world: World, index: Ints) -> Bools:
    """Say which enterprises are shells."""
    return world.stream.uniform("shell", index) < world.policy.population.shell_share


def group_of(world: World, index: Ints) -> Ints:
    """Return the group; popular groups are large, and a shell's group is its batch."""
    p, stream = world.policy.population, world.stream
    ordinary = (world.groups * stream.uniform("group", index) ** p.group_tail).astype(np.int64)
    batch = world.groups + stream.below("batch", world.batches, index)
    return np.where(is_shell(world, index), batch, np.minimum(ordinary, world.groups - 1))


def owner_of_group(world: World, group: Ints) -> Ints:
    """Return the index of the enterprise that owns a group, -1 without one; shell batches have none."""
    owned = world.stream.uniform("owned", group) < world.policy.population.owner_share
    owner = world.stream.below("owner", world.enterprises, group)
    return np.where(owned & (group < world.groups), owner, -1)


def founding_day(world: World, index: Ints) -> Ints:
    """Return the founding days; a shell batch is registered on one day."""
    p, stream = world.policy.population, world.stream
    shell = is_shell(world, index)
    own = stream.uniform("age", index)
    batch = stream.uniform("batch age", group_of(world, index))
    years = -np.log(np.where(shell, batch, own)) * np.where(shell, p.age_mean_years / 2.5, p.age_mean_years)
    days = (np.minimum(years, OLDEST_YEARS) * 365.25).astype(np.int64)
    founded: Ints = world.calendar.end - NEWEST_DAYS - days
    return founded


def management(world: World, index: Ints) -> Floats:
    """Return the lasting part of misconduct (high is bad)."""
    return world.stream.normal("management", index)


def populate(world: World, index: Ints) -> Population:
    """Return the constant attributes of the enterprises with these indexes."""
    p, s = world.policy.population, world.stream
    shell, group = is_shell(world, index), group_of(world, index)
    owner = owner_of_group(world, group)
    owner = np.where(owner == index, -1, owner)
    names = list(c.ENTERPRISE_TYPE.codes)
    kinds = np.array([names.index(k) for k in p.enterprise_types])
    kind = kinds[s.choice("type", list(p.enterprise_types.values()), index)]
    kind = np.where(shell, names.index("limited_company"), kind)
    branch = kind == names.index("branch")

    logs = p.log_staff_mean + p.log_staff_sd * s.normal("staff", index)
    giant = s.uniform("giant", index) < p.giant_share
    logs += np.where(giant, -np.log(s.uniform("giant size", index)) / p.giant_tail, 0.0)
    size = np.clip((logs - p.log_staff_mean) / p.log_staff_sd, -2.5, 4.0)
    size = np.where(shell, -1.5, size)
    staff = np.where(shell, s.below("shell staff", 2, index), np.exp(np.minimum(logs, 11.0)).astype(np.int64))

    yuan = np.exp(13.3 + 0.55 * size + 1.2 * s.normal("capital", index) + 2.2 * shell)
    # Founders like round numbers: one significant digit.
    unit = 10.0 ** np.floor(np.log10(np.maximum(yuan, 10_000.0)))
    capital = (np.maximum(np.round(yuan / unit), 1.0) * unit).astype(np.int64) * 100

    rank = np.arange(p.districts)
    home = np.where(s.uniform("group home", index) < 0.7, group + GROUP_BASE, index)
    district = s.choice("district", (rank + 3.0) ** -p.region_tail, home)
    founded = founding_day(world, index)
    old_trades = world.policy.industries[: -1 if world.drift.new_industry < world.calendar.months else None]
    industry = s.choice("industry", [i.weight for i in old_trades], index)
    newcomer = s.uniform("new trade", index)
    industry = new_trade(world.drift, world.calendar, world.policy, founded, newcomer, industry)

    led_by_group = (s.uniform("led", index) < p.shared_representative) & ~shell
    pair = BATCH_BASE + 2 * group + s.below("shell head", 2, index)
    representative = np.where(shell, pair, np.where(led_by_group, GROUP_BASE + group, index * 8))
    centre = CENTRE_BASE + (max(8, world.enterprises // 400) * s.uniform("centre", index) ** 2).astype(np.int64)
    with_group = led_by_group & (s.uniform("group address", index) < p.shared_address * 4)
    in_centre = s.uniform("in centre", index) < p.shared_address
    address = np.where(in_centre, centre, np.where(with_group, GROUP_BASE + group, index))
    address = np.where(shell, BATCH_BASE + group, address)
    group_phone = led_by_group & (s.uniform("group phone", index) < 0.4)
    phone = np.where(shell, BATCH_BASE + group, np.where(group_phone, GROUP_BASE + group, index))
    agents = max(3, world.enterprises // 150)
    agent = (agents * s.uniform("agent", np.where(shell, BATCH_BASE + group, index)) ** 1.6).astype(np.int64)
    with_agent = shell | (s.uniform("with agent", index) < p.agent_share)

    holder = s.choice("shareholder", [0.86, 0.09, 0.03, 0.02], index)
    holder = np.where(owner >= 0, SHAREHOLDER["corporate"], holder)
    holder = np.where(kind == names.index("state_owned"), SHAREHOLDER["state"], holder)
    holder = np.where(kind == names.index("foreign_invested"), SHAREHOLDER["foreign"], holder)
    return Population(
        index=index,
        shell=shell,
        group=group,
        owner=owner,
        founded=founded,
        type=kind,
        industry=industry,
        district=district,
        region=990_001 + 100 * (1 + district // 10) + district % 10,
        staff=staff,
        size=size,
        capital=np.where(branch, 0, capital),
        shareholder=holder,
        listed=(s.uniform("listed", index) < p.listed_share * np.exp(1.2 * size)) & ~shell & ~branch,
        high_tech=(s.uniform("high tech", index) < p.high_tech_share * np.exp(0.4 * size)) & ~shell & ~branch,
        representative=representative,
        address=address,
        phone=phone,
        agent=np.where(with_agent, agent, -1),
    )
