"""Parts that define a record table: columns, types, keys and meanings.

Every record is an append-only *version* ``(record_id, version, occurred_at, known_at, …)``:
an end, a correction, a revocation or a result arrives as a new version of the same record,
never as an edit. ``occurred_at`` is when the recorded thing began or happened, and stays the
same through the versions unless it is itself corrected; ``known_at`` is the day the regulator
came to know that version. Both are dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["text", "uscc", "code", "codes", "date", "int", "fen", "bool"]
"""``uscc`` is a social credit code in its one spelling (`features.contract.uscc.repair`), ``codes`` a ``;``-separated
list of codes; ``fen`` is money in hundredths of a yuan."""

SQL_TYPES: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "uscc": "VARCHAR",
    "code": "VARCHAR",
    "codes": "VARCHAR",
    "date": "DATE",
    "int": "BIGINT",
    "fen": "BIGINT",
    "bool": "BOOLEAN",
}


@dataclass(frozen=True)
class CodeList:
    """A closed list of codes.

    Parameters
    ----------
    name
        Name of the list, as shown in ``data/README.md``.
    codes
        Code to ``(English, Chinese)`` meaning.
    """

    name: str
    codes: dict[str, tuple[str, str]]

    def __contains__(self, code: object) -> bool:
        return code in self.codes


@dataclass(frozen=True)
class Column:
    """One column of a record table.

    Parameters
    ----------
    name, type, zh, meaning
        Name, contract type, Chinese name and meaning of the column.
    required
        A missing value quarantines the row; a missing column stops the table.
    codes
        The code list of a ``code`` or ``codes`` column.
    minimum, maximum
        Inclusive bounds of an ``int`` or ``fen`` column, where the domain has one; else
        `features.contract.believable.bounds` says what is believable.
    """

    name: str
    type: ColumnType
    zh: str
    meaning: str = ""
    required: bool = False
    codes: CodeList | None = None
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        if (self.type in ("code", "codes")) != (self.codes is not None):
            raise ValueError(f"column {self.name}: a code column has a code list, others have none")

    @property
    def sql_type(self) -> str:
        """DuckDB type of the column."""
        return SQL_TYPES[self.type]

    @property
    def is_text(self) -> bool:
        """Whether any text may stand in the column, and so also what is a person's."""
        return self.type in ("text", "uscc")

    @property
    def unit(self) -> str:
        """Unit shown in the generated documentation."""
        return {"fen": "fen (0.01 yuan)", "date": "day", "int": "count"}.get(self.type, "")


@dataclass(frozen=True)
class Table:
    """One record table of the source contract.

    Parameters
    ----------
    name, zh, meaning
        Table name, Chinese name and what one record is.
    occurred
        What ``occurred_at`` means here.
    own
        The columns beyond the common ones.
    required
        Whether a source folder must have the table; only ``registration`` is.
    source
        Policy item or article that names this kind of record.
    of_places
        Whether its records are about places: what their ``enterprise_id`` names stands in no register.
    """

    name: str
    zh: str
    meaning: str
    occurred: str
    own: tuple[Column, ...]
    source: str
    required: bool = False
    of_places: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """Common columns first, then the table's own."""
        return COMMON + self.own

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in contract order."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """Return the named column.

        Raises
        ------
        KeyError
            If the table has no such column.
        """
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"table {self.name} has no column {name!r}; it has {self.column_names}")


KEY = ("record_id", "version")

RECORD_STATES = CodeList(
    "record_state",
    {
        "active": ("in force and usable", "有效"),
        "revoked": ("act revoked (H11.1, HB 11(1))", "已撤销"),
        "unlawful": ("act confirmed unlawful (H11.1, HB 11(1))", "确认违法"),
        "wrong": ("declared wrong by the data source (H11.3, HB 11(3))", "数据源认定错误"),
        "objected": ("objection marked by the data source (H11.4, HB 11(4))", "异议标注"),
        "barred": ("other law forbids its use (H11.5, HB 11(5))", "依法不得使用"),
    },
)

COMMON: tuple[Column, ...] = (
    Column("record_id", "text", "记录编号", "identifies the record within its table; without ;", required=True),
    Column(
        "version", "int", "版本", "1, 2, …: the latest known one counts", required=True, minimum=1, maximum=10**17 - 1
    ),
    Column("enterprise_id", "text", "企业标识", "opaque key of the enterprise", required=True),
    Column("occurred_at", "date", "发生日期", "when it happened or began", required=True),
    Column("known_at", "date", "知悉日期", "when the regulator came to know this version", required=True),
    Column(
        "record_state",
        "code",
        "记录状态",
        "whether the record may be used (H11); missing means active",
        codes=RECORD_STATES,
    ),
)


ENDED = Column("ended_on", "date", "结束日期", "when it ended; a later version brings it; empty: still runs")


def money(name: str, zh: str, meaning: str = "", minimum: int | None = 0) -> Column:
    """Return an optional column of money."""
    return Column(name, "fen", zh, meaning, minimum=minimum)


def ref(name: str, zh: str, meaning: str) -> Column:
    """Return a required column that refers to something by id."""
    return Column(name, "text", zh, meaning, required=True)
