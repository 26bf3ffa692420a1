"""Counter-based randomness: a number depends on (seed, purpose, enterprise, month) and on nothing else.

So enterprises may be simulated in chunks of any size and in any order, and a new purpose
changes no existing number.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_Words = npt.NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_LOW = (1 << 64) - 1


def _mix(x: _Words) -> _Words:
    """Apply splitmix64's finaliser: every input bit moves every output bit."""
    x = x ^ (x >> np.uint64(30))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


class Stream:
    """The random numbers of one seed.

    Parameters
    ----------
    seed
        Any integer; the same seed gives the same province.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def bits(self, purpose: str, index: npt.ArrayLike, month: npt.ArrayLike = 0) -> _Words:
        """Return 64 random bits for each pair of index and month (broadcast)."""
        digest = hashlib.blake2b(f"{self._seed}\0{purpose}".encode(), digest_size=8).digest()
        key = np.array([int.from_bytes(digest, "little")], dtype=np.uint64)
        # A column is mixed before the months are added: the dear step runs once for each enterprise.
        first = _mix((np.atleast_1d(np.asarray(index)).astype(np.uint64) + np.uint64(1)) * _GAMMA + key)
        second = (np.atleast_1d(np.asarray(month)).astype(np.uint64) + np.uint64(1)) * _GAMMA
        return _mix(first + second)

    def uniform(self, purpose: str, index: npt.ArrayLike, month: npt.ArrayLike = 0) -> Floats:
        """Return uniform numbers strictly between 0 and 1."""
        bits = self.bits(purpose, index, month) >> np.uint64(11)
        return (bits.astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, purpose: str, index: npt.ArrayLike, month: npt.ArrayLike = 0) -> Floats:
        """Return standard normal numbers."""
        return np.asarray(ndtri(self.uniform(purpose, index, month)), dtype=np.float64)

    def below(self, purpose: str, top: int, index: npt.ArrayLike, month: npt.ArrayLike = 0) -> Ints:
        """Return integers in [0, top)."""
        return np.minimum((self.uniform(purpose, index, month) * top).astype(np.int64), top - 1)

    def days(self, purpose: str, span: tuple[int, int], index: npt.ArrayLike, month: npt.ArrayLike = 0) -> Ints:
        """Return whole days within an inclusive span."""
        return span[0] + self.below(purpose, span[1] - span[0] + 1, index, month)

    def choice(self, purpose: str, weights: npt.ArrayLike, index: npt.ArrayLike, month: npt.ArrayLike = 0) -> Ints:
        """Return positions drawn in proportion to the weights."""
        cuts = np.cumsum(np.asarray(weights, dtype=np.float64))
        drawn = np.searchsorted(cuts / cuts[-1], self.uniform(purpose, index, month), side="right")
        return np.minimum(drawn, len(cuts) - 1).astype(np.int64)
