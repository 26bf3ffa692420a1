"""Text of a scorecard: as the policy file that `fenlei` reads back, byte for byte the same for the same card."""

from __future__ import annotations

import json
from collections.abc import Sequence

from models.scoring.rules.scorecard import Flag, PerUnit, Scorecard, Steps


def card_text(card: Scorecard, about: Sequence[str] = ()) -> str:
    """Return a card as TOML.

    Parameters
    ----------
    about
        Lines of comment at its head: where it comes from.
    """
    lines = [f"# {line}".rstrip() for line in about]
    lines += [f"name = {_text(card.name)}", f"base = {card.base!r}", "", "[families]"]
    lines += [f"{name} = {{ zh = {_text(f.zh)}, weight = {f.weight!r} }}" for name, f in card.families.items()]
    for entry in card.entries:
        lines += [
            "",
            "[[entries]]",
            f"indicator = {_text(entry.indicator)}",
            f"zh = {_text(entry.zh)}",
            f"family = {_text(entry.family)}",
            f"rule = {_rule(entry.rule)}",
            f"missing = {entry.missing!r}",
            f"why = {_text(entry.why)}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # A basic string of TOML is one of JSON.
    return json.dumps(value, ensure_ascii=False)


def _rule(rule: PerUnit | Steps | Flag) -> str:
    if isinstance(rule, Steps):
        steps = ", ".join(f"{{ at_least = {s.at_least!r}, points = {s.points!r} }}" for s in rule.steps)
        return f'{{ kind = "steps", below = {rule.below!r}, steps = [{steps}] }}'
    if isinstance(rule, Flag):
        return f'{{ kind = "flag", points = {rule.points!r} }}'
    said = (("points", rule.points), ("unit", rule.unit), ("start", rule.start), ("cap", rule.cap))
    return f'{{ kind = "per_unit", {", ".join(f"{k} = {v!r}" for k, v in said)} }}'
