"""Chance that anyone can check: a number follows from (seed, purpose, month, id) by SHA-256, and from nothing else.

``printf 'SEED\\nPURPOSE\\nMONTH\\nID' | sha256sum`` shows it: the first 16 hexadecimal digits, read as one whole
number. So a plan can be drawn again by anybody with any program, row by row and in any order, and a new enterprise
changes nobody's number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from supervision.errors import PlanError

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Chance:
    """Numbers of one published seed and month.

    Parameters
    ----------
    seed
        Any text without a line break, published beforehand, such as a lottery's numbers of a day that was named.
    month
        Such as 2026-11.

    Raises
    ------
    PlanError
        If the seed is empty or has a line break: it could not be told where it ends.
    """

    seed: str
    month: str

    def __post_init__(self) -> None:
        if not self.seed.strip() or "\n" in self.seed or "\r" in self.seed:
            raise PlanError(f"seed {self.seed!r}: expected one line of text that is not blank")

    def numbers(self, purpose: str, ids: Iterable[str]) -> Words:
        """Return 64 random bits for each id.

        Examples
        --------
        >>> [int(n) for n in Chance("a", "2026-11").numbers("order", ["E1"])] == [
        ...     int(hashlib.sha256(b"a\\norder\\n2026-11\\nE1").hexdigest()[:16], 16)
        ... ]
        True
        """
        base = hashlib.sha256(f"{self.seed}\n{purpose}\n{self.month}\n".encode())

        def digest(text: str) -> bytes:
            own = base.copy()
            own.update(text.encode())
            return own.digest()[:8]

        return np.frombuffer(b"".join(map(digest, ids)), dtype=">u8").astype(np.uint64)

    def number(self, purpose: str) -> int:
        """Return 64 random bits of the whole plan."""
        return int(self.numbers(purpose, [""])[0])
