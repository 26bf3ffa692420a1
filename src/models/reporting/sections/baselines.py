"""The page's section on baselines: the model beside the rules, the past rate and a logistic regression."""

from __future__ import annotations

import numpy as np

from models.evaluation.metrics import METRICS, Evaluation, Interval
from models.reporting.html import Raw, badge, folded, image, number, paragraph, percent, table
from models.reporting.page import METRIC_TEXT, SCORER_TEXT, Page, verdict


def rivals(page: Page) -> str:
    """Model and baselines on the same resamples, with and without codes 6 and B."""
    e = page.evaluation
    out = [
        paragraph(
            f"{e.visits:,} visits of {e.enterprises:,} enterprises, {e.violations:,} with a violation "
            f"({percent(e.rate.value, e.rate.low, e.rate.high)}). Intervals: {e.repetitions:,} resamples of whole "
            "enterprises; differences are paired."
        ),
        metric_table(e),
        difference_table(e),
    ]
    if "precision_recall" in page.plots:
        shown = image(page.plots["precision_recall"], "precision over recall of model and baselines")
        out.append(folded("Precision and recall, drawn", f'<div class="plots">{shown}</div>'))
    if page.without is not None:
        out.append(
            folded(
                "Without violations by result codes 6 and B alone",
                paragraph("These codes nearly restate the abnormal list and the annual report.", "dim"),
                metric_table(page.without),
                difference_table(page.without),
            )
        )
    return "".join(out)


def metric_table(evaluation: Evaluation) -> Raw:
    """Figures of model and baselines with intervals."""
    scorers = list(evaluation.values)
    rows = [
        [METRIC_TEXT[m][0], *(_short(evaluation.values[s].get(m)) for s in scorers), METRIC_TEXT[m][1]] for m in METRICS
    ]
    head = ["", *(SCORER_TEXT.get(s, s) for s in scorers), "meaning"]
    return table(head, rows, align="t" + "n" * len(scorers), label="model and baselines")


def difference_table(evaluation: Evaluation) -> Raw:
    """Model less baseline, paired, with the verdict in words: one line a figure, one column a baseline."""
    rows = []
    for m in METRICS:
        cells: list[object] = []
        for row in evaluation.differences.values():
            d = row.get(m)
            said = "–" if d is None else Raw(f"{badge(verdict(m, d))}<br>{_signed(d)}")
            cells.append(said)
        rows.append([METRIC_TEXT[m][0], *cells])
    head = ["model less baseline: the model is", *(SCORER_TEXT.get(s, s) for s in evaluation.differences)]
    return table(head, rows, label="the model less each baseline")


def _short(i: Interval | None) -> str:
    return "–" if i is None else number(i.value, i.low, i.high, ".3f")


def _signed(i: Interval) -> str:
    return "–" if np.isnan(i.value) else number(i.value, i.low, i.high, "+.3f")
