"""Text of a TOML file: decoded and parsed, and the line on which a key stands."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from features.errors import ConfigError, WrongKey
from features.near import did_you_mean
from features.toml_lines import Place, lines_of


def decode(path: Path, raw: bytes) -> str:
    """Return the text of a file; the mark that some editors put before UTF-8 is no part of it.

    Raises
    ------
    ConfigError
        If it is not UTF-8; the message names the line.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = raw[: err.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}, line {line}: not UTF-8 text (byte 0x{raw[err.start]:02x}); save the file as UTF-8"
        ) from err


def parse(path: Path, text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises
    ------
    ConfigError
        If it is none; the message names line and column.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{path}: not valid TOML: {err}") from err


def line_of(text: str, place: Sequence[str | int]) -> int | None:
    """Return the line, from 1, of the key that leads furthest towards a place, None where not even the first is there.

    Parameters
    ----------
    text
        Valid TOML.
    place
        Keys from the outside in, and numbers from 0 within arrays: ``("learner", "num_leaves")``.

    Examples
    --------
    >>> line_of("[learner]\\nnum_leaves = 1\\n", ("learner", "num_leaves"))
    2
    """
    found: int | None = None
    way: Place = ()
    lines = lines_of(text)
    for step in place:
        # A step that the file does not have, such as the name of one of several forms of a table, is passed over.
        if (*way, step) in lines:
            way = (*way, step)
            found = lines[way]
    return found


def said_of(text: str, err: ValidationError, model: type[BaseModel]) -> str:
    """Return what is wrong, one line a mistake: its line in the file where there is one, its key, what was expected."""
    lines = []
    for found in err.errors():
        place = (*found["loc"], *_named(found))
        line = line_of(text, place)
        where = f"line {line}: " if line is not None else ""
        lines.append(f"  {where}{'.'.join(map(str, place)) or 'the file'}: {found['msg']}{_meant(found, model)}")
    return "\n".join(lines)


def _named(error: ErrorDetails) -> Place:
    """Return the key within a policy that its own check names (`features.errors.WrongKey`)."""
    found = error.get("ctx", {}).get("error")
    return found.place if isinstance(found, WrongKey) else ()


def _meant(error: ErrorDetails, model: type[BaseModel]) -> str:
    """Say which key was meant by one that a file, or a table within it, does not have."""
    if error["type"] != "extra_forbidden":
        return ""
    *way, last = error["loc"]
    within = [model]
    for step in way:
        # Numbers within arrays and keys of free tables lead to what stands there; a name leads to its field's models.
        fields = [f for each in within for n, f in each.model_fields.items() if step in (n, f.alias)]
        within = [found for f in fields for found in _models(f.annotation)] or within
    return did_you_mean(str(last), {f.alias or n for each in within for n, f in each.model_fields.items()})


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Models that stand in an annotation, such as the one of ``tuple[Event, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models(inner)]
