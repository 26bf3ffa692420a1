"""Groups, as known before the cut-off, within which calibration, burden and false alarms are looked at.

They are no indicators: nothing is learned from them, and what the register does not say stays "unknown".
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pandas as pd
from pydantic import Field, model_validator

from features.contract import codes
from features.contract.national_names import DISTRICT, INDUSTRY_SECTION
from features.errors import WrongKey
from features.policy import Policy, load_policy
from features.records.moments import check_ends
from features.records.store import RecordStore, opened
from features.records.visibility import create_unusable, seen_sql

SIZES = ("micro", "small", "medium", "large")
UNKNOWN = "unknown"


class GroupsPolicy(Policy):
    """``groups.toml``: how enterprises are put into groups.

    Parameters
    ----------
    region_digits
        Leading digits of the GB/T 2260 code.
    staff_cuts, capital_cuts
        Where small, medium and large begin: insured staff; registered capital in yuan, where no staff is known.
    visited_months
        Months before the cut-off in which a visit puts an enterprise among the visited.
    ownership_by_shareholder, ownership_by_type
        Ownership by shareholder type where the register gives one; by legal form otherwise. A branch is its own
        group whatever its shareholders, for it has none.
    ownership_names
        English and Chinese name of each ownership named there.
    """

    region_digits: int = Field(ge=2, le=6)
    staff_cuts: tuple[int, int, int]
    capital_cuts: tuple[int, int, int]
    visited_months: int = Field(ge=1)
    ownership_by_shareholder: dict[str, str]
    ownership_by_type: dict[str, str]
    ownership_names: dict[str, tuple[str, str]]

    @model_validator(mode="after")
    def _complete(self) -> GroupsPolicy:
        for key, cuts in (("staff_cuts", self.staff_cuts), ("capital_cuts", self.capital_cuts)):
            if any(b <= a for a, b in pairwise((0, *cuts))):
                raise WrongKey("cuts must be positive and strictly increase", key)
        for key, given, known in (
            ("ownership_by_shareholder", self.ownership_by_shareholder, codes.SHAREHOLDER_TYPE.codes),
            ("ownership_by_type", self.ownership_by_type, codes.ENTERPRISE_TYPE.codes),
        ):
            if set(given) != set(known):
                raise WrongKey(f"ownership must be given for each of {sorted(known)}, got {sorted(given)}", key)
        used = {*self.ownership_by_shareholder.values(), *self.ownership_by_type.values()} - {UNKNOWN}
        if set(self.ownership_names) != used:
            names = sorted(self.ownership_names)
            raise WrongKey(f"ownership_names must name each of {sorted(used)}, got {names}", "ownership_names")
        return self


def groups_policy(province: str) -> GroupsPolicy:
    """Load a province's ``groups.toml``."""
    return load_policy(province, "groups", GroupsPolicy)


def _cases(column: str, values: dict[str, str]) -> str:
    return f"CASE {column} " + " ".join(f"WHEN '{k}' THEN '{v}'" for k, v in values.items()) + " END"


def _banded(column: str, cuts: tuple[int, int, int], scale: int = 1) -> str:
    whens = " ".join(f"WHEN {column} < {cut * scale} THEN '{size}'" for cut, size in zip(cuts, SIZES, strict=False))
    return f"CASE WHEN {column} IS NULL THEN NULL {whens} ELSE '{SIZES[-1]}' END"


def enterprise_groups(
    source: Path | RecordStore,
    pairs: pd.DataFrame,
    policy: GroupsPolicy,
) -> pd.DataFrame:
    """Return the groups of enterprises at cut-offs.

    Parameters
    ----------
    source
        Clean folder, or an open store.
    pairs
        Columns enterprise_id and cutoff; any order, repeats allowed.
    policy
        The province's, from `groups_policy`.

    Returns
    -------
    pandas.DataFrame
        One row for each of ``pairs`` in their order, with their index: region (leading digits), size (micro, small,
        medium, large), ownership, industry (section letter of GB/T 4754), visited (see `visited_group`); "unknown"
        where nothing was known before the cut-off, or where the source's inspections do not reach back far enough.

    Raises
    ------
    ConfigError
        If a cut-off is after the day a folder's records were taken: nobody would count as visited since.
    """
    with opened(source) as store:
        check_ends(store, pairs["cutoff"])
        con = store.con
        given = pd.DataFrame(
            {
                "pair": range(len(pairs)),
                "enterprise_id": pairs["enterprise_id"].to_numpy(dtype=object),
                "cutoff": pd.to_datetime(pairs["cutoff"]).to_numpy(),
            }
        )
        con.register("given_pairs", given)
        con.execute(
            "CREATE OR REPLACE TABLE grouped AS SELECT DISTINCT CAST(enterprise_id AS VARCHAR) AS enterprise_id,"
            " CAST(cutoff AS DATE) AS cutoff, CAST(cutoff AS DATE) AS known_as_of FROM given_pairs"
        )
        con.execute("CREATE OR REPLACE TABLE moments AS SELECT DISTINCT cutoff, known_as_of FROM grouped")
        create_unusable(con, repaired_feed=True)
        frame = con.execute(_groups_sql(policy, store.covers_from.get("inspections"))).df()
        con.unregister("given_pairs")
        con.execute("DROP TABLE grouped")
    frame = frame.drop(columns="pair")
    frame.index = pairs.index
    return frame


def visited_group(months: int, *, visited: bool) -> str:
    """Name the group of those visited in so many months before the cut-off, or of the others.

    Any visit counts, of whatever arm and with whatever result, and also one whose result is still awaited: what sets
    the group apart is that somebody came.
    """
    return f"{'' if visited else 'not '}within {months} months"


def _groups_sql(policy: GroupsPolicy, covers_from: date | None) -> str:
    """SQL of the groups of ``given_pairs``, in their order; ``covers_from`` is the first day of the inspections."""
    entry = seen_sql(
        "registration",
        keys="grouped",
        columns="c.cutoff, r.enterprise_id, r.record_id, r.region, r.industry, r.registered_capital_fen, "
        "r.shareholder_type, r.enterprise_type",
    )
    insured = seen_sql(
        "social_insurance",
        keys="grouped",
        columns="c.cutoff, r.enterprise_id, r.occurred_at, r.record_id, r.insured_staff",
    )
    staff, capital = (
        _banded("s.insured_staff", policy.staff_cuts),
        _banded("e.registered_capital_fen", policy.capital_cuts, 100),
    )
    visits = seen_sql("inspections", keys="grouped", columns="c.cutoff, r.enterprise_id, r.occurred_at, r.record_id")
    start = f"INTERVAL {policy.visited_months} MONTH"
    in_time, not_in_time = (visited_group(policy.visited_months, visited=v) for v in (True, False))
    covered = "FALSE" if covers_from is None else f"DATE '{covers_from}' <= CAST(p.cutoff AS DATE) - {start}"
    by_holder = _cases("e.shareholder_type", policy.ownership_by_shareholder)
    by_type = _cases("e.enterprise_type", policy.ownership_by_type)
    # Two entries or periods of one day: the greater record_id, as everywhere.
    return f"""
        WITH entry AS (
          SELECT * FROM ({entry}) QUALIFY row_number() OVER (
            PARTITION BY enterprise_id, cutoff ORDER BY record_id DESC) = 1),
        insured AS (
          SELECT * FROM ({insured}) QUALIFY row_number() OVER (
            PARTITION BY enterprise_id, cutoff ORDER BY occurred_at DESC, record_id DESC) = 1),
        visited AS (SELECT DISTINCT enterprise_id, cutoff FROM ({visits}) WHERE occurred_at >= cutoff - {start})
        SELECT p.pair,
          coalesce(nullif(left(e.region, {policy.region_digits}), ''), '{UNKNOWN}') AS region,
          coalesce({staff}, {capital}, '{UNKNOWN}') AS size,
          coalesce(CASE WHEN e.enterprise_type <> 'branch' THEN {by_holder} END, {by_type}, '{UNKNOWN}') AS ownership,
          coalesce(nullif(upper(left(e.industry, 1)), ''), '{UNKNOWN}') AS industry,
          CASE WHEN v.enterprise_id IS NOT NULL THEN '{in_time}' WHEN {covered} THEN '{not_in_time}'
            ELSE '{UNKNOWN}' END AS visited
        FROM given_pairs p
        LEFT JOIN entry e ON e.enterprise_id = p.enterprise_id AND e.cutoff = CAST(p.cutoff AS DATE)
        LEFT JOIN insured s ON s.enterprise_id = p.enterprise_id AND s.cutoff = CAST(p.cutoff AS DATE)
        LEFT JOIN visited v ON v.enterprise_id = p.enterprise_id AND v.cutoff = CAST(p.cutoff AS DATE)
        ORDER BY p.pair
    """


ATTRIBUTE_ZH = {"region": "地区", "size": "规模", "ownership": "经济成分", "industry": "行业", "visited": "近期检查"}
"""Chinese name of each column of groups."""


SIZE_ZH = dict(zip(SIZES, ("微型", "小型", "中型", "大型"), strict=True))
"""As 国统字〔2017〕213号 calls them."""


def group_name(attribute: str, group: str, policy: GroupsPolicy) -> tuple[str, str] | None:
    """Return the English and the Chinese name of a group, or None where nobody has given it one.

    Parameters
    ----------
    attribute, group
        Column of `features.population.groups.enterprise_groups` and a value of it.
    policy
        Whose groups they are.
    """
    if group == UNKNOWN:
        return UNKNOWN, "不详"
    named: dict[str, dict[str, tuple[str, str]]] = {
        "region": DISTRICT.codes,
        "industry": INDUSTRY_SECTION.codes,
        "size": {size: (size, zh) for size, zh in SIZE_ZH.items()},
        "ownership": policy.ownership_names,
        "visited": _visited(policy.visited_months),
    }
    return named.get(attribute, {}).get(group)


def _visited(months: int) -> dict[str, tuple[str, str]]:
    words = {True: f"近{months}个月内被检查过", False: f"近{months}个月内未被检查"}
    named = {visited: visited_group(months, visited=visited) for visited in words}
    return {named[visited]: (named[visited], zh) for visited, zh in words.items()}
