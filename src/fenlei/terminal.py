"""Output of the verbs: tables for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from features.errors import ConfigError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def show(renderable: RenderableType) -> None:
    """Print a table or text for people; a line of text is never broken, so that a path can be copied."""
    out.print(renderable, soft_wrap=isinstance(renderable, Text))


def emit(value: Any) -> None:
    """Print one JSON document for a program."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def error(message: str) -> None:
    """Print an error to standard error, as it is: a path or code in brackets is no markup."""
    err.print("error:", style="bold red", end=" ")
    err.print(message, markup=False, soft_wrap=True)


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show what is being done while it is done; yields a function that names the present step."""
    if quiet:
        yield lambda _step: None
        return
    with err.status(label) as status:
        yield lambda step: status.update(f"{label}: {step}")


def parse_date(text: str) -> date:
    """Read ``2026-11-22``, or ``2026-11`` as the first of the month.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError as problem:
        raise ConfigError(
            f"{text!r} is no date; expected such as 2026-11-22, or 2026-11 for its first day"
        ) from problem
