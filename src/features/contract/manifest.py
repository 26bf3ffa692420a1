"""Manifest of a source folder: the source's own description, ``manifest.json`` beside the tables.

A table that is present but starts in 2020 knows nothing of 2019: ``covers_from`` says so, and
the indicators answer 'unknown' instead of zero for windows that begin earlier. How its values are
written (encoding, time zone, unit of money) can't be seen in the values without guessing, so it is said here.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.contract import TABLES
from features.errors import SourceError
from features.near import did_you_mean
from features.twice import keys_given_twice

MANIFEST_NAME = "manifest.json"

_ENCODINGS = {"utf8": "utf-8", "utf-8-sig": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030"}
"""Other names of the two encodings; GBK and GB 2312 are parts of GB 18030."""


class Form(BaseModel):
    """How a source writes its values; what is None is not said.

    Parameters
    ----------
    encoding
        Of CSV files; not said: UTF-8.
    timezone
        The source's own zone, whose days are the days of its records. Not said: times with a zone are refused.
    money
        Unit of the amounts. Not said: fen, and amounts with a decimal point are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: Literal["utf-8", "gb18030"] | None = None
    timezone: str | None = None
    money: Literal["fen", "yuan"] | None = None

    @field_validator("encoding", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        name = value.lower() if isinstance(value, str) else value
        return _ENCODINGS.get(name, name) if isinstance(name, str) else name

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in _zones():
            raise ValueError(f"{value!r} is no time zone; expected a name such as Asia/Shanghai")
        return value


def _zones() -> set[str]:
    """Zones by the database that will convert to them, so that both know the same names."""
    with duckdb.connect() as con:
        return {name for (name,) in con.execute("SELECT name FROM pg_timezone_names()").fetchall()}


class Coverage(Form):
    """What a source says about one table; how it is written, where that differs from the folder's other tables.

    Parameters
    ----------
    covers_from
        First day from which the source holds every record of the table; None: not said.
    inferred
        Whether ``covers_from`` is a guess (the earliest ``known_at``), not the source's word.
    lag_days
        Reporting lag by which ``known_at`` was derived, where the source has one date only.
    note
        Anything a reader should know.
    """

    covers_from: date | None = None
    inferred: bool = False
    lag_days: int | None = Field(default=None, ge=0)
    note: str = ""


class Manifest(Form):
    """A source folder's own description, and how its tables are written.

    Parameters
    ----------
    source
        Where the records come from, for people.
    as_of
        Day the records were taken from the source.
    tables
        Coverage by table name; only tables of the contract.
    """

    source: str = ""
    as_of: date | None = None
    tables: dict[str, Coverage] = Field(default_factory=dict)

    def coverage(self, table: str) -> Coverage:
        """What is said about a table; an empty `Coverage` when nothing is."""
        return self.tables.get(table, Coverage())

    def form(self, table: str) -> Form:
        """How a table is written: what is said of it, else what is said of the folder."""
        own = self.coverage(table)
        said = {name: getattr(own, name) or getattr(self, name) for name in Form.model_fields}
        return Form.model_construct(**said)


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json`` of a folder; a folder without one has an empty manifest.

    Raises
    ------
    SourceError
        If the file is no JSON, has an unknown key or one twice, a wrong value, or names a table that the
        contract doesn't have.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return Manifest()
    try:
        text = path.read_text(encoding="utf-8-sig")
        manifest = Manifest.model_validate(json.loads(text))
    except (json.JSONDecodeError, UnicodeDecodeError) as err:
        raise SourceError(f"{path}: not valid JSON in UTF-8: {err}") from err
    except ValidationError as err:
        lines = [f"  {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in err.errors()]
        raise SourceError(f"{path} is not a valid manifest:\n" + "\n".join(lines)) from err
    twice = [".".join(map(str, loc)) for loc in keys_given_twice(text)]
    if twice:
        raise SourceError(f"{path}: given twice: {', '.join(twice)}; expected each key once")
    unknown = sorted(set(manifest.tables) - set(TABLES))
    if unknown:
        meant = did_you_mean(unknown[0], TABLES)
        raise SourceError(f"{path}: tables {unknown} are not in the contract; it has {sorted(TABLES)}{meant}")
    return manifest


def write_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write ``manifest.json`` into a folder, tables sorted by name; return its path."""
    path = folder / MANIFEST_NAME
    content = manifest.model_dump(mode="json", exclude_none=True)
    content["tables"] = dict(sorted(content["tables"].items()))
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path
