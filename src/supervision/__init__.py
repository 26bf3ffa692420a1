"""Supervision: uses of the classes, such as spot checks, warnings and outlook."""
