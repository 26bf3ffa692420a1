"""Supervision: uses of the classes, such as spot checks, warnings and outlook."""

"""Supervision: uses of the classes: corrections of records and results that come back."""
