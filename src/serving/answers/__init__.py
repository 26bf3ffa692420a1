"""Where model, rules and fallback meet: from a request's items to answers."""
