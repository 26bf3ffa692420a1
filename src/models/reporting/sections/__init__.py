"""Sections of the report page, in words and tables."""
