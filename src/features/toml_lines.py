"""Lines of a TOML file: on which one every key, table, array element and inline key stands."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter

Place = tuple[str | int, ...]
"""Keys from the outside in, and numbers from 0 within arrays."""

_BLANK = re.compile(r"(?:[\s]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_NAME = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_TEXT = re.compile(r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL)
_BARE = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, of every place of a TOML file.

    Parameters
    ----------
    text
        Valid TOML: what is no TOML has been told already.

    Examples
    --------
    >>> lines_of("[a]\\nb = [1,\\n 2]\\n")[("a", "b", 1)]
    3
    """
    return _Walk(text).found


class _Walk:
    """One walk through a text; ``found`` holds the first line of every place."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Place, int] = {}
        self._arrays: Counter[Place] = Counter()
        self._ends = [at for at, char in enumerate(text) if char == "\n"]
        table: Place = ()
        while self._skip(_BLANK) and self.at < len(text):
            if text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self, what: re.Pattern[str]) -> bool:
        found = what.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return True

    def _eat(self, text: str) -> bool:
        """Step over a mark where it stands next."""
        there = self.text.startswith(text, self.at)
        self.at += len(text) if there else 0
        return there

    def _note(self, place: Place, at: int) -> None:
        self.found.setdefault(place, bisect_left(self._ends, at) + 1)

    def _header(self) -> Place:
        start, many = self.at, self._eat("[[")
        if not many:
            self._eat("[")
        *way, last = self._keys()
        self._eat("]]" if many else "]")
        # A name on the way that is an array of tables means its latest element.
        table: Place = ()
        for key in way:
            table = (*table, key)
            table = (*table, self._arrays[table] - 1) if self._arrays[table] else table
            self._note(table, start)
        table = (*table, last)
        if many:
            self._note(table, start)
            self._arrays[table] += 1
            table = (*table, self._arrays[table] - 1)
        self._note(table, start)
        return table

    def _keys(self) -> Place:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            if not (name := _NAME.match(self.text, self.at)):
                raise AssertionError(f"no name at {self.at} of a text that was valid TOML")
            keys.append(name[0].strip("\"'"))
            self.at = name.end()
            self._skip(_SPACE)
            if not self._eat("."):
                return tuple(keys)

    def _pair(self, table: Place) -> None:
        start, keys = self.at, self._keys()
        for n in range(1, len(keys) + 1):
            self._note((*table, *keys[:n]), start)
        self._eat("=")
        self._skip(_SPACE)
        self._value((*table, *keys))

    def _value(self, place: Place) -> None:
        if self._eat("["):
            number = 0
            while self._skip(_BLANK) and not self._eat("]"):
                self._note((*place, number), self.at)
                self._value((*place, number))
                number += 1
                self._skip(_BLANK)
                self._eat(",")
        elif self._eat("{"):
            while self._skip(_BLANK) and not self._eat("}"):
                self._pair(place)
                self._skip(_BLANK)
                self._eat(",")
        elif text := _TEXT.match(self.text, self.at):
            self.at = text.end()
        else:
            self._skip(_BARE)
