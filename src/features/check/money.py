"""Money, read as whole fen from what a source writes.

A decimal in a column of fen is most likely yuan, and read as fen it is a hundred times too little. So without a word
in ``manifest.json`` an amount with a decimal point, or of a type that has decimals, is refused, though it be whole.
"""

from __future__ import annotations

from typing import Literal

from features.check.reading import EXACT, literal
from features.contract.manifest import MANIFEST_NAME

Unit = Literal["fen", "yuan"] | None
"""What the manifest says of the amounts; None: nothing."""

_WHOLE = r"[+-]?\d+"
YUAN = r"[+-]?\d+(\.\d{0,2}0*)?"
"""Form of an amount in yuan: further decimals are zeros."""

AMOUNT: dict[Unit, str] = {
    None: "a whole number of fen (0.01 yuan)",
    "fen": "a whole number of fen (0.01 yuan)",
    "yuan": "an amount of yuan with two decimals at most",
}
"""What a value should be, in words."""

SAY_UNIT = (
    f'it has decimals: say in {MANIFEST_NAME} "money": "yuan" where the amounts are yuan, '
    '"money": "fen" where they are fen'
)
"""What to do about an amount with decimals."""


def has_decimals(physical: str) -> bool:
    """Whether a physical type has decimals, so that its values may be yuan."""
    return physical in EXACT or (physical.startswith("DECIMAL") and not physical.endswith(",0)"))


def fen_of_number(r: str, physical: str) -> str:
    """SQL of the fen of a value in yuan, of a number type; NULL where it isn't exact."""
    text = f"CAST({r} AS VARCHAR)"
    if physical not in EXACT:
        return fen_of_text(text, "yuan")
    # A binary fraction is never 19.99, but up to so many digits its shortest decimal is the one that was meant.
    digits = {"DOUBLE": 15, "FLOAT": 6}[physical]
    return f"CASE WHEN abs({r}) < 1e{digits - 2} THEN {fen_of_text(text, 'yuan')} END"


def fen_of_text(r: str, unit: Unit) -> str:
    """SQL of the fen of trimmed text; NULL where it can't be read."""
    if unit == "yuan":
        whole, part = f"split_part({r}, '.', 1)", f"left(rpad(split_part({r}, '.', 2), 2, '0'), 2)"
        return f"CASE WHEN regexp_full_match({r}, {literal(YUAN)}) THEN try_cast({whole} || {part} AS BIGINT) END"
    form = _WHOLE if unit is None else rf"{_WHOLE}(\.0*)?"
    return f"CASE WHEN regexp_full_match({r}, {literal(form)}) THEN try_cast(split_part({r}, '.', 1) AS BIGINT) END"
