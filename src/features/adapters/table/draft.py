"""Draft of a map: proposed from the columns of a folder's files, for a person to finish."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.adapters.table.cells import Unreadable, day, text, whole
from features.adapters.table.city import Day, File
from features.adapters.table.files import read_table
from features.errors import SourceError
from features.given import PathLike, as_path

LOOKED_AT = 2_000
"""Rows of a file that are looked at."""
MOST_WORDS = 12
"""Different words that a column of outcomes or kinds has at most."""
FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m-%dT%H:%M:%S.%f")
_KIND = re.compile(
    r"result|outcome|grade|status|action|type|kind|risk|category|level|flag|结果|结论|类型|类别|方式|形式|等级",
    re.IGNORECASE,
)
"""Columns whose words may be shown: what was found, and of which kind; any other might hold persons."""
_OUTCOME = re.compile(r"result|outcome|grade|结果|结论", re.IGNORECASE)
_VISIT = re.compile(r"^(insp(?!ector)|visit|.*检查)", re.IGNORECASE)
_COUNT = re.compile(r"count|score|points|number_of|分数|得分|数$", re.IGNORECASE)


def drafted(folder: PathLike) -> str:
    """Return the beginning of a map in TOML: files with keys, days and numbers, and the likeliest visits.

    Words are shown of columns alone that have few and are called after a result or a kind: others may hold persons.

    Raises
    ------
    SourceError
        If the folder is missing, or holds no Parquet or CSV file that can be read.
    """
    place = as_path(folder, "source folder")
    paths = sorted(p for p in place.iterdir() if p.suffix.lower() in (".parquet", ".csv")) if place.is_dir() else []
    if not paths:
        raise SourceError(f"{place}: no Parquet or CSV file; expected a folder with a city's files")
    looked = {path: _Looked(path) for path in paths}
    visits = max(looked.values(), key=lambda found: found.likely)
    return "\n".join([*_head(), *(line for found in looked.values() for line in found.lines()), *_rest(visits)]) + "\n"


class _Looked:
    """What the columns of one file seem to hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.alias = _plain(path.stem)
        table = read_table(path, File(path=path.name))
        rows = table.num_rows
        self.rows = rows
        some: pa.Table = table.slice(0, LOOKED_AT)
        self.days: dict[str, str] = {}
        self.numbers: list[str] = []
        self.words: dict[str, list[str]] = {}
        self.keys: list[str] = []
        for column in some.column_names:
            self._look(column, [v for v in some.column(column).to_pylist() if text(v) is not None])

    def _look(self, column: str, values: Sequence[Any]) -> None:
        if not values:
            return
        if (form := _form(values)) is not None:
            self.days[column] = form
            return
        texts = [text(v) or "" for v in values]
        if len(set(texts)) == len(texts) > 1:
            self.keys.append(column)
        if _all_whole(values):
            self.numbers.append(column)
        elif len(set(texts)) <= MOST_WORDS < len(texts) and _KIND.search(column):
            self.words[column] = [word for word, _ in Counter(texts).most_common()]

    @property
    def likely(self) -> tuple[int, int]:
        """How much the file looks like one of visits."""
        return bool(self.days) * (
            2 * bool(_VISIT.search(self.path.stem)) + any(map(_OUTCOME.search, self.words)) * 3 + bool(self.keys)
        ), self.rows

    def lines(self) -> Iterator[str]:
        """Yield the file's table of the map."""
        yield f"\n[files.{self.alias}]  # {self.rows:,} rows"
        yield f"path = {_toml(self.path.name)}"
        if self.keys:
            yield f"unique = [{_toml(self.keys[0])}]"
        if self.days:
            said = ", ".join(f"{_toml(c)} = {{ {f'format = {_toml(f)}' if f else ''} }}" for c, f in self.days.items())
            yield f"dates = {{ {said} }}"
        if self.numbers:
            yield f"numbers = [{', '.join(map(_toml, self.numbers))}]"
        for column, words in self.words.items():
            yield f"# {column}: {', '.join(words)}"


def _form(values: Sequence[Any]) -> str | None:
    """Return the form in which a column writes days, "" for a typed or a usual one; None where it holds none."""
    if all(isinstance(v, date | datetime) for v in values):
        return ""
    if not all(isinstance(v, str) for v in values):
        return None
    for form in (*FORMATS, ""):
        if _readable(values, Day(format=(form,) if form else ())):
            return form
    return None


def _readable(values: Sequence[Any], how: Day) -> bool:
    """Whether nine in ten of the values are days; one in ten may be a placeholder."""
    good = 0
    for value in values:
        try:
            good += day(value, how) is not None
        except Unreadable:
            continue
    return good >= 0.9 * len(values)


def _all_whole(values: Sequence[Any]) -> bool:
    try:
        return all(whole(v) is not None for v in values)
    except Unreadable:
        return False


def _toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _head() -> list[str]:
    return [
        "# A draft: every line is to be looked at, and what is in <> to be said. docs/maps.md says what the keys mean.",
        'source = "<whose records these are>"',
        'prefix = "XX"',
        'known = { lag_days = 30, rule = "<after how many days a result is known, and why>" }',
    ]


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower() or "file"


def _rest(visits: _Looked) -> list[str]:
    key = _toml(visits.keys[0] if visits.keys else "<key of a visit>")
    outcome = next((c for c in visits.words if _OUTCOME.search(c)), next(iter(visits.words), "<column of the result>"))
    when = _toml(next(iter(visits.days), "<day of the visit>"))
    words = visits.words.get(outcome, ["<word>"])
    return [
        "",
        "[enterprise]",
        f"file = {_toml(visits.alias)}",
        'key = "<column that says which enterprise>"',
        "",
        "[visits]",
        f"file = {_toml(visits.alias)}",
        f"key = [{key}]",
        f"day = {when}",
        'field = "other"',
        'arms = [{ arm = "unknown" }]',
        "outcomes = [  # codes (1: nothing found, D: violation, …): data/README.md; the first that fits counts",
        *(f'  {{ code = "<1, D, F …>", where = {{ {_toml(outcome)} = {_toml(word)} }} }},' for word in words),
        "]",
        "",
        *(f'[[measures]]\nname = "{_plain(n)}"\ncolumn = {_toml(n)}' for n in visits.numbers if _COUNT.search(n)),
    ]
