"""Generated pages: a table in Markdown, put between its marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from features.errors import ConfigError
from features.places import check_output

END_MARK = "<!-- end -->"


def check_page(page: Path | None, *names: str) -> None:
    """Refuse, before hours of measuring, a page that can't be filled.

    Parameters
    ----------
    page
        None: nothing is to be filled.
    names
        Blocks that will be put there.

    Raises
    ------
    ConfigError
        If it is missing, can't be written or has no place for a block.
    """
    if page is None:
        return
    check_output(page)
    if not page.is_file():
        raise ConfigError(f"{page}: no such page; expected one with places such as {_begin('about')!r}")
    try:
        text = page.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise ConfigError(f"{page}: not UTF-8 text: {err.reason}") from err
    for name in names:
        _divide(page, text, name)


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
        before, rest = _divide(page, text, name)
        text = before + _begin(name) + "\n" + block + "\n" + END_MARK + rest
    page.write_text(text, encoding="utf-8")


def _begin(name: str) -> str:
    return f"<!-- measured: {name} -->"


def _divide(page: Path, text: str, name: str) -> tuple[str, str]:
    """Return what stands before a block's place and behind it."""
    before, found, after = text.partition(_begin(name) + "\n")
    _, closed, rest = after.partition(END_MARK)
    if not found or not closed:
        raise ConfigError(f"{page} has no place for {name!r}; expected {_begin(name)!r} and {END_MARK!r} behind it")
    return before, rest


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
