"""Names of groups on the page: the code, with the English and Chinese names that it has."""

from __future__ import annotations

from collections.abc import Mapping

from features.population.groups import ATTRIBUTE_ZH
from models.evaluation import Check
from models.reporting.html import Raw, text

GroupNames = Mapping[tuple[str, str], tuple[str, str]]
"""(attribute, group) to (English, Chinese); what has no name is not in it."""


def names_of(attribute: str, group: str, known: GroupNames) -> tuple[str, ...]:
    """Return what stands beside a code: English where it says more than the code, and Chinese; nothing if unnamed."""
    return tuple(name for name in known.get((attribute, group), ()) if name != group)


def called(attribute: str, group: str, known: GroupNames) -> str:
    """Return a group in one line: column, code and names."""
    return " ".join([attribute, group, *names_of(attribute, group, known)])


def subject(check: Check, known: GroupNames) -> str:
    """Return what a check looks at, a group with its names."""
    return called(check.attribute, check.group, known) if check.attribute else check.subject


def cell(attribute: str, group: str, known: GroupNames, *, between: str = "<br>") -> Raw:
    """Return a group as a table's first cell: the code, its names small below it, in one line or each in its own."""
    names = names_of(attribute, group, known)
    below = f'<span class="names">{between.join(map(text, names))}</span>' if names else ""
    return Raw(f"{text(group)}{below}")


def attribute_title(attribute: str) -> str:
    """Return a column of groups with its Chinese name."""
    return " ".join(filter(None, [attribute, ATTRIBUTE_ZH.get(attribute, "")]))
