"""Answers to a request's items: where model, rules and fallback meet."""
