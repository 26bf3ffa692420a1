"""Quick reading: well-formed questions of the usual shapes, without pydantic.

What is taken here is a part of what `serving.answers.requests.asked` takes, and comes out equal. Anything else is left
to it: it also says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from features.catalogue import Indicator
from features.catalogue.evidence import EVIDENCE
from features.contract.identity import holds_identity_number
from serving.answers.options import Options
from serving.answers.requests import Asked, Item, asked, body_of

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])(?:-01)?", re.ASCII)
_RECORD = re.compile(r"[!-:<-~](?:[ -:<-~]*[!-:<-~])?", re.ASCII)
"""A record in plain signs; what else may be is left to the careful way."""
_NUMBERS = frozenset({int, float, type(None)})
_BY_INDICATORS = frozenset({"enterprise_id", "cutoff", "indicators", "evidence"})
_USUAL = Options()
_LARGEST = 1e18


class Quick:
    """Reads bodies for one catalogue of indicators.

    Parameters
    ----------
    catalogue
        The indicators that may be named.
    max_items
        Most items in one call.
    """

    def __init__(self, catalogue: Mapping[str, Indicator], max_items: int) -> None:
        self._catalogue, self._max_items = catalogue, max_items
        self._at = {name: k for k, name in enumerate(catalogue)}
        bounds = [entry.bounds for entry in catalogue.values()]
        self._low = np.asarray([-_LARGEST if b.low is None else b.low for b in bounds], dtype=np.float64)
        self._high = np.asarray([_LARGEST if b.high is None else b.high for b in bounds], dtype=np.float64)
        self._whole = np.asarray([b.whole for b in bounds], dtype=np.bool_)

    def read(self, raw: bytes) -> Asked:
        """Read a body; errors are those of `serving.answers.requests.asked`."""
        body = body_of(raw)
        # Every key of an object has its colon: with no more colons than keys, no key was given twice.
        if isinstance(body, dict) and raw.count(b":") == _keys(body):
            found = self._usual(body)
            if found is not None:
                return found
        return asked(raw, self._max_items, self._catalogue)

    def _usual(self, body: dict[str, Any]) -> Asked | None:
        options = _USUAL
        if "language" in body or "reasons" in body:
            language, reasons = body.pop("language", "both"), body.pop("reasons", None)
            if language not in ("zh", "en", "both") or not (
                reasons is None or reasons is True or reasons is False or (type(reasons) is int and 0 <= reasons <= 200)
            ):
                return None
            options = Options.model_construct(language=language, reasons=reasons)
        many = body.get("items")
        if many is None:
            one = self._item(body)
            return None if one is None else Asked([one], True, options)
        if len(body) != 1 or type(many) is not list or not 0 < len(many) <= self._max_items:
            return None
        items = []
        for given in many:
            one = self._item(given)
            if one is None:
                return None
            items.append(one)
        return Asked(items, False, options)

    def _item(self, given: Any) -> Item | None:
        if type(given) is not dict:
            return None
        name = given.get("enterprise_id")
        if type(name) is not str or not 0 < len(name) <= 128 or holds_identity_number(name):
            return None
        if len(given) == 1:
            return Item.model_construct(enterprise_id=name)
        if not given.keys() <= _BY_INDICATORS:
            return None
        month, values, evidence = given.get("cutoff"), given.get("indicators"), given.get("evidence")
        if type(month) is not str or type(values) is not dict or not (found := _MONTH.fullmatch(month)):
            return None
        if not self._fit(values) or not (evidence is None or _plain(evidence)):
            return None
        cutoff = date(int(found[1]), int(found[2]), 1)
        return Item.model_construct(enterprise_id=name, cutoff=cutoff, indicators=values, evidence=evidence)

    def _fit(self, values: dict[str, Any]) -> bool:
        """Tell whether these are numbers that the indicators named can have."""
        if not set(map(type, values.values())) <= _NUMBERS:
            return False
        try:
            at = [self._at[name] for name in values]
            numbers = np.asarray(list(values.values()), dtype=np.float64)
        except (KeyError, OverflowError):
            return False
        unknown = np.isnan(numbers)
        # A number that is not one can't come from JSON: NaN here stands for null.
        inside = (numbers >= self._low[at]) & (numbers <= self._high[at]) & (np.abs(numbers) <= _LARGEST)
        inside &= ~self._whole[at] | (np.floor(numbers) == numbers)
        return bool((inside | unknown).all())


def _plain(evidence: Any) -> bool:
    if type(evidence) is not dict or not evidence.keys() <= EVIDENCE.keys():
        return False
    for records in evidence.values():
        if type(records) is not list:
            return False
        for record in records:
            if (
                type(record) is not str
                or len(record) > 128
                or not _RECORD.fullmatch(record)
                or holds_identity_number(record, record_number=True)
            ):
                return False
    return True


def _keys(value: Any) -> int:
    """Count the keys of all objects in a value."""
    if type(value) is dict:
        inner = [v for v in value.values() if type(v) is dict or type(v) is list]
        return len(value) + sum(map(_keys, inner))
    return sum(map(_keys, value)) if type(value) is list else 0
