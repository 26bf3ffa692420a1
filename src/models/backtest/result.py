"""What a backtest found, as values for programs and as tables for a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from models.backtest.figures import Figures
from models.backtest.scorers import MODEL, Told
from models.evaluation.metrics import METRICS, Interval
from models.reporting.page import METRIC_TEXT, SCORER_TEXT
from models.study.experiment import Experiment
from models.study.records import Prepared


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """What a backtest found and where it was written.

    Parameters
    ----------
    lost
        Name of what was left out (a family, a group) to the AUC that is lost without it, with intervals.
    subsets
        "attribute: group" to visits, violations and AUC of every scorer within it.
    """

    experiment: Experiment
    prepared: Prepared
    told: tuple[Told, ...]
    found: Figures
    lost: dict[str, Interval] = field(default_factory=dict)
    subsets: dict[str, dict[str, Any]] = field(default_factory=dict)
    folder: Path
    run_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "experiment": self.experiment.name,
            "records": self.prepared.summary,
            "as_of": self.prepared.as_of.isoformat(),
            "run": self.run_id,
            "folder": str(self.folder),
            **self.found.as_dict(),
            "auc_lost_without": {name: one.as_dict() for name, one in self.lost.items()},
            "subsets": self.subsets,
        }

    def render(self) -> Group:
        """Moments, pooled figures and differences in short tables."""
        found = self.found
        at = Table(title=f"{self.experiment.name}: {len(found.origins)} moments", title_justify="left")
        for column in ("moment", "known", "visits", "violations", "trees", "share", "forecast", "found"):
            at.add_column(column, justify="left" if column == "moment" else "right")
        names = (MODEL, "logistic", "lightgbm_default", "scorecard", "past_rate")
        for name in names:
            at.add_column(f"AUC {SCORER_TEXT.get(name, name)}", justify="right")
        for o in found.origins:
            first = (o.day, f"{o.known:,}", f"{o.visits:,}", f"{o.violations:,}", str(o.rounds), f"{o.tree_share:g}")
            rates = (f"{o.forecast:.1%}", f"{o.found.value:.1%}")
            at.add_row(*first, *rates, *(f"{o.aucs[n].value:.3f}" for n in names))
        pooled = Table(title="pooled; in brackets 95 % intervals by enterprise", title_justify="left")
        pooled.add_column("scorer")
        for m in METRICS:
            pooled.add_column(METRIC_TEXT[m][0], justify="right")
        pooled.add_column("model less it, AUC", justify="right")
        for name, row in found.pooled.values.items():
            less = found.pooled.differences.get(name)
            cells = [_short(row.get(m)) for m in METRICS]
            pooled.add_row(SCORER_TEXT.get(name, name), *cells, "" if less is None else _short(less["auc"], "+.3f"))
        lines = [Text(found.days.text)]
        lines.append(
            Text(f"forecast within two points at {found.near} of {len(found.origins)}; regret {found.regret:+.4f} AUC")
        )
        lines += [Text(f"AUC lost without {name}: {_short(one, '+.4f')}") for name, one in self.lost.items()]
        return Group(at, pooled, *lines, Text(f"page {self.folder / 'backtest.html'}, run {self.run_id}"))


def _short(one: Interval | None, form: str = ".3f") -> str:
    if one is None:
        return "–"
    ends = "" if one.low != one.low else f" [{one.low:{form}}, {one.high:{form}}]"
    return f"{one.value:{form}}{ends}"
