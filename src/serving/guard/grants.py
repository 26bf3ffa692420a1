"""Grants: what a token allows its holder to ask: acts, regions, how often, until when (HB 4, 23, 24; SC (17)).

A region is a prefix of a GB/T 2260 division code: ``13`` is a province, ``1301`` a prefecture, ``130102`` a district.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ACTS = ("classify", "explain", "history", "operate")
"""Asking for classes; for explanations (what would help, an enterprise's sheet); for past months; running it."""

_OF_PATH = {
    "/classify": "classify",
    "/what_if": "explain",
    "/status": "operate",
    "/metrics": "operate",
}
REGION = re.compile(r"[1-9][0-9]{1,5}")


def act_of(path: str) -> str | None:
    """Return the act that a path belongs to; None where any token will do.

    Examples
    --------
    >>> act_of("/enterprises/E1/sheet"), act_of("/enterprises/E1"), act_of("/model")
    ('explain', 'history', None)
    """
    if path.startswith("/enterprises/"):
        return "explain" if path.endswith("/sheet") else "history"
    return "history" if path == "/enterprises" else _OF_PATH.get(path)


@dataclass(frozen=True)
class Grant:
    """What one token allows.

    Parameters
    ----------
    name, department
        Whose it is; stands in the audit record.
    expires
        When it ends.
    acts
        Of `ACTS`.
    regions
        Prefixes of division codes; none: everywhere.
    rate, burst
        Calls a second, and how many at once; None: as the province's policy says.
    """

    name: str
    expires: datetime
    acts: tuple[str, ...] = ACTS
    regions: tuple[str, ...] = ()
    department: str = ""
    rate: float | None = None
    burst: int | None = None

    def covers(self, region: str | None) -> bool:
        """Tell whether an enterprise of a region may be asked about; one of an unknown region only without a limit.

        Examples
        --------
        >>> from datetime import UTC
        >>> grant = Grant("a", datetime(2027, 1, 1, tzinfo=UTC), regions=("1301",))
        >>> grant.covers("130102"), grant.covers("130203"), grant.covers(None)
        (True, False, False)
        """
        return not self.regions or (region is not None and region.startswith(self.regions))

    @property
    def owner(self) -> str:
        """Whose kept answers it may see again: those of a token of the same name and scope."""
        return "\n".join((self.name, ",".join(self.acts), ",".join(self.regions)))

    def as_line(self) -> dict[str, Any]:
        """Return what of it stands in the token file beside name, hash and times."""
        out: dict[str, Any] = {"acts": list(self.acts)}
        if self.regions:
            out["regions"] = list(self.regions)
        if self.department:
            out["department"] = self.department
        if self.rate is not None:
            out["rate"] = self.rate
        if self.burst is not None:
            out["burst"] = self.burst
        return out


def grant(name: str, expires: datetime, said: Mapping[str, Any]) -> Grant:
    """Return the grant that a line of the token file describes; one without acts, as old lines are, allows all.

    Raises
    ------
    ValueError
        If an act, a region or a rate is none; the message says what was expected.
    """
    acts, regions = said.get("acts", list(ACTS)), said.get("regions", [])
    if not _texts(acts) or not acts or not set(acts) <= set(ACTS):
        raise ValueError(f"acts must be some of {', '.join(ACTS)}")
    if not _texts(regions) or not all(REGION.fullmatch(r) for r in regions):
        raise ValueError("regions must be 2 to 6 leading digits of GB/T 2260 codes, such as 1301")
    department = said.get("department", "")
    if not isinstance(department, str) or len(department) > 100 or not (department.isprintable()):
        raise ValueError("a department has at most 100 printable characters")
    rate, burst = said.get("rate"), said.get("burst")
    if not (rate is None or (isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate <= 1e6)):
        raise ValueError("a rate must be calls a second, above 0 and at most 1000000")
    if not (burst is None or (isinstance(burst, int) and not isinstance(burst, bool) and burst >= 1)):
        raise ValueError("a burst must be a whole number of calls, at least 1")
    return Grant(
        name, expires, tuple(a for a in ACTS if a in acts), tuple(sorted(set(regions))), department, rate, burst
    )


def _texts(given: object) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(g, str) for g in given)
