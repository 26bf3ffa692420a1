"""Supervision: uses of the classes: corrections of records and results that come back."""
