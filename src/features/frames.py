"""Frames and pairs as callers give them, as the code takes them; what does not fit is refused by row and column."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow.interchange import from_dataframe

from features.errors import SourceError
from features.given import as_day

KEYS = ["enterprise_id", "cutoff"]


def as_frame(given: Any, what: str) -> pd.DataFrame:
    """Return a pandas frame, also of one of another library that can become one.

    Raises
    ------
    SourceError
        If it can't; ``what`` says which frame was expected.
    """
    if isinstance(given, pd.DataFrame):
        return given
    found: Any = None
    try:
        if hasattr(given, "to_pandas"):
            found = given.to_pandas()
        elif hasattr(given, "__arrow_c_stream__"):
            found = pa.table(given).to_pandas()
        elif hasattr(given, "__dataframe__"):
            found = from_dataframe(given).to_pandas()
    except (pa.ArrowException, ImportError, NotImplementedError, TypeError, ValueError) as err:
        raise SourceError(f"{what}: {type(given).__name__} can't become a pandas frame: {err}") from err
    if isinstance(found, pd.DataFrame):
        return found
    raise SourceError(
        f"{what}: expected a pandas frame, or one with to_pandas or the dataframe interchange protocol, "
        f"got {type(given).__name__}"
    )


def as_pairs(given: Any, what: str) -> pd.DataFrame:
    """Return pairs as a frame with ``enterprise_id`` (text) and ``cutoff`` (days), in their order and with their index.

    Columns may stand in the index, as `features.compute_indicators` leaves them.

    Raises
    ------
    SourceError
        If it is no frame, a column is missing, an identifier is no text, or a cut-off is no day; the first such row is
        named.
    """
    frame = as_frame(given, what)
    if set(KEYS) <= set(frame.index.names) and not set(KEYS) & set(frame.columns):
        frame = frame.index.to_frame(index=False)
    missing = [name for name in KEYS if name not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns[:8])) or "none"
        raise SourceError(f"{what} needs columns enterprise_id and cutoff; missing: {', '.join(missing)}; got: {there}")
    twice = [name for name in KEYS if list(frame.columns).count(name) > 1]
    if twice:
        raise SourceError(f"{what}: column {twice[0]} is there twice")
    return pd.DataFrame(
        {"enterprise_id": _texts(frame["enterprise_id"], what), "cutoff": _days(frame["cutoff"], what)},
        index=frame.index,
    )


def _texts(column: pd.Series, what: str) -> pd.Series:
    values = column.astype(object)
    if pd.api.types.infer_dtype(values, skipna=False) in ("string", "empty"):
        return values
    row, value = next((k, v) for k, v in enumerate(values) if not isinstance(v, str))
    kind = "nothing" if value is None or value is pd.NA or value != value else type(value).__name__
    # A number has lost its leading zeros already: it would be another enterprise, or none.
    raise SourceError(f"{what}, row {row}, column enterprise_id: expected text, got {kind}")


def _days(column: pd.Series, what: str) -> pd.Series:
    """Days of a column; each different value is looked at once."""
    values = column
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        values = column.dt.tz_localize(None)  # the day that the clock of its own zone shows
    if pd.api.types.is_datetime64_dtype(values.dtype) and not values.isna().any():
        if (values.dt.normalize() == values).all():
            return values
    elif set(map(type, values.to_numpy(dtype=object))) <= {date}:
        return values.astype(object)
    days: dict[Any, date] = {}
    out = []
    for row, value in enumerate(column.astype(object)):
        if value not in days:
            days[value] = as_day(value, f"{what}, row {row}, column cutoff")
        out.append(days[value])
    return pd.Series(out, index=column.index, dtype=object)
