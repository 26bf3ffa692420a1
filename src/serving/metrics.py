"""Metrics for Prometheus: latency by endpoint and outcome, answers by class and source, fallbacks by cause, ages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from models.scoring.classification import Classification

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """What one service process counts; a registry of its own, so that nothing else's figures are among them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "fenlei_call_seconds",
            "Time from the call to its answer, by endpoint and status",
            ["path", "status"],
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._answers = Counter(
            "fenlei_answers", "Enterprises answered, by class and by who answered", ["grade", "source"],
            registry=self.registry,
        )  # fmt: skip
        self._fallbacks = Counter(
            "fenlei_fallbacks", "Enterprises that the rules answered in the model's place, by cause", ["cause"],
            registry=self.registry,
        )  # fmt: skip
        self._unwritten = Counter(
            "fenlei_audit_failures", "Audit lines that could not be written; the calls were not answered",
            registry=self.registry,
        )  # fmt: skip
        self._ages = Gauge(
            "fenlei_age_days", "Days since the month's cut-off and since the model was approved", ["of"],
            registry=self.registry,
        )  # fmt: skip
        self._shadow = Counter(
            "fenlei_shadow", "Enterprises that the shadow scored or could not, by outcome", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        self._kept: dict[tuple[str, int], Callable[[float], None]] = {}

    def call(self, path: str, status: int, seconds: float) -> None:
        """Count one call."""
        key = path, status
        if key not in self._kept:
            self._kept[key] = self._seconds.labels(path, str(status)).observe
        self._kept[key](seconds)

    def answer(self, given: Classification) -> None:
        """Count one enterprise's answer."""
        self._answers.labels(given.grade, given.source).inc()
        if given.fallback_code is not None:
            self._fallbacks.labels(given.fallback_code).inc()

    def audit_failed(self) -> None:
        """Count a line that could not be written."""
        self._unwritten.inc()

    def shadow(self, outcome: str, count: int) -> None:
        """Count what became of enterprises that were handed to the shadow."""
        self._shadow.labels(outcome).inc(count)

    def text(self, *, month: date | None, approved: date | None) -> bytes:
        """Return all figures as Prometheus reads them, ages as of now."""
        today = datetime.now(UTC).date()
        for of, day in (("month", month), ("model", approved)):
            if day is None:
                # No age is no figure: a zero would look fresh.
                if (of,) in self._ages._metrics:
                    self._ages.remove(of)
            else:
                self._ages.labels(of).set((today - day).days)
        return generate_latest(self.registry)
