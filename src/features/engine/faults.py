"""Faults of an engine, said as one of our errors: which table and columns could not be computed, and why.

What the check lets through can be computed; an engine's error is therefore rare (a disk that is full, a store that was
not checked). Then whoever runs the month must learn where to look, and never see a row's value or a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from features.catalogue.expressions import Aggregate
from features.contract import TABLES
from features.contract.identity import masked
from features.errors import EngineError

LONGEST = 300
"""Most signs of an engine's own words that are repeated."""

_BRIDGE = "An error occurred while calling "
"""How PySpark's bridge to Java begins; what went wrong stands in the next line."""

Errors = tuple[type[Exception], ...]
Run = Callable[[Sequence[Aggregate]], object]


def said(err: Exception) -> str:
    """Return an engine's own words: their first line, without what may be a person's number.

    Examples
    --------
    >>> said(ValueError("An error occurred while calling o1.sql.\\n: java.io.IOException: no space left"))
    'java.io.IOException: no space left'
    """
    lines = str(err).strip().splitlines() or [type(err).__name__]
    if lines[0].startswith(_BRIDGE) and len(lines) > 1:
        lines = [lines[1].removeprefix(": ")]
    return masked(lines[0])[:LONGEST]


@contextmanager
def named(engine: str, step: str, errors: Errors) -> Iterator[None]:
    """Turn an engine's errors within into one that names the step.

    Raises
    ------
    EngineError
        In the place of one of ``errors``.
    """
    try:
        yield
    except errors as err:
        raise EngineError(f"{engine}, {step}: {said(err)}") from err


def run_scan(engine: str, source: str, aggregates: Sequence[Aggregate], errors: Errors, run: Run) -> None:
    """Run the scan of one table; where it fails, find the columns that it fails at.

    Parameters
    ----------
    engine, source
        Names, for the error.
    errors
        What the engine raises.
    run
        Runs the scan of some of the aggregates.

    Raises
    ------
    EngineError
        If the scan fails.
    """
    try:
        run(aggregates)
    except errors as err:
        columns = _failing(source, aggregates, errors, run)
        where = f", column{'s' if len(columns) > 1 else ''} {', '.join(columns)}" if columns else ""
        raise EngineError(f"{engine}, table {source}{where}: {said(err)}") from err


def _failing(source: str, aggregates: Sequence[Aggregate], errors: Errors, run: Run) -> list[str]:
    """Return the columns of the aggregates that fail alone; none where all do, for then it is no column's fault."""
    failing = []
    for aggregate in aggregates:
        try:
            run([aggregate])
        except errors:
            failing.append(aggregate)
    if source not in TABLES or len(failing) == len(aggregates) > 1:
        return []
    words = {word for aggregate in failing for word in re.findall(r"\w+", aggregate.sql)}
    own = [column.name for column in TABLES[source].own if column.name in words]
    return own or [name for name in TABLES[source].column_names if name in words]
