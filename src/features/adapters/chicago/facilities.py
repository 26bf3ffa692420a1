"""Industry of an establishment (GB/T 4754-2017), from the City's free text (some 180 spellings)."""

from __future__ import annotations

from functools import lru_cache

RULES: tuple[tuple[tuple[str, ...], str], ...] = (
    # Where several words are found the first rule counts: a place that cooks is one, whatever else it does.
    (("HOSPITAL",), "Q841"),
    (("LONG TERM", "LONG-TERM", "NURSING", "ASSISTED", "SUPPORTIVE", "SUPPORTING LIVING", "SENIOR"), "Q8514"),
    (("DAYCARE", "DAY CARE", "CHILDREN", "CHILDERN", "1023"), "O802"),
    (("CULINARY",), "P8391"),
    (("SCHOOL", "COLLEGE", "UNIVERSITY", "CHARTER"), "P83"),
    (("CATER", "COMMISSARY"), "H6241"),
    (("TAVERN", "BAR", "LOUNGE", "NIGHT CLUB"), "H6233"),
    (("COFFEE", "CAFE"), "H6232"),
    (("MOBILE", "KIOSK", "PUSHCART", "HOT DOG"), "H6291"),
    (("RESTAURANT", "DINER", "BANQUET", "DINING", "CAFETERIA", "KITCHEN"), "H6210"),
    (("ROOF",), "H6210"),
    (("BAKERY", "PASTRY", "DONUT"), "F5221"),
    (("WHOLESALE", "DISTRIBUT"), "F512"),
    (("GAS STATION",), "F5265"),
    (("LIQUOR",), "F5226"),
    (("GROCERY", "CONVENIENCE", "CONVIENCE", "CONVENIENT", "STORE", "MARKET", "DELI", "POULTRY", "MEAT"), "F52"),
    (("STADIUM",), "R8921"),
    (("THEATER", "THEATRE"), "R881"),
    (("SHELTER",), "Q85"),
)
"""Words of the City's facility type, upper case, to section, division and finer where the words are certain [K]."""


@lru_cache(maxsize=10_000)
def industry(facility: str) -> str | None:
    """Return the industry of a facility type; None when no word of it is known."""
    words = facility.upper()
    return next((code for found, code in RULES if any(word in words for word in found)), None)
