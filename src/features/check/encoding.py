"""Encoding of a CSV file: held against what the source says of it, and what bytes that don't fit look like.

Most offices' files are GB 18030, and some of its texts are valid UTF-8 of another meaning; so an encoding is never
guessed, only named.
"""

from __future__ import annotations

from pathlib import Path

from features.contract.manifest import MANIFEST_NAME
from features.errors import SourceError

READS_AS_GB18030 = f'the row is not UTF-8 and reads as GB18030: say "encoding": "gb18030" in {MANIFEST_NAME}'
"""What is wrong with a row of a file that is most likely GB 18030, and what to do about it."""

_THREE_BYTES = "\u0800"
"""First sign that UTF-8 writes in three bytes, as it does Chinese; short GB 18030 texts pass for two-byte ones."""


def check_encoding(file: Path, encoding: str | None) -> None:
    """Refuse a file that is plainly in another encoding than the source says.

    Raises
    ------
    SourceError
        If it is UTF-16, or is said to be GB 18030 and is UTF-8: its names would turn into other signs.
    """
    with file.open("rb") as handle:
        start = handle.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError(
            f"{file}: the file is UTF-16 (Excel's 'Unicode text'), expected UTF-8; save it as 'CSV UTF-8'"
        )
    if encoding == "gb18030" and _is_chinese_utf8(file):
        raise SourceError(
            f"{file}: {MANIFEST_NAME} says the encoding gb18030, but the file is UTF-8; "
            'expected "encoding": "utf-8" for this table'
        )


def bytes_fault(file: Path, encoding: str | None) -> str:
    """Return what is to be said of the rows whose bytes are no text in the encoding they are read in."""
    if encoding == "gb18030":
        return f"the row holds bytes that are not GB18030 text, as {MANIFEST_NAME} says"
    if encoding == "utf-8":
        return f"the row holds bytes that are not UTF-8 text, as {MANIFEST_NAME} says"
    if _reads_as_gb18030(file):
        return READS_AS_GB18030
    return "the row holds bytes that are not UTF-8 text, and the file as a whole does not read as GB18030 either"


def _is_chinese_utf8(file: Path) -> bool:
    found = False
    with file.open("rb") as handle:
        for line in handle:
            if line.isascii():
                continue
            try:
                found = max(line.decode()) >= _THREE_BYTES or found
            except UnicodeDecodeError:
                return False
    return found


def _reads_as_gb18030(file: Path) -> bool:
    """Whether all lines do, and few of them would be UTF-8 too: one spoiled row doesn't make a UTF-8 file another."""
    both = other = 0
    with file.open("rb") as handle:
        for line in handle:
            if line.isascii():
                continue
            try:
                line.decode("gb18030")
            except UnicodeDecodeError:
                return False
            try:
                line.decode()
                both += 1
            except UnicodeDecodeError:
                other += 1
    return other > both
