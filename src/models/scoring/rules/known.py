"""Unknown indicators and evidence in a province's rules: an error with file and line, before anything is scored."""

from __future__ import annotations

from features.errors import ConfigError
from features.near import did_you_mean
from features.policy import policy_path
from features.toml_text import decode, line_of
from models.scoring.rules.determinations import Determinations
from models.scoring.rules.scorecard import Scorecard


def check_indicators(card: Scorecard, card_of: str, province: str) -> None:
    """Hold that every entry of a card names an indicator that the province has.

    Parameters
    ----------
    card, card_of
        The card and whose it is, for its file.
    province
        Whose catalogue: the general indicators, recent peer rates, those of its map and of all its sectors.

    Raises
    ------
    ConfigError
        If one is unknown: its points would be those of an unknown value for every enterprise, silently.
    """
    # Imported when it is needed: who only reads a signed model waits for no catalogue.
    from features.catalogue import of_province
    from features.catalogue.sectors import load_sector, sector_names

    known = set(of_province(province, peers=True))
    if all(name in known for name in card.indicators):
        return
    known |= {name for each in sector_names(province) for name in load_sector(province, each).catalogue}
    path = policy_path(card_of, "scorecard")
    text = decode(path, path.read_bytes())
    wrong = [(place, name) for place, name in enumerate(card.indicators) if name not in known]
    if wrong:
        lines = [
            f"  line {line_of(text, ('entries', place, 'indicator'))}: entries.{place}.indicator: no indicator "
            f"{name!r} in the catalogue of {province}{did_you_mean(name, known) or '; `fenlei indicators` lists them'}"
            for place, name in wrong
        ]
        raise ConfigError(f"{path} is not a valid Scorecard:\n" + "\n".join(lines))


def check_evidence(rules: Determinations, rules_of: str) -> None:
    """Hold that every enabled direct rule reads a column that features computes.

    Parameters
    ----------
    rules, rules_of
        The rules and whose they are, for their file.

    Raises
    ------
    ConfigError
        If one is unknown: the rule would never be hit, silently.
    """
    from features.catalogue.evidence import EVIDENCE

    wrong = [(at, rule) for at, rule in enumerate(rules.rules) if rule.enabled and rule.column not in EVIDENCE]
    if wrong:
        path = policy_path(rules_of, "determinations")
        text = decode(path, path.read_bytes())
        lines = [
            f"  line {line_of(text, ('rules', at, 'evidence' if rule.evidence else 'id'))}: rules.{at}: no evidence "
            f"{rule.column!r}; features computes {', '.join(EVIDENCE)}"
            for at, rule in wrong
        ]
        raise ConfigError(f"{path} is not a valid Determinations:\n" + "\n".join(lines))
