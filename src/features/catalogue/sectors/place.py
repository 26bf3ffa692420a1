"""Indicators of a place: what the measures and events of its map give, declared as a sector declares its own.

A place is a province or city whose ``province.toml`` names its map. Everything here becomes a `DeclaredIndicator`, so
that catalogue, hashes, pages and engines know no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from features.catalogue.declaration import Direction, Family, Indicator
from features.catalogue.sectors.declared import DeclaredIndicator
from features.errors import WrongKey
from features.policy import Policy, load_toml, map_path

EVER = "ever"
_WINDOW = re.compile(r"([1-9]\d*)m")
_TIMES = re.compile(r"^[a-z][a-z0-9_]*$")
_WORSE: dict[Direction, Literal["greatest", "least"]] = {"raises": "greatest", "either": "greatest", "lowers": "least"}


class MeasureMeaning(Policy):
    """What a measure means: names, unit, ``scale``, and whether more of it raises or lowers the risk."""

    name: str = Field(pattern=_TIMES.pattern)
    zh: str = ""
    en: str = ""
    unit: str = Field(default="count", min_length=1)
    scale: int = Field(default=1, ge=1, le=10**6)
    direction: Direction = "raises"
    policy: str = Field(default="SAMR (4)", min_length=1)


class EventMeaning(Policy):
    """What a kind of event means, and the family and group of its indicators."""

    kind: str = Field(pattern=_TIMES.pattern)
    zh: str = ""
    en: str = ""
    family: Family = "regulatory"
    group: str = "visits"
    direction: Direction = "raises"
    policy: str = Field(default="SAMR (4)", min_length=1)


class PlaceIndicators(Policy):
    """``[indicators]`` of a map: windows, such as "12m" and "ever", and indicators of the place's own declaration."""

    windows: tuple[str, ...] = ("12m", EVER)
    own: tuple[DeclaredIndicator, ...] = ()

    @model_validator(mode="after")
    def _windows_are(self) -> PlaceIndicators:
        wrong = [w for w in self.windows if w != EVER and not _WINDOW.fullmatch(w)]
        if wrong or not self.windows or len(set(self.windows)) < len(self.windows):
            said = f'windows {list(self.windows)}: expected different ones such as "6m", "12m", "{EVER}"'
            raise WrongKey(said, "windows")
        return self

    def declared(
        self, measures: Sequence[MeasureMeaning], events: Sequence[EventMeaning]
    ) -> tuple[DeclaredIndicator, ...]:
        """Return every indicator of a map: of each measure, of each kind of event, and the map's own.

        Raises
        ------
        ValueError
            If two have one name, or a measure or kind of event stands twice.
        """
        found = [*(i for m in measures for i in self._of_measure(m)), *(i for e in events for i in self._of_event(e))]
        found += self.own
        for names in ([i.name for i in found], [i.zh for i in found], [i.en for i in found]):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"indicators declared twice: {twice[:3]}")
        return tuple(found)

    def _spans(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield suffix of the name, months, and the span in Chinese and English."""
        for window in self.windows:
            months = 0 if window == EVER else int(window[:-1])
            yield (
                f"_{window}" if months else "",
                months,
                f"近{months}个月" if months else "历次",
                f"in {months} months" if months else "ever",
            )

    def _of_measure(self, m: MeasureMeaning) -> Iterator[DeclaredIndicator]:
        zh, en = m.zh or m.name, m.en or m.name.replace("_", " ")
        unit = m.unit if m.scale == 1 else f"{m.unit} × {m.scale}"
        shared: dict[str, Any] = {
            "family": "regulatory",
            "group": "visits",
            "table": "measures",
            "where": {"name": m.name},
            "policy": m.policy,
        }
        of = {"direction": m.direction, "unit": unit, "column": "value"}
        yield DeclaredIndicator(
            name=f"{m.name}_last",
            zh=f"最近一次检查{zh}",
            en=f"{en} at the last visit",
            doc=f"{en} of the latest visit that gave it.",
            measure="latest",
            **shared,
            **of,
        )
        worst = _WORSE[m.direction]
        for suffix, months, span, when in self._spans():
            within = {**shared, "months": months}
            yield DeclaredIndicator(
                name=f"{m.name}_mean{suffix}",
                zh=f"{span}检查{zh}均值",
                en=f"mean {en} {when}",
                doc=f"Mean of {en} over the visits that gave it {when}.",
                measure="mean",
                **within,
                **of,
            )
            yield DeclaredIndicator(
                name=f"{m.name}_worst{suffix}",
                zh=f"{span}检查{zh}最差值",
                en=f"worst {en} {when}",
                doc=f"The {worst} {en} of the visits that gave it {when}.",
                measure=worst,
                **within,
                **of,
            )
            yield DeclaredIndicator(
                name=f"{m.name}_count{suffix}",
                zh=f"{span}检查{zh}记录数",
                en=f"visits with {en} {when}",
                doc=f"Visits that gave {en} {when}.",
                measure="count",
                direction="either",
                unit="visits",
                **within,
            )

    def _of_event(self, e: EventMeaning) -> Iterator[DeclaredIndicator]:
        zh, en = e.zh or e.kind, e.en or e.kind.replace("_", " ")
        shared: dict[str, Any] = {
            "family": e.family,
            "group": e.group,
            "table": "events",
            "where": {"kind": e.kind},
            "policy": e.policy,
        }
        for suffix, months, span, when in self._spans():
            yield DeclaredIndicator(
                name=f"{e.kind}_count{suffix}",
                zh=f"{span}{zh}次数",
                en=f"{en} {when}",
                doc=f"Events of the kind {en} {when}.",
                measure="count",
                months=months,
                direction=e.direction,
                unit="events",
                **shared,
            )
        opposite: dict[Direction, Direction] = {"raises": "lowers", "lowers": "raises", "either": "either"}
        yield DeclaredIndicator(
            name=f"{e.kind}_days_since",
            zh=f"距最近一次{zh}天数",
            en=f"days since the last {en}",
            doc=f"Days from the latest event of the kind {en} to the cut-off; 3650 stands for never.",
            measure="days_since_last",
            direction=opposite[e.direction],
            unit="days",
            **shared,
        )


class _Meaning(MeasureMeaning):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Kind(EventMeaning):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Place(Policy):
    """What a map says of indicators; how its files are read is of no concern here (`features.adapters.table`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    measures: tuple[_Meaning, ...] = ()
    events: tuple[_Kind, ...] = ()
    indicators: PlaceIndicators = PlaceIndicators()

    @cached_property
    def catalogue(self) -> dict[str, Indicator]:
        """The place's own indicators by name, in the order of the map."""
        return {i.name: i.indicator for i in self.indicators.declared(self.measures, self.events)}


def load_place(province: str) -> Place | None:
    """Load the map of a place; None where its ``province.toml`` names none.

    Raises
    ------
    ConfigError
        If the map is missing or wrong.
    """
    path = map_path(province)
    if path is None:
        return None
    return _loaded(path, path.read_bytes() if path.is_file() else b"")


@lru_cache(maxsize=16)
def _loaded(path: Path, _raw: bytes) -> Place:
    """Load a map once for each state of its file: a service asks for it with every question."""
    return load_toml(path, Place)
