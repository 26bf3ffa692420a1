"""Tally of a shadow: how often it gave the served class, and how far its scores lie from the served ones.

Every enterprise and month counts once: a caller that asks the same again adds no evidence.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from features.errors import SourceError
from models.evaluation.intervals import wilson
from models.scoring.classification import GRADES, Classification

FORMAT = 1
Z = 1.959964
"""Of a 95% interval."""
WIDTH, BINS = 100.0, 10
"""Bins of scores, 0 to 1000."""
FLOOR = 1e-4
"""Least share of a bin in the stability index (`models.evaluation.drift.psi`)."""
STEPS = (0.0, 10.0, 50.0, 100.0)
"""Differences of score that are counted apart: none, up to 10, 50, 100 points, and more."""


@dataclass
class Tally:
    """Counts of one served version beside one shadow.

    Parameters
    ----------
    served, shadow
        The registered versions, or "rules".
    served_hash, shadow_hash, policy
        Content hashes of the models, and the policies that both answered under.
    since
        When counting began, ISO.
    counts
        Enterprises by served class (rows) and the shadow's (columns), A to D.
    served_bins, shadow_bins
        Enterprises by score, in bins of 100 points.
    steps
        Enterprises by how far the scores lie apart (`STEPS`).
    total, squares
        Sum of the shadow's score less the served one, and of its square.
    repeated, dropped, failed, by_rules
        What was not counted: asked again; thrown away because the shadow was busy; the shadow raised; the rules
        answered in the shadow's place.
    """

    served: str
    shadow: str
    served_hash: str
    shadow_hash: str
    policy: str
    since: str
    counts: list[list[int]] = field(default_factory=lambda: [[0] * len(GRADES) for _ in GRADES])
    served_bins: list[int] = field(default_factory=lambda: [0] * BINS)
    shadow_bins: list[int] = field(default_factory=lambda: [0] * BINS)
    steps: list[int] = field(default_factory=lambda: [0] * (len(STEPS) + 1))
    total: float = 0.0
    squares: float = 0.0
    repeated: int = 0
    dropped: int = 0
    failed: int = 0
    by_rules: int = 0
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Enterprises counted."""
        return sum(map(sum, self.counts))

    def add(self, served: Classification, shadow: Classification) -> bool:
        """Count one enterprise, before any override; returns whether the classes agree."""
        row, column = GRADES.index(computed(served)), GRADES.index(computed(shadow))
        self.counts[row][column] += 1
        self.served_bins[_bin(served.score)] += 1
        self.shadow_bins[_bin(shadow.score)] += 1
        # Scores have one decimal: tenths are whole, and sums of them have no order.
        apart = round(10 * shadow.score) - round(10 * served.score)
        self.total += apart / 10
        self.squares += apart * apart / 100
        self.steps[next((k for k, most in enumerate(STEPS) if abs(apart) <= 10 * most), len(STEPS))] += 1
        return row == column

    def compared(self) -> dict[str, Any]:
        """Return what a reviewer looks at: agreement over all and by served class, and the drift of the scores."""
        n = self.size
        agree = sum(self.counts[k][k] for k in range(len(GRADES)))
        riskier = sum(self.counts[i][j] for i in range(len(GRADES)) for j in range(i + 1, len(GRADES)))
        mean = self.total / n if n else None
        spread = math.sqrt(max(0.0, self.squares - self.total**2 / n) / (n - 1) / n) if n > 1 else None
        return {
            "enterprises": n,
            "agreement": _share(agree, n),
            "riskier": _share(riskier, n),
            "safer": _share(n - agree - riskier, n),
            "by_class": {
                grade: {
                    "shadow": dict(zip(GRADES, self.counts[k], strict=True)),
                    "agreement": _share(self.counts[k][k], sum(self.counts[k])),
                }
                for k, grade in enumerate(GRADES)
            },
            "score_difference": {
                "mean": mean,
                "interval": None if mean is None or spread is None else [mean - Z * spread, mean + Z * spread],
                "apart": dict(zip(("0", "<=10", "<=50", "<=100", ">100"), self.steps, strict=True)),
            },
            "psi": _psi(self.served_bins, self.shadow_bins) if n else None,
        }

    def write(self, path: Path) -> None:
        """Write counts and comparison in one step: a reader sees the old or the new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**asdict(self), "compared": self.compared()}, ensure_ascii=False, indent=1)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text + "\n")
        fresh = Path(file.name)
        fresh.chmod(0o644)
        fresh.replace(path)


def read_tally(path: Path) -> Tally:
    """Read what a service wrote.

    Raises
    ------
    SourceError
        If there is no such file, or it is none; names it.
    """
    file = path / "shadow.json" if path.is_dir() else path
    try:
        said = json.loads(file.read_bytes())
        said.pop("compared")
        found = Tally(**said)
        if found.format != FORMAT or [len(row) for row in found.counts] != [len(GRADES)] * len(GRADES):
            raise ValueError("another format")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise SourceError(
            f"{file}: no comparison of a shadow (`fenlei serve` writes it, FENLEI_SHADOW): {err}"
        ) from err
    return found


def computed(one: Classification) -> str:
    """Return the class before an override."""
    return one.grade if one.override is None else one.override.instead_of


def _bin(score: float) -> int:
    return min(BINS - 1, int(score // WIDTH))


def _share(part: int, whole: int) -> dict[str, Any]:
    if not whole:
        return {"count": part, "of": whole, "share": None, "interval": None}
    return {"count": part, "of": whole, "share": part / whole, "interval": list(wilson(part / whole, whole, Z))}


def _psi(before: Iterable[int], now: Iterable[int]) -> float:
    then, later = list(before), list(now)
    pairs = [(max(FLOOR, a / sum(then)), max(FLOOR, b / sum(later))) for a, b in zip(then, later, strict=True)]
    return sum((b - a) * math.log(b / a) for a, b in pairs)
