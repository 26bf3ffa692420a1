"""Rules that a row must not break, column by column, as SQL.

Each contract column becomes a typed value and a list of rules. A rule is a condition and a
sentence that names the column, the value and what was expected; the sentences are only computed
for rows where a condition holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from features.check.days import day_of_text, day_of_timestamp, is_timestamp
from features.check.encoding import READS_AS_GB18030
from features.check.hints import hint
from features.check.money import AMOUNT, fen_of_number, fen_of_text, has_decimals
from features.check.reading import BLANKS, EXACT, RawColumn, SourceTable, literal, quote
from features.contract import Column
from features.contract.believable import LATEST_DAY, believable, bounds
from features.contract.identity import EXPECTED, RECORD_NUMBERS, holds_sql
from features.contract.manifest import Form
from features.contract.uscc import repaired_sql

KINDS: dict[str, tuple[str, str]] = {
    "missing": ("a required value is missing", "缺少必填值"),
    "wrong_type": ("the value can't be read as the column's type", "类型错误"),
    "unknown_code": ("the code is not in the column's list", "未知代码"),
    "out_of_range": ("the number is below or above the column's bounds, or beyond what is believable", "超出范围"),
    "placeholder_date": ("the date stands for 'not known', such as 1900-01-01", "占位日期"),
    "identity_number": ("a required value is, or holds, a person's identity number", "含公民身份号码"),
    "after_as_of": ("the date is after --as-of", "晚于数据截止日"),
    "known_before_occurred": ("known before it occurred", "知悉早于发生"),
    "separator": ("the record's identifier holds a ;, which joins identifiers in evidence", "记录编号含分号"),
    "unreadable": ("the row as a whole can't be read", "无法读取"),
    "before_registration": ("the event lies before the enterprise's registration", "早于登记注册"),
    "known_too_late": ("the event lies decades before its first version became known", "早于知悉数十年"),
    "conflicting_duplicate": ("the same record_id and version with other values", "重复键且内容冲突"),
}
"""Why a row goes to quarantine: kind to (English, Chinese)."""

SHOWN = 80
"""Longest excerpt of a value in a reason; the raw value stands whole beside it."""

_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL")
_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")


@dataclass(frozen=True)
class Rule:
    """One way for a row to be bad: kind (a key of `KINDS`), column, SQL condition, SQL sentence, SQL of a hint."""

    kind: str
    column: str
    when: str
    says: str
    hint: str | None = None

    @property
    def sql(self) -> str:
        """SQL of the reason: a struct of kind, text and hint, or NULL."""
        key = literal(f"{self.column}: {self.kind}" if self.column else self.kind)
        text = f"{self.says} || coalesce('; ' || ({self.hint}), '')" if self.hint else self.says
        return f"CASE WHEN {self.when} THEN {_reason(key, text, self.hint or 'NULL')} END"


def _reason(kind: str, text: str, hint: str) -> str:
    return f"{{'kind': {kind}, 'text': {text}, 'hint': CAST({hint} AS VARCHAR)}}"


@dataclass(frozen=True)
class Cell:
    """One contract column of a source, as SQL over two layers.

    Parameters
    ----------
    column
        The contract column.
    raw
        First layer: the value as given, blank made NULL.
    value
        Second layer, over the first's column: the typed value, NULL where it can't be read.
    rules
        Third layer, over both: what can be wrong.
    person
        Second layer, over the first's column: whether a text holds a person's identity number.
    left_out
        Third layer: by kind, when the value of an optional column is left out and the row kept.
    """

    column: Column
    raw: str
    value: str
    rules: tuple[Rule, ...]
    person: str = ""
    left_out: tuple[tuple[str, str], ...] = ()


def cells(source: SourceTable, as_of: date) -> list[Cell]:
    """Return the cells of a source, in contract order."""
    return [_cell(column, source.columns.get(column.name), as_of, source.form) for column in source.table.columns]


def _cell(column: Column, raw: RawColumn | None, as_of: date, form: Form) -> Cell:
    if raw is None:
        default = "'active'" if column.name == "record_state" else "NULL"
        return Cell(column, "NULL", f"CAST({default} AS {column.sql_type})", ())
    given, value = _typed(column, raw, form)
    if column.name == "record_state":
        value = f"CASE WHEN {_r(column)} IS NULL THEN 'active' ELSE {value} END"
    person = ""
    if column.is_text:
        person = holds_sql(_r(column), record_number=column.name in RECORD_NUMBERS, code=column.type == "uscc")
    left_out = () if column.required else tuple(_left_out(column))
    return Cell(column, given, value, tuple(_rules(column, as_of, form)), person, left_out)


def _left_out(column: Column) -> Iterator[tuple[str, str]]:
    """Yield when a value is better missing than kept: a person's number, a day that means "none"."""
    if column.is_text:
        yield "identity_number", _person(column)
    if column.type == "date":
        yield "placeholder_date", _placeholder(column)


def _placeholder(column: Column) -> str:
    """SQL condition of the second layer: the day stands for "not known"."""
    days = [f"DATE '{day}'" for day in believable().placeholder_days]
    early = f"{quote(column.name)} < DATE '{believable().earliest_day}'"
    return f"({early} OR {quote(column.name)} IN ({', '.join(days)}))" if days else early


def _person(column: Column) -> str:
    """Name in the second layer of whether the column holds a person's identity number."""
    return quote(f"person {column.name}")


def _r(column: Column) -> str:
    """Name of the raw value in the second and third layer."""
    return quote(f"raw {column.name}")


def _typed(column: Column, raw: RawColumn, form: Form) -> tuple[str, str]:
    """Return the SQL of the raw and of the typed value.

    A value already of the right type passes as it is; everything else is tried value by value.
    """
    r, kind = _r(column), raw.physical
    wants = column.sql_type
    if wants == "DATE" and kind == "DATE":
        return raw.sql, f"CASE WHEN isfinite({r}) AND {r} <= DATE '{LATEST_DAY}' THEN {r} END"
    if wants == "DATE" and is_timestamp(kind):
        return raw.sql, day_of_timestamp(r, kind, form.timezone)
    if column.type == "fen" and form.money == "yuan" and (_INTEGERS.fullmatch(kind) or kind.startswith(_NUMBERS)):
        return raw.sql, fen_of_number(r, kind)
    if column.type == "fen" and form.money is None and has_decimals(kind):
        return raw.sql, "CAST(NULL AS BIGINT)"
    if wants == "BIGINT" and _INTEGERS.fullmatch(kind):
        return raw.sql, f"try_cast({r} AS BIGINT)"
    if wants == "BIGINT" and kind in EXACT:
        # Beyond 2^53 a double stands for several integers: not exact, so not accepted.
        whole = f"isfinite({r}) AND {r} = trunc({r}) AND abs({r}) <= {EXACT[kind]}"
        return raw.sql, f"CASE WHEN {whole} THEN CAST({r} AS BIGINT) END"
    if wants == "BIGINT" and kind.startswith("DECIMAL"):
        return raw.sql, f"CASE WHEN {r} = trunc({r}) THEN try_cast({r} AS BIGINT) END"
    if wants == "BOOLEAN" and kind == "BOOLEAN":
        return raw.sql, r
    text = f"CAST({raw.sql} AS VARCHAR)"
    if kind == "BLOB":
        text = f"try(decode({raw.sql}))"
    elif kind in EXACT:  # a code 130100 that a missing neighbour made 130100.0
        whole = f"{raw.sql} = trunc({raw.sql}) AND abs({raw.sql}) <= {EXACT[kind]}"
        text = f"CASE WHEN {whole} THEN CAST(CAST({raw.sql} AS BIGINT) AS VARCHAR) ELSE {text} END"
    return f"nullif(trim({text}, {literal(BLANKS)}), '')", _from_text(column, r, form)


def _from_text(column: Column, r: str, form: Form) -> str:
    """SQL of the typed value of trimmed text; NULL where it can't be read."""
    match column.type:
        case "date":
            return day_of_text(r, form.timezone)
        case "fen":
            return fen_of_text(r, form.money)
        case "int":
            whole = f"regexp_full_match({r}, '[+-]?\\d+(\\.0*)?')"
            return f"CASE WHEN {whole} THEN try_cast(split_part({r}, '.', 1) AS BIGINT) END"
        case "uscc":
            return repaired_sql(r)
        case "bool":
            return (
                f"CASE WHEN lower({r}) IN ('true', '1', '1.0') THEN true "
                f"WHEN lower({r}) IN ('false', '0', '0.0') THEN false END"
            )
        case "code":
            return f"CASE WHEN {r} IN ({_code_list(column)}) THEN {r} END"
        case "codes":
            tidy = f"CASE WHEN contains({r}, ' ') THEN regexp_replace({r}, ' *; *', ';', 'g') ELSE {r} END"
            return f"CASE WHEN list_has_all([{_code_list(column)}], string_split({tidy}, ';')) THEN {tidy} END"
        case _:
            return r


def _code_list(column: Column) -> str:
    return ", ".join(literal(code) for code in column.codes.codes) if column.codes else ""


def _rules(column: Column, as_of: date, form: Form) -> list[Rule]:
    name, r, v = column.name, _r(column), quote(column.name)
    expected = expectation(column, form)
    shown = f"CAST({r} AS VARCHAR)"
    # Persons' numbers are masked when the reasons are written down; half of one, which a cut leaves, would not be.
    cut = f"regexp_replace(left({shown}, {SHOWN}), '\\d{{1,17}}$', '') || '…'"
    excerpt = f"CASE WHEN length({shown}) > {SHOWN} THEN {cut} ELSE {shown} END"
    says = f"{literal(name + ' is ')} || '''' || {excerpt} || '''' || "
    rules = []
    if column.required:
        text = literal(f"{name} is missing, expected {expected}")
        rules.append(Rule("missing", name, f"{r} IS NULL", text))
    kind = "unknown_code" if column.codes else "wrong_type"
    if not column.is_text:
        wrong = f"{r} IS NOT NULL AND {v} IS NULL"
        looks = hint(column, shown, form)
        rules.append(Rule(kind, name, wrong, says + literal(f", expected {expected}"), looks))
    if column.type in ("int", "fen"):
        low, high = bounds(column)
        unit = " fen" if column.type == "fen" and form.money == "yuan" else ""
        for beyond, text in ((f"{v} < {low}", f"at least {low}"), (f"{v} > {high}", f"at most {high}")):
            rules.append(Rule("out_of_range", name, beyond, says + literal(f", expected {text}{unit}")))
    if column.type == "date" and column.required:
        text = literal(f", expected {believable().expected_day}")
        rules.append(Rule("placeholder_date", name, _placeholder(column), says + text))
    if column.is_text and column.required:
        rules.append(Rule("identity_number", name, _person(column), literal(f"{name}: expected {EXPECTED}")))
    if name in ("occurred_at", "known_at"):
        text = literal(f", expected a day no later than --as-of {as_of}")
        rules.append(Rule("after_as_of", name, f"{v} > DATE '{as_of}'", says + text))
    if name == "record_id":
        text = literal(", expected an identifier without ;")
        rules.append(Rule("separator", name, f"contains({v}, ';')", says + text))
    if name == "known_at":
        text = "'known_at is ' || known_at || ', expected no earlier than occurred_at ' || occurred_at"
        rules.append(Rule("known_before_occurred", name, "known_at < occurred_at", text))
    return rules


def _mended(cell: Cell) -> str:
    """SQL of a code as it came where its spelling was mended, else NULL; a file may lack the column."""
    raw, value = _r(cell.column), quote(cell.column.name)
    if not cell.person:
        return "CAST(NULL AS VARCHAR)"
    return f"CASE WHEN {raw} <> {value} AND NOT {_person(cell.column)} THEN {raw} END"


def given_name(column: Column) -> str:
    """Name, in SQL, of what stood in the source where a spelling was mended; see `stage_sql`."""
    return quote(f"given {column.name}")


def expectation(column: Column, form: Form) -> str:
    """Say in words what a value of the column should be."""
    codes = ", ".join(column.codes.codes) if column.codes else ""
    return {
        "text": "text",
        "uscc": "a social credit code",
        "code": f"one of {codes}",
        "codes": f"codes separated by ; out of {codes}",
        "date": "a day written YYYY-MM-DD",
        "int": "a whole number",
        "fen": AMOUNT[form.money],
        "bool": "true or false",
    }[column.type]


def stage_sql(source: SourceTable, as_of: date) -> str:
    """SQL that reads a source once into typed columns, ``file_row`` and ``reasons``.

    ``reasons`` is NULL for a good row, else the list of structs (kind, text, hint) of all that is wrong; ``left_out``
    is NULL where every value stands as it was given, else the list of ``column: kind`` of those that were left out. A
    code whose spelling was mended stands as it came in ``given <column>``, unless it is a person's number. The
    connection knows `features.contract.uscc.teach`.
    """
    columns = cells(source, as_of)
    first = ", ".join(f"{cell.raw} AS {_r(cell.column)}" for cell in columns)
    persons = [f"{cell.person} AS {_person(cell.column)}" for cell in columns if cell.person]
    second = ", ".join([*(f"{cell.value} AS {quote(cell.column.name)}" for cell in columns), *persons])
    names = ", ".join(_kept(cell) for cell in columns)
    mended = "".join(
        f"{_mended(cell)} AS {given_name(cell.column)}, " for cell in columns if cell.column.type == "uscc"
    )
    rules = [rule for cell in columns for rule in cell.rules]
    bad = " OR ".join(f"coalesce({rule.when}, false)" for rule in rules)
    reasons = ", ".join(rule.sql for rule in rules)
    encoding = f"CASE WHEN row_fault = {literal(READS_AS_GB18030)} THEN row_fault END"
    unreadable = "[" + _reason("'unreadable'", "row_fault", encoding) + "]"
    out = [(f"{cell.column.name}: {kind}", when) for cell in columns for kind, when in cell.left_out]
    left_out = "CAST(NULL AS VARCHAR[])"
    if out:
        named = ", ".join(f"CASE WHEN {when} THEN {literal(key)} END" for key, when in out)
        any_out = " OR ".join(f"coalesce({when}, false)" for _, when in out)
        left_out = f"CASE WHEN {any_out} THEN list_filter([{named}], lambda key: key IS NOT NULL) END"
    return f"""
        WITH given AS (
            SELECT CAST({source.row} AS BIGINT) AS file_row, {source.fault} AS row_fault, {first}
            FROM {source.relation}
        ), typed AS (SELECT *, {second} FROM given)
        SELECT file_row, {names}, {left_out} AS left_out, {mended}
            CASE WHEN row_fault IS NOT NULL THEN {unreadable}
                 WHEN {bad} THEN list_filter([{reasons}], lambda reason: reason IS NOT NULL) END AS reasons
        FROM typed"""


def _kept(cell: Cell) -> str:
    """SQL of the value that stands in the stage: missing where it is left out."""
    name = quote(cell.column.name)
    if not cell.left_out:
        return name
    out = " OR ".join(f"coalesce({when}, false)" for _, when in cell.left_out)
    return f"CASE WHEN {out} THEN NULL ELSE {name} END AS {name}"
