"""Generated pages: a table in Markdown, put between its marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from features.errors import ConfigError


def fill(page: Path, blocks: dict[str, str], about: str) -> None:
    """Put the blocks between the page's markers ``<!-- measured: NAME -->`` and ``<!-- end -->``.

    Raises
    ------
    ConfigError
        If the page lacks a marker.
    """
    put(page, blocks | {"about": about})


def put(page: Path, blocks: Mapping[str, str]) -> None:
    """Put blocks between a page's markers; see `fill`."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
        before, found, after = text.partition(begin)
        _, closed, rest = after.partition(end)
        if not found or not closed:
            raise ConfigError(f"{page} has no place for {name!r}; expected {begin.strip()!r} and {end!r} behind it")
        text = before + begin + block + "\n" + end + rest
    page.write_text(text, encoding="utf-8")


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
