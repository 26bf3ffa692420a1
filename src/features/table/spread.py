"""Spread of a column by trade and size: counts and order statistics, exact, of any number of enterprises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.table.peers import PERCENTS, Among

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COUNTED = 4096
"""Whole values below this are counted, not sorted: things, flags and days of ten years."""

Group = tuple[str, str, Among]
"""Trade and size, empty where all belong, and who that is."""


@dataclass(frozen=True)
class Grouping:
    """Enterprises by trade and size.

    Parameters
    ----------
    cells
        The trades and sizes that there are, sorted.
    cell
        Which one of them each enterprise is in [n].
    order
        The enterprises in the order of their cells [n].
    groups
        Each group with the first of its cells and the one behind its last: one cell, all of a trade, everyone.
    """

    cells: tuple[tuple[str, str], ...]
    cell: Ints
    order: NDArray[np.intp]
    groups: tuple[tuple[Group, int, int], ...]

    @classmethod
    def of(cls, trade: NDArray[np.str_], size: NDArray[np.str_]) -> Grouping:
        """Group enterprises by their trade and size [n each]."""
        trades, of_trade = np.unique(trade, return_inverse=True)
        sizes, of_size = np.unique(size, return_inverse=True)
        numbers, cell = np.unique(of_trade * len(sizes) + of_size, return_inverse=True)
        cells = tuple((str(trades[k // len(sizes)]), str(sizes[k % len(sizes)])) for k in numbers)
        groups: list[tuple[Group, int, int]] = [(("", "", "everyone"), 0, len(cells))]
        for one in dict.fromkeys(trade for trade, _ in cells):
            inside = [k for k, (trade, _) in enumerate(cells) if trade == one]
            groups.append(((one, "", "trade"), inside[0], inside[-1] + 1))
            groups += [((*cells[k], "trade and size"), k, k + 1) for k in inside]
        return cls(cells, cell.astype(np.int64), np.argsort(cell, kind="stable"), tuple(groups))

    def spread(
        self, values: Floats, nothing: float, least: int
    ) -> Iterator[tuple[Group, tuple[int, int, float, float, float, float, float]]]:
        """Give how values are spread in each group of at least ``least`` known ones.

        Parameters
        ----------
        values
            Of the enterprises [n]; NaN is unknown.
        nothing
            The value of those who have nothing.

        Yields
        ------
        group, (known, nothing, the `PERCENTS`)
        """
        known = ~np.isnan(values)
        whole = np.where(known, values, 0.0)
        counted = whole.astype(np.int16) if whole.min(initial=0.0) >= 0 and whole.max(initial=0.0) < COUNTED else None
        if counted is not None and (counted == whole).all():
            return self._counted(counted, known, int(nothing), least)
        return self._sorted(values, nothing, least)

    def _counted(
        self, values: NDArray[np.int16], known: NDArray[np.bool_], nothing: int, least: int
    ) -> Iterator[tuple[Group, tuple[int, int, float, float, float, float, float]]]:
        width = max(int(values.max(initial=0)), nothing) + 1
        flat = self.cell * width + values
        counts = np.bincount(flat[known], minlength=len(self.cells) * width).reshape(len(self.cells), width)
        for group, first, behind in self.groups:
            here = counts[first:behind].sum(axis=0)
            upto = np.cumsum(here)
            n = int(upto[-1])
            if n >= least:
                found = [float(np.searchsorted(upto, rank + 1)) for rank in _ranks(n)]
                yield group, (n, int(here[nothing]), found[0], found[1], found[2], found[3], found[4])

    def _sorted(
        self, values: Floats, nothing: float, least: int
    ) -> Iterator[tuple[Group, tuple[int, int, float, float, float, float, float]]]:
        ends = np.concatenate([[0], np.cumsum(np.bincount(self.cell, minlength=len(self.cells)))])
        placed = values[self.order]
        for group, first, behind in self.groups:
            here = np.sort(placed[ends[first] : ends[behind]])  # what is unknown comes last
            n = int(np.searchsorted(here, np.inf, side="right"))
            if n >= least:
                none = int((here[:n] == nothing).sum())
                found = [float(here[rank]) for rank in _ranks(n)]
                yield group, (n, none, found[0], found[1], found[2], found[3], found[4])


def _ranks(known: int) -> list[int]:
    """Places, from 0, of the order statistics among so many sorted values."""
    return [(percent * known + 99) // 100 - 1 for percent in PERCENTS]
