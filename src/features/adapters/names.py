"""Enterprise names and social credit codes, as published, made comparable."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from features.contract.identity import holds_identity_number
from features.contract.uscc import fault, is_valid, repair

_SPACE = re.compile(r"_x[0-9a-fA-F]{4}_|\s")  # spreadsheets leave control characters as _x000f_
_BRACKETS = str.maketrans("[{<【〔﹝〖〈]}>】〕﹞〗〉", "((((((((" + "))))))))")
_LEADING_NOTE = re.compile(r"^\((?:非现场检查|非现场|双随机|补)\)(?=.)")
# Notes behind the registered name: a shop on a platform "(…-京东)", the owner of an individual
# business "(街道-某某)", "(经营者:…)", a former name. They are no part of the name, and the second
# kind names a person.
_TRAILING_NOTE = re.compile(r"(?<=.)\((?:[^()]*-[^()]*|(?:原名|曾用名|经营者|负责人|法人)[^()]*)\)$")
_TRAILING_MARK = re.compile(r"(?<=.)[?。.,;、\-*]+$")

JUNK_NAMES = frozenset(
    {
        *("无", "不详", "不祥", "未知", "暂无", "无信息", "未标注", "未标明", "空", "测试"),
        *("无名", "无名商家", "无名店", "个人", "商家", "卖家", "其他", "其它"),
        *("0", "/", "-", ".", "NULL", "NONE", "NAN"),
    }
)
"""Cells that stand for 'no name'."""


@lru_cache(maxsize=200_000)
def normalise_name(text: str | None) -> str:
    """Return the comparable form of a published name ("" when there is none).

    Compatibility forms are folded (NFKC: full-width brackets, letters and digits), every bracket is
    round, all white space is gone, letters are upper case, and notes that are no part of the
    registered name are cut off. Applying it twice changes nothing.
    """
    name = _SPACE.sub("", unicodedata.normalize("NFKC", text or ""))
    name = "".join(c for c in name if unicodedata.category(c)[0] not in "CZ")
    name = unicodedata.normalize("NFKC", name.upper()).translate(_BRACKETS)
    while True:
        shorter = _TRAILING_MARK.sub("", _TRAILING_NOTE.sub("", _LEADING_NOTE.sub("", name)))
        shorter = _SPACE.sub("", unicodedata.normalize("NFKC", shorter.upper()))
        if shorter == name:
            return "" if name in JUNK_NAMES else name
        name = shorter


def is_masked_person(name: str) -> bool:
    """Whether a normalised name is a natural person's, masked by the source (``PERSON_…``, 某某)."""
    return "PERSON_" in name or "某" in name


def is_short(name: str) -> bool:
    """Whether a normalised name is one to three Chinese characters, as a person's may be."""
    return 0 < len(name) <= 3 and all("\u4e00" <= c <= "\u9fff" for c in name)


@dataclass(frozen=True, slots=True)
class Code:
    """A social credit code as read.

    ``valid`` has a right check character as published; ``repaired`` after undoing slips that the
    check character then confirms; ``bad_check`` has the right shape but a wrong check character
    (kept: a few early official codes are so); ``person`` is a person's identity number, which is not kept;
    ``junk`` is anything else that is not empty.
    """

    value: str | None
    quality: Literal["valid", "repaired", "bad_check", "person", "junk", "absent"]

    @property
    def sure(self) -> bool:
        """Whether the check character confirms it."""
        return self.quality in ("valid", "repaired")


def _plausible(code: str) -> bool:
    # 111111111111111111 and its like are typed to get past a form
    return len(set(code)) > 4


def _confirmed(code: str) -> bool:
    return _plausible(code) and is_valid(code)


_PROVINCES = frozenset(
    str(n)
    for first, last in ((10, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65))
    for n in range(first, last + 1)
)
"""First two digits of a district (GB/T 2260); 10 stands for the nation."""

_LOOKALIKE = str.maketrans("OISZ", "0152")  # letters a code never has, typed for the digit alike


@lru_cache(maxsize=200_000)
def read_code(text: str | None) -> Code:
    """Read a code cell: in the one spelling; look-alike letters and text around it removed.

    A repair counts only when the check character confirms it; several different confirmed codes in
    one cell are junk. A person's identity number never becomes a code, whatever else the cell holds.
    """
    if holds_identity_number(text or ""):
        return Code(None, "person")
    raw = repair(text or "")
    if raw in JUNK_NAMES or raw == "":
        return Code(None, "absent")
    if len(raw) == 18 and _confirmed(raw):
        return Code(raw, "valid")
    for candidate in (raw, raw.translate(_LOOKALIKE)):
        found = {w for i in range(len(candidate) - 17) if _confirmed(w := candidate[i : i + 18])}
        if len(found) == 1:
            return Code(found.pop(), "repaired")
    # 15-digit registration numbers filled up with zeros have no province in places 3 and 4
    if _plausible(raw) and raw[2:4] in _PROVINCES and (fault(raw) or "").startswith("check digit"):
        return Code(raw, "bad_check")
    return Code(None, "junk")
