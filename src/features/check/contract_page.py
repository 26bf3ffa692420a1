"""``data/README.md``, generated from the contract: ``python -m features.check.contract_page [FILE]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from features.check.rules import KINDS
from features.contract.believable import believable, bounds
from features.contract.tables import TABLES
from features.contract.types import COMMON, CodeList, Column, Table

_INTRODUCTION = """\
# The source contract

Generated from `src/features/contract` by `python -m features.check.contract_page`; a test keeps the two equal.

A source is a folder with one file a table, `<table>.parquet` or `<table>.csv` (commas, UTF-8 unless the
manifest says otherwise, a header line), and an optional `manifest.json`. Only `registration` is required; what
is not there makes its indicators unknown, never zero. `fenlei check DIR --as-of DATE` holds a folder against
this page. Names are exact: a file or an optional column almost named so (`Penalties.parquet`, `complaint.csv`)
is left out, and the check says which name was meant and exits with 1.

The folder `policies/` beside this page holds the numbers a province may change, one TOML file a policy; `maps/` says
how cities' own files become these tables ([maps.md](../docs/maps.md)); `generated/` is scratch, not kept in git.

## Versions and dates

A record is never edited. Its end, its correction, its revocation, its result arrive as a new *version*:
another row with the same `record_id` and a higher `version`, which repeats every column as it now stands.

- `occurred_at` is the day the recorded thing happened or began, and stays through the versions unless it
  is itself corrected.
- `known_at` is the day the regulator came to know that version. Rules give seven working days to collect
  and up to twenty to publish, so it is later; a source that has one date only states its lag.
- A reader takes, of each record, the highest version with `known_at` before the cut-off. What became known
  on the cut-off day or later does not exist for it, and windows run over `occurred_at` in
  `[cut-off - w, cut-off)`.
- `record_state` says whether a version may be used (HB 11); only `active` ones are.

## Types

| type | SQL | how it is written |
|---|---|---|
| text | VARCHAR | text; blanks around a value are no part of it, and a blank value is a missing one |
| uscc | VARCHAR | a social credit code; full-width or small letters, spaces and signs that nobody sees are mended |
| code | VARCHAR | one code of the named list |
| codes | VARCHAR | codes of the named list, separated by `;` |
| date | DATE | `YYYY-MM-DD`; of a time without zone the date is taken, whatever the hour |
| int | BIGINT | a whole number |
| fen | BIGINT | money, a whole number of hundredths of a yuan, without a decimal point; or as the manifest says |
| bool | BOOLEAN | `true` or `false` |

A Parquet column of another type is read value by value: a text date is a date, a count `12.0` is 12, `12.5` is
not. An amount `12.0` may be yuan, and is refused unless the manifest says what it is.

## Manifest

```json
{"source": "...", "as_of": "2025-01-01", "encoding": "gb18030", "timezone": "Asia/Shanghai",
 "tables": {"penalties": {"covers_from": "2019-01-01", "lag_days": 27, "money": "yuan"}}}
```

`covers_from` is the day from which the source holds every record of the table; a window that begins earlier, by more
than the few days that `features.toml` tolerates, has no answer. Where it is not said, the check takes the table's
earliest `known_at` and marks it `inferred`.

How values are written is never guessed. It is said for the folder, or for one table where that differs:

| key | values | not said |
|---|---|---|
| `encoding` | of CSV files: `utf-8`; `gb18030` (also called `gbk`, `gb2312`) | UTF-8; a row that is not says so |
| `timezone` | the source's own zone, whose days are meant, such as `Asia/Shanghai` | a time with a zone is refused |
| `money` | `fen`, where `12.0` is 12; `yuan` with two decimals at most, converted exactly | a decimal is refused |

## What a check does with a row

rows in = kept + merged + quarantined + unmapped, for every table.

| outcome | 中文 | when |
|---|---|---|
| kept | 保留 | the row is good; it stands in `clean/<table>.parquet` |
| merged | 合并 | a further copy of a kept row, equal in every contract column |
| quarantined | 隔离 | a reason below; it stands in `quarantine/<table>.parquet` as it came (persons' numbers masked) |
| unmapped | 未映射 | an adapter could not map it onto a table; a check of contract tables has none |
"""

_AFTER_KINDS = """
Duplicates are looked for among the rows that are good by themselves; of conflicting ones every row is
quarantined, since none is known to be the right one. A row whose enterprise is not registered (an *orphan*)
is kept and counted. Warnings stop nothing: a social credit code with a wrong check digit (a few early
official codes have one), a version known earlier than a lower one, unknown columns and files. Times of
day are a notice: which day was taken.

What a value that can't be read looks like (Excel's day numbers, 31/12/2025, a decimal in a column of fen, GB 18030)
is said with the reason and counted under `hints` in `report.json`, with what the source should do.

**No person's number.** A resident identity number (GB 11643: its province, birth date and check digit are right) is
kept in no text column. In an optional one, such as `uscc`, the value is removed, the row kept, and a warning counts
it; in a required one, such as `enterprise_id`, the row is quarantined. Wherever a value is shown or quarantined, what
has the shape of such a number is masked: `1101**************`. Columns that number a record (`record_id`,
`document_no`, …) are often made of a district, a day and a serial: there only a birth date of the last century tells.
A number of before 1999 (15 digits, no check digit) is told by its province and birth date where a social credit code
belongs, and nowhere else.

**What is believable** is stated in `policies/national/believable.toml`, for every province alike:

{believable}
A file that can't be read as its table at all stops the check, with the file, the column and what was
expected: an empty folder, no `registration`, a required column missing, an empty or broken file.
"""


def render_readme() -> str:
    """Return the whole text of ``data/README.md``."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| reason | 中文 | meaning |"
    yield "|---|---|---|"
    for kind, (en, zh) in KINDS.items():
        yield f"| `{kind}` | {zh} | {en} |"
    yield _AFTER_KINDS.format(believable="".join(f"{line}\n" for line in _believable()))
    yield "## Columns of every table"
    yield ""
    yield from _columns(COMMON)
    yield "## Tables"
    yield ""
    yield "| table | 中文 | one record is | named in |"
    yield "|---|---|---|---|"
    for table in TABLES.values():
        yield f"| [`{table.name}`](#{table.name}) | {table.zh} | {table.meaning} | {table.source} |"
    yield ""
    for table in TABLES.values():
        yield from _table(table)
    yield "## Code lists"
    yield ""
    for codes in _code_lines():
        yield from codes


def _believable() -> Iterator[str]:
    policy = believable()
    yield f"- money: at most {policy.greatest_fen:,} fen; a count: at most {policy.greatest_count:,};"
    yield f"- a date: {policy.expected_day}; in an optional column any other is read as missing;"
    yield "- an event: no earlier than the first registration of its enterprise, and known, in its first version,"
    yield f"  within {policy.longest_lag_years} years; neither is asked of the tables whose records last:"
    tables = ", ".join(f"`{table}`" for table in policy.lasting_tables)
    yield from wrap(f"{tables}.", 116, initial_indent="  ", subsequent_indent="  ")


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.name}"
    yield ""
    need = " Required." if table.required else ""
    yield f"{table.zh}: {table.meaning}. `occurred_at`: {table.occurred}.{need}"
    yield ""
    yield from _columns(table.own)


def _columns(columns: tuple[Column, ...]) -> Iterator[str]:
    yield "| column | 中文 | type | unit | required | bounds | codes | meaning |"
    yield "|---|---|---|---|---|---|---|---|"
    for c in columns:
        codes = f"[{c.codes.name}](#codes-{c.codes.name})" if c.codes else ""
        cells = (
            f"`{c.name}`",
            c.zh,
            c.type,
            _unit(c),
            "yes" if c.required else "",
            _bounds(c),
            codes,
            c.meaning,
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _unit(column: Column) -> str:
    """Unit of a column; parts per million, years and version numbers are integers but no counts."""
    if column.name.endswith("_ppm"):
        return "parts per million"
    return {"report_year": "year", "version": ""}.get(column.name, column.unit)


def _bounds(column: Column) -> str:
    if column.type not in ("int", "fen") or column.name == "version":
        return "at least 1" if column.name == "version" else ""
    low, high = bounds(column)
    return f"{low:,} to {high:,}" if column.name != "report_year" else f"{low} to {high}"


def _code_lines() -> Iterator[Iterator[str]]:
    lists: dict[str, CodeList] = {}
    for table in TABLES.values():
        for column in table.columns:
            if column.codes:
                lists[column.codes.name] = column.codes
    for name in sorted(lists):
        yield _code_list(lists[name])


def _code_list(codes: CodeList) -> Iterator[str]:
    yield f"### codes: {codes.name}"
    yield ""
    yield "| code | meaning | 中文 |"
    yield "|---|---|---|"
    for code, (en, zh) in codes.codes.items():
        yield f"| `{code}` | {en} | {zh} |"
    yield ""


def main(arguments: list[str]) -> None:
    """Write the page to the named file, or to ``data/README.md`` of the checkout."""
    default = Path(__file__).parents[3] / "data" / "README.md"
    target = Path(arguments[0]) if arguments else default
    target.write_text(render_readme(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
