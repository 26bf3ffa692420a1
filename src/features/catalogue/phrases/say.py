"""Shape of a phrase: how a value is said, and its absence, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Say(NamedTuple):
    """How an indicator's value is said; an empty part leaves it to the general rule of the unit.

    ``{n}`` is the number alone, ``{v}`` the number with its unit; ``(one|many)`` chooses by the number. Better words
    change no value: no phrase is part of the catalogue's hash.

    Parameters
    ----------
    en, zh
        Of a value above 0; of a flag, the fact.
    none_en, none_zh
        Of 0: that there is nothing; of a flag, that the fact is not so; of days since something, that it never was.
    less_en, less_zh
        Of a value below 0, said by its size.
    """

    en: str = ""
    none_en: str = ""
    zh: str = ""
    none_zh: str = ""
    less_en: str = ""
    less_zh: str = ""


AS_ITS_UNIT = Say()
"""No phrase of its own."""
