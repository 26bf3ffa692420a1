"""Bodies that nobody should send: malformed, deep, long, wrongly encoded, of wrong shape; the same for a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

GOOD = {"enterprise_id": "E1", "cutoff": "2026-01-01", "indicators": {"penalties_3y": 1}}


def hostile_bodies(n: int, seed: int = 7) -> Iterator[bytes]:
    """Yield n bodies, none longer than 300 kB."""
    rng = random.Random(seed)
    kinds = [_random_bytes, _deep, _cut, _encoded, _odd_values, _many_keys, _changed, _odd_numbers, _long_text]
    for i in range(n):
        yield kinds[i % len(kinds)](rng)


def _random_bytes(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(0, 400))


def _deep(rng: random.Random) -> bytes:
    depth = rng.choice([17, 100, 199, 201, 1000, 10_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"items":', b"}"), (b'{"record":{"tables":', b"}}")])
    inner = b"1" if rng.random() < 0.5 else b""
    return opening * depth + inner + (closing * depth if rng.random() < 0.7 else b"")


def _cut(rng: random.Random) -> bytes:
    raw = json.dumps({"items": [GOOD] * rng.randrange(1, 20)}).encode()
    return raw[: rng.randrange(len(raw))]


def _encoded(rng: random.Random) -> bytes:
    text = json.dumps({**GOOD, "enterprise_id": "企业\ud800" if rng.random() < 0.3 else "企业"}, ensure_ascii=False)
    code = rng.choice(["utf-16", "utf-32", "gb18030", "utf-8"])
    raw = text.encode(code, "surrogatepass") if code != "gb18030" else text.encode(code, "replace")
    return rng.choice([b"", b"\xef\xbb\xbf", b"\xff", b"\x00"]) + raw


def _odd_values(rng: random.Random) -> bytes:
    odd: list[object] = [
        None,
        True,
        -1,
        1e308,
        "",
        " ",
        "\u0000",
        "\u202e",
        [],
        {},
        [[]],
        "9" * 5000,
        {"$ref": "#"},
        "2026-13-01",
    ]
    body = {key: rng.choice(odd) for key in rng.sample([*GOOD, "items", "uscc", "record", "evidence", "language"], 4)}
    return json.dumps(body).encode()


def _many_keys(rng: random.Random) -> bytes:
    return json.dumps({f"k{i}": i for i in range(rng.randrange(1, 5000))}).encode()


def _changed(rng: random.Random) -> bytes:
    raw = bytearray(json.dumps(GOOD).encode())
    for _ in range(rng.randrange(1, 5)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def _odd_numbers(rng: random.Random) -> bytes:
    number = rng.choice([b"1e999", b"-0", b"9" * 4400, b"1e-999", b"NaN", b"Infinity", b"0x10", b"1.", b"01"])
    where = rng.choice(
        [b'{"enterprise_id":"E1","cutoff":"2026-01-01","indicators":{"penalties_3y":%s}}', b'{"reasons":%s}']
    )
    return where % number


def _long_text(rng: random.Random) -> bytes:
    key = rng.choice(["enterprise_id", "uscc", "cutoff", "language"])
    return json.dumps({key: rng.choice(["A", "企", "\\", '"']) * rng.randrange(1000, 40_000)}).encode()
