"""All phrases by indicator."""

from __future__ import annotations

from features.catalogue.phrases.conduct import CONDUCT
from features.catalogue.phrases.register import REGISTER
from features.catalogue.phrases.say import Say
from features.catalogue.phrases.surroundings import SURROUNDINGS

PHRASES: dict[str, Say] = REGISTER | CONDUCT | SURROUNDINGS
"""By indicator; what is not here is said by the rule of its unit."""
