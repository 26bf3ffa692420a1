"""Comparisons of a month: how every indicator is spread among the enterprises of a trade and size.

Two files beside an indicator table hold them: ``<table>.peers.parquet`` (one row for an indicator and a group of
enterprises) and ``<table>.groups.parquet`` (trade and size of each enterprise). Order statistics of stored values
alone, so that the same table gives the same bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from features.catalogue.declaration import Indicator
from features.errors import SourceError
from features.policy import Policy, load_policy
from features.population.groups import UNKNOWN, enterprise_groups, groups_policy
from features.table.peers import PERCENTS, Among, Peers
from features.table.spread import Grouping

AT_A_TIME = 12
"""Indicators read at a time: order statistics need all values of a column in memory, 24 MB for 3 million."""

_COLUMNS = ("trade", "size", "among", "indicator", "known", "none", *(f"p{p}" for p in PERCENTS))


class ReasonsPolicy(Policy):
    """``reasons.toml``: what the reasons of a class compare an enterprise with.

    Parameters
    ----------
    least_peers
        Known values that a group needs before anyone is compared with it.
    """

    least_peers: int = Field(ge=1)


def reasons_policy(province: str) -> ReasonsPolicy:
    """Load a province's ``reasons.toml``."""
    return load_policy(province, "reasons", ReasonsPolicy)


def comparison_paths(table: Path) -> tuple[Path, Path]:
    """Where the peers and the groups of an indicator table stand."""
    return table.with_name(f"{table.name}.peers.parquet"), table.with_name(f"{table.name}.groups.parquet")


class Comparisons:
    """What each enterprise of a month is compared with.

    Examples
    --------
    With ``table`` an indicator table that `features.table.month.write_table` wrote:

    >>> everyone = read_comparisons(table)
    >>> alone = Comparisons.from_context("E1", everyone.context("E1"))
    >>> alone.of("E1") == everyone.of("E1")
    True
    """

    def __init__(self, ids: pa.StringArray, groups: list[tuple[str, str]], codes: Any, cells: pd.DataFrame) -> None:
        self._ids, self._groups, self._codes, self._cells = ids, groups, codes, cells
        self._of_group: dict[tuple[str, str], dict[str, Peers]] = {}

    def of(self, enterprise_id: str) -> Mapping[str, Peers]:
        """Return an enterprise's peers by indicator; of one that the month does not have, everyone's."""
        at = bisect_left(range(len(self._ids)), enterprise_id, key=lambda i: self._ids[i].as_py())
        there = at < len(self._ids) and self._ids[at].as_py() == enterprise_id
        return self.among(*(self._groups[self._codes[at]] if there else (UNKNOWN, UNKNOWN)))

    def among(self, trade: str, size: str) -> Mapping[str, Peers]:
        """Return the peers of enterprises of a trade and size: the narrowest group with enough known values."""
        if (trade, size) not in self._of_group:
            found: dict[str, Peers] = dict(self._by_group.get(("", ""), {}))
            if trade != UNKNOWN:
                found |= self._by_group.get((trade, ""), {})
                found |= self._by_group.get((trade, size), {}) if size != UNKNOWN else {}
            self._of_group[trade, size] = found
        return self._of_group[trade, size]

    @cached_property
    def _by_group(self) -> dict[tuple[str, str], dict[str, Peers]]:
        by_group: dict[tuple[str, str], dict[str, Peers]] = {}
        for trade, size, among, name, known, none, *quantiles in self._cells.itertuples(index=False):
            by_group.setdefault((trade, size), {})[name] = _peers(among, known, none, quantiles)
        return by_group

    def context(self, enterprise_id: str) -> dict[str, list[Any]]:
        """Return an enterprise's peers as JSON can carry them beside its record: by indicator, who and how spread."""
        return {name: [p.among, p.known, p.none, *p.quantiles] for name, p in self.of(enterprise_id).items()}

    @classmethod
    def from_context(cls, enterprise_id: str, context: Mapping[str, Any]) -> Comparisons:
        """Read what `context` gave, for that enterprise alone.

        Raises
        ------
        SourceError
            If a part is not as `context` writes it; the indicator is named.
        """
        cells = []
        for name, given in context.items():
            right = isinstance(given, list | tuple) and len(given) == 3 + len(PERCENTS)
            if not right or given[0] not in ("trade and size", "trade", "everyone"):
                raise SourceError(
                    f"comparisons, indicator {name!r}: expected [among, known, none, {len(PERCENTS)} quantiles], got "
                    f"{given!r}"
                )
            if any(isinstance(g, bool) or not isinstance(g, int | float) for g in given[1:]):
                raise SourceError(
                    f"comparisons, indicator {name!r}: expected numbers behind {given[0]!r}, got {given!r}"
                )
            cells.append(("", "", given[0], name, *given[1:]))
        return cls(pa.array([enterprise_id]), [(UNKNOWN, UNKNOWN)], [0], pd.DataFrame(cells, columns=list(_COLUMNS)))


def _peers(among: Among, known: int, none: int, quantiles: list[float]) -> Peers:
    p10, p25, p50, p75, p90 = map(float, quantiles)
    return Peers(among, int(known), int(none), (p10, p25, p50, p75, p90))


def read_comparisons(table: Path) -> Comparisons:
    """Read the comparisons beside an indicator table.

    Raises
    ------
    SourceError
        If they are missing or can't be read; the file is named.
    """
    peers, groups = comparison_paths(table)
    try:
        cells, firms = pq.read_table(peers, columns=list(_COLUMNS)).to_pandas(), pq.read_table(groups)
        pairs = firms.select(["trade", "size"]).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as err:
        raise SourceError(
            f"{table}: no comparisons stand beside it, `fenlei features` writes them with the table: {err}"
        ) from err
    numbered = pairs.groupby(["trade", "size"], sort=True)
    known = [(str(trade), str(size)) for trade, size in numbered.groups]
    ids = firms.column("enterprise_id").combine_chunks().cast(pa.string())
    return Comparisons(ids, known, numbered.ngroup().to_numpy(), cells)


def write_comparisons(
    table: Path, clean: Path, cutoff: date, province: str, catalogue: Mapping[str, Indicator]
) -> tuple[Path, Path]:
    """Compare the enterprises of an indicator table, by trade and size as known at its cut-off, and write it beside.

    Parameters
    ----------
    table
        The indicator table, written.
    clean
        Clean folder that it was computed from.
    cutoff, province, catalogue
        Of the table; the province says which enterprises are of one size and how many make a group.

    Returns
    -------
    peers, groups
        The files, as `comparison_paths` names them.
    """
    peers, groups = comparison_paths(table)
    ids = pq.read_table(table, columns=["enterprise_id"])
    pairs = ids.to_pandas().assign(cutoff=cutoff)
    of_pairs = enterprise_groups(clean, pairs, groups_policy(province))
    firms = pa.table(
        {
            "enterprise_id": ids.column("enterprise_id"),
            "trade": pa.array(of_pairs["industry"], pa.string()),
            "size": pa.array(of_pairs["size"], pa.string()),
        }
    )
    pq.write_table(firms, groups, compression="zstd")
    write_peers(table, groups, peers, catalogue, reasons_policy(province).least_peers)
    return peers, groups


def write_peers(table: Path, groups: Path, output: Path, catalogue: Mapping[str, Indicator], least: int) -> None:
    """Write how each indicator is spread in each group of at least ``least`` known values.

    The rows of ``groups`` are those of ``table``, in the same order.
    """
    firms = pq.read_table(groups, columns=["trade", "size"]).to_pandas()
    grouping = Grouping.of(firms["trade"].to_numpy(str), firms["size"].to_numpy(str))
    names = sorted(name for name, entry in catalogue.items() if not entry.shared)
    rows: list[tuple[object, ...]] = []
    file = pq.ParquetFile(table)
    for begin in range(0, len(names), AT_A_TIME):
        columns = file.read(columns=names[begin : begin + AT_A_TIME])
        for name in names[begin : begin + AT_A_TIME]:
            never = catalogue[name].never
            values = columns.column(name).to_numpy()
            for group, found in grouping.spread(values, 0.0 if never is None else never, least):
                rows.append((*group, name, *found))
    written = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(_COLUMNS[6:], "float64"))
    pq.write_table(pa.Table.from_pandas(written, preserve_index=False), output, compression="zstd")
