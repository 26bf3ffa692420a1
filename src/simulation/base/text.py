"""Text of the records: ids, social credit codes, invented names; all built a column at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import TABLES
from simulation.base.rng import Bools, Ints

SLOTS = 10_000
"""Records of one enterprise in one table have numbers below this."""
Bytes = npt.NDArray[np.uint8]

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = np.frombuffer(_ALPHABET.encode(), dtype=np.uint8)
_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])
_BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_PREFIX = {name: f"{i:02d}" for i, name in enumerate(TABLES, start=10)}


def _digits(number: Ints, width: int) -> Bytes:
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (number[:, None] // powers % 10 + 48).astype(np.uint8)


def _constant(text: str, rows: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(text.encode(), dtype=np.uint8), (rows, len(text.encode())))


def _strings(*parts: Bytes) -> pa.Array:
    """Turn byte columns of fixed width into an Arrow string array without a Python string."""
    matrix = np.ascontiguousarray(np.hstack(parts))
    rows, width = matrix.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(matrix))


def numbered(prefix: str, number: Ints, width: int) -> pa.Array:
    """Return ``prefix`` and the number in ``width`` digits."""
    return _strings(_constant(prefix, len(number)), _digits(number, width))


def enterprise_ids(enterprise: Ints) -> pa.Array:
    """Return the opaque keys, such as ``E0000123``."""
    return numbered("E", enterprise, 7)


def square_ids(east: Ints, north: Ints) -> pa.Array:
    """Return the ids of the squares of a kilometre that places lie in, such as ``Q010200345``."""
    return numbered("Q", east // 1000 * 10_000 + north // 1000, 9)


def record_ids(table: str, enterprise: Ints, slot: Ints) -> pa.Array:
    """Return record ids: table number, enterprise, the record's number there."""
    rows = len(enterprise)
    return _strings(
        _constant("R" + _PREFIX[table] + "-", rows), _digits(enterprise, 7), _constant("-", rows), _digits(slot, 4)
    )


def referred_ids(table: Ints, enterprise: Ints, slot: Ints) -> pa.Array:
    """Return the ids of records of several tables, given by their place in the contract."""
    rows = len(enterprise)
    return _strings(
        _constant("R", rows), _digits(table + 10, 2), _constant("-", rows),
        _digits(enterprise, 7), _constant("-", rows), _digits(slot, 4),
    )  # fmt: skip


def code_text(codes: list[str], value: Ints, empty: Bools | None) -> pa.Array:
    """Return codes by their place in the list."""
    safe = value if empty is None else np.where(empty, 0, value)
    places = pa.array(safe.astype(np.int32), mask=empty)
    return pa.DictionaryArray.from_arrays(places, pa.array(codes, pa.string())).cast(pa.string())


def set_text(codes: list[str], mask: Ints, empty: Bools) -> pa.Array:
    """Return ``;``-separated codes, in the list's order, from bit masks."""
    seen, place = np.unique(np.where(empty, 0, mask), return_inverse=True)
    words = [";".join(code for bit, code in enumerate(codes) if int(m) >> bit & 1) for m in seen]
    return code_text(words, place.astype(np.int64), empty)


def date_array(day: Ints, empty: Bools | None = None) -> pa.Array:
    """Return days since 1970-01-01 as dates."""
    safe = day if empty is None else np.where(empty, 0, day)
    return pa.array(safe.astype(np.int32), mask=empty).cast(pa.date32())


def social_credit_codes(enterprise: Ints, region: Ints) -> pa.Array:
    """Return social credit codes with valid check characters (GB 32100 and, within, GB 11714).

    The district digits belong to no real district, so no code is a real enterprise's.
    """
    rows = len(enterprise)
    body = np.empty((rows, 8), dtype=np.int64)
    body[:, 0], body[:, 1] = 22, 10  # "MA", as for codes given since 2015 (values 22 and 10 in GB 11714)
    left = enterprise * 7 + 31**4
    for place in range(7, 1, -1):
        body[:, place] = left % 10 if place > 5 else left % 31
        left = left // (10 if place > 5 else 31)
    letters = np.empty((rows, 18), dtype=np.uint8)
    letters[:, :2] = np.frombuffer(b"91", dtype=np.uint8)
    letters[:, 2:8] = _digits(region, 6)
    letters[:, 8:10] = np.frombuffer(b"MA", dtype=np.uint8)
    letters[:, 10:16] = _LETTERS[body[:, 2:]]
    ordinal = np.where(letters[:, 8:16] > 57, letters[:, 8:16].astype(np.int64) - 55, letters[:, 8:16] - 48)
    inner = (11 - ordinal @ _BODY_WEIGHTS % 11) % 11
    letters[:, 16] = np.where(inner == 10, ord("X"), inner + 48)
    value = np.searchsorted(_LETTERS, letters[:, :17])
    letters[:, 17] = _LETTERS[(31 - value @ _WEIGHTS % 31) % 31]
    return _strings(letters)


_FIRST = "云山海星天金玉长春明华瑞嘉鸿安泰宏瀚景博晨旭元丰祥润恒盛益诚"
_SECOND = "岭禾川翼澜舟穗岚枫桥鹿鹤梧桐松柏竹荷蓝青启源达通腾联创信合隆"
_PLACES = ("虚川市", "拟云市", "假山市", "幻海市", "仿州市", "示范市", "乌有市", "子虚市")


def company_names(enterprise: Ints, variant: Ints, district: Ints, word: list[str], form: list[str]) -> pa.Array:
    """Return invented company names in places that do not exist; ``variant`` counts renamings."""
    number = enterprise * 13 + variant * 7919 + 17
    first, second = list(_FIRST), list(_SECOND)
    third = [a + b for a in second[:16] for b in first[:16]]
    parts = [
        pa.array(_PLACES).take(pa.array(district % len(_PLACES))),
        pa.array(first).take(pa.array(number % len(first))),
        pa.array(second).take(pa.array(number // len(first) % len(second))),
        pa.array(third).take(pa.array(number // (len(first) * len(second)) % len(third))),
        pa.array(word, pa.string()),
        pa.array(form, pa.string()),
    ]
    return pc.binary_join_element_wise(*parts, "")
