"""The page says what a reviewer needs, stands alone, and doesn't let a name break it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from models import plots
from models.metrics import Interval, Sample, Scored, evaluate
from models.report import ClassRow, IndicatorRow, Page, render, verdict


@pytest.mark.parametrize(
    ("metric", "low", "high", "said"),
    [
        ("auc", 0.01, 0.05, "ahead"),
        ("auc", -0.01, 0.05, "within noise"),
        ("auc", -0.05, -0.01, "behind"),
        ("log_loss", -0.05, -0.01, "ahead"),
        ("ece", 0.01, 0.05, "behind"),
        ("auc", float("nan"), float("nan"), "no interval: cannot tell"),
    ],
)
def test_only_an_interval_without_zero_decides(metric, low, high, said):
    assert verdict(metric, Interval(0.0, low, high)) == said


@pytest.fixture
def page(tmp_path) -> Page:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    score = y + rng.normal(0, 1, 300)
    sample = Sample.of(y, np.arange(300).astype(str).astype(object), np.ones(300))
    scorers = {"model": Scored(score, 1 / (1 + np.exp(-score))), "scorecard": Scored(rng.normal(size=300))}
    evaluation = evaluate(sample, scorers, repetitions=50)
    picture = plots.save(plots.gain(sample, scorers), tmp_path / "gain.png")
    return Page(
        title="A <b>study</b>",
        summary="Learnt from 10 visits & 3 indicators.",
        arm_statement="There is no random arm to measure on.",
        learnt=[
            {
                "segment": "fit",
                "arm": "unknown",
                "first": "2021-01-01",
                "last": "2021-02-01",
                "visits": 10,
                "violations": 2,
                "enterprises": 9,
            }
        ],
        dropped={"visited outside every segment": 1234},
        evaluation=evaluation,
        without=None,
        classes=[
            ClassRow("A", 100, 0.5, Interval(0.05, 0.02, 0.09)),
            ClassRow("D", 0, 0.0, Interval(float("nan"))),
        ],
        indicators=[IndicatorRow("penalties_3y", "近三年行政处罚", "regulatory", "raises the risk", 0.31)],
        plots={"gain": picture},
        limits=["Few visits."],
        facts={"data_hash": "abc"},
    )


def test_the_page_needs_no_other_file_and_no_network(page):
    text = render(page)
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "http" not in text
    assert 'src="data:image/png;base64,' in text


def test_the_page_says_what_was_found_and_how_sure_it_is(page):
    text = render(page)
    auc = page.evaluation.values["model"]["auc"]
    for said in (
        str(auc),
        "There is no random arm",
        "visited outside every segment: 1,234",
        "5.0% [2.0%, 9.0%]",
        "近三年行政处罚",
        "Few visits.",
        "the model is",
        "ahead",
    ):
        assert said in text


def test_names_are_shown_not_run(page):
    text = render(page)
    assert "A &lt;b&gt;study&lt;/b&gt;" in text
    assert "<b>study</b>" not in text
