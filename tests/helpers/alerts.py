"""Records of a province for warnings: quiet by default, with what a test plants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.records.store import RecordStore, open_frames

CUTOFF = date(2026, 1, 1)
BEGIN = date(2022, 1, 1)


def day(offset: int) -> date:
    """The day so many days before the cut-off."""
    return CUTOFF - timedelta(days=offset)


def register(
    firms: Sequence[str], founded: Sequence[date], address: Sequence[str], known_after: int = 3
) -> pd.DataFrame:
    """Registrations; each with an address of its own or a shared one."""
    return pd.DataFrame(
        {
            "record_id": [f"R{firm}" for firm in firms],
            "version": 1,
            "enterprise_id": list(firms),
            "occurred_at": list(founded),
            "known_at": [on + timedelta(days=3) for on in founded],
            "name": "示例公司",
            "enterprise_type": "limited_company",
            "industry": "F51",
            "region": "130102",
            "status": "active",
            "address_id": list(address),
        }
    )


def quiet_register(number: int, seed: int = 1) -> pd.DataFrame:
    """Firms founded at any time of ten years, in places of their own; one in ten in one of a few centres."""
    rng = np.random.default_rng(seed)
    founded = [day(int(back)) for back in rng.integers(40, 3650, number)]
    centre = rng.random(number) < 0.1
    address = [f"C{rng.integers(0, 20)}" if shared else f"A{k}" for k, shared in enumerate(centre)]
    return register([f"E{k:05d}" for k in range(number)], founded, address)


def rows(table: str, who: Sequence[str], on: Sequence[date], **more: object) -> pd.DataFrame:
    """Rows of a table, one event each."""
    base = {
        "record_id": [f"{table[0]}{k}-{firm}" for k, firm in enumerate(who)],
        "version": 1,
        "enterprise_id": list(who),
        "occurred_at": list(on),
        "known_at": [each + timedelta(days=2) for each in on],
    }
    return pd.DataFrame(base | more)


def random_rows(table: str, firms: Sequence[str], a_year: float, seed: int, **more: object) -> pd.DataFrame:
    """Events of firms at gamma rates, Poisson in time, from the first day covered."""
    rng = np.random.default_rng(seed)
    days = (CUTOFF - BEGIN).days
    rate = rng.gamma(2.0, a_year / 2.0, len(firms)) * days / 365.25
    counts = rng.poisson(rate)
    who = np.repeat(np.array(firms), counts)
    on = [BEGIN + timedelta(days=int(k)) for k in rng.integers(0, days, len(who))]
    return rows(table, [str(w) for w in who], on, **more)


def store_of(**frames: pd.DataFrame) -> RecordStore:
    """A store of the frames, covered from `BEGIN`."""
    return open_frames(frames, dict.fromkeys(frames, BEGIN))
